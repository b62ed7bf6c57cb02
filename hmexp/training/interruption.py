"""Ctrl-C and SIGTERM that are not lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hmexp.console import log


class Interruption:
    """Remembers that the user wants the run to end.

    The handler raises KeyboardInterrupt, as Python's own does, except inside `deferred`: there the training goes
    on to the end of its step, saves, and asks with `requested`. A second Ctrl-C always raises at once. Where the
    exception falls into a destructor or a callback of a library, it is printed and forgotten; whoever looks at
    `requested` later can raise it again.
    """

    def __init__(self) -> None:
        self.requested = False
        self._deferring = False

    @contextmanager
    def listening(self) -> Iterator["Interruption"]:
        """Answer SIGINT and SIGTERM inside the block."""
        previous = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Only remember the first request inside the block."""
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False

    def check(self) -> None:
        """Raise KeyboardInterrupt where the user asked for the end."""
        if self.requested:
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        again, self.requested = self.requested, True
        if again or not self._deferring:
            raise KeyboardInterrupt
        log.warning("interrupted: saving; once more ends at once, without saving")
