"""Ctrl-C, SIGTERM and SIGHUP that are not lost."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hmexp.console import log
from hmexp.process import answered, check_interrupted


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
        """Answer SIGINT, SIGTERM and SIGHUP inside the block."""
        check_interrupted()
        previous = {number: signal.signal(number, self._handle) for number in answered()}
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


@contextmanager
def shielded() -> Iterator[None]:
    """Let what must not be cut in two come to its end; also a decorator.

    The first of these signals is answered after the block, as it would have been without it; a second one is answered
    at once, and takes the first with it. Signals reach the main thread alone, so elsewhere this does nothing.

    KeyboardInterrupt in the middle of a statement of SQLite leaves its cursor to the traceback, and with it the lock
    of the database: this process waits for itself when it writes how the run ended, and so does everyone else.
    """
    waiting: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        waiting.append(number)
        if len(waiting) > 1:
            answer()

    def answer() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)
        while waiting:
            signal.raise_signal(waiting.pop(0))

    previous = {number: signal.signal(number, handle) for number in answered()}
    try:
        yield
    finally:
        answer()
