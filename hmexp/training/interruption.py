"""Ctrl-C and SIGTERM that are not lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Remembers that the user wants the run to end.

    The handler raises KeyboardInterrupt, as Python's own does. Where that falls into a destructor or into a
    callback of a library, it is printed and forgotten; whoever looks at `requested` later can raise it again.
    """

    def __init__(self) -> None:
        self.requested = False

    @contextmanager
    def listening(self) -> Iterator["Interruption"]:
        """Answer SIGINT and SIGTERM inside the block."""
        previous = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt where the user asked for the end."""
        if self.requested:
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        raise KeyboardInterrupt
