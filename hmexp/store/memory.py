"""The memory that all threads of a process may hold together while they read and decode pictures."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hmexp.catalogue.pictures import BadPicture

MEMORY_BYTES = 1536 * 2**20
"""Room for the largest file that is read and the most pixels that Pillow decodes, in RGB, together."""


class MemoryBudget:
    """A number of bytes that threads share; who wants more than is free waits until others have given theirs back.

    Args:
        limit: Bytes that may be held at once.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held = 0
        self._given_back = threading.Condition()
        self._one_grows = threading.Lock()

    @property
    def held(self) -> int:
        """Bytes that are held at the moment."""
        return self._held

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """A share for one picture, empty at first; it is given back at the end of the block."""
        share = Share(self)
        try:
            yield share
        finally:
            self._add(-share.held)
            if share.grows:
                self._one_grows.release()

    def _add(self, num_bytes: int) -> None:
        with self._given_back:
            self._given_back.wait_for(lambda: self._held + num_bytes <= self.limit)
            self._held += num_bytes
            self._given_back.notify_all()


class Share:
    """What one picture holds of a budget.

    Two shares that waited for each other's bytes would wait forever. So a share asks once for all that it needs; one
    that cannot know it beforehand says so (`grow`), and of those there is one at a time: all others come to an end.

    Attributes:
        held: Bytes.
        grows: Whether it may ask more than once.
    """

    def __init__(self, budget: MemoryBudget) -> None:
        self.held = 0
        self.grows = False
        self._budget = budget

    def grow(self) -> None:
        """Let the share ask more than once; waits until no other one may."""
        if not self.grows:
            self._budget._one_grows.acquire()
            self.grows = True

    def hold(self, num_bytes: int) -> None:
        """Hold this many bytes in all; waits until they are free.

        Raises:
            BadPicture: More than the whole budget.
            ValueError: A second time, by a share that does not grow.
        """
        limit = self._budget.limit
        if num_bytes > limit:
            raise BadPicture(f"{num_bytes:,} bytes of memory, more than {limit:,}, whatever data.max_pixels is")
        if num_bytes <= self.held:
            return
        if self.held and not self.grows:
            raise ValueError(f"expected a share that grows, received one of {self.held} bytes that wants {num_bytes}")
        self._budget._add(num_bytes - self.held)
        self.held = num_bytes


MEMORY = MemoryBudget(MEMORY_BYTES)
"""The budget of this process."""
