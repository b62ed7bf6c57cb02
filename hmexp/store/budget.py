"""Memory that pictures take while they are decoded: a limit for one, and for all threads of the process together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.filesize import decimal

from hmexp.catalogue.pictures import BadPicture

LIMIT_BYTES = 2**30
"""What all pictures that are being decoded may take together; a picture that takes more alone is refused."""


class Budget:
    """Bytes that threads reserve before they take them; whoever asks for more than is left waits.

    A thread reserves once a picture, and asks for nothing more while it holds that, so that none waits for another
    in a circle.

    Args:
        limit: Bytes in all.
    """

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self.limit = limit
        self.taken = 0
        self._given_back = threading.Condition()

    @contextmanager
    def reserved(self, needed: int) -> Iterator[None]:
        """Hold `needed` bytes inside the block.

        Raises:
            BadPicture: More than there are in all.
        """
        if needed > self.limit:
            raise BadPicture(f"takes {decimal(needed)} to decode, more than {decimal(self.limit)}")
        with self._given_back:
            self._given_back.wait_for(lambda: self.taken + needed <= self.limit)
            self.taken += needed
        try:
            yield
        finally:
            with self._given_back:
                self.taken -= needed
                self._given_back.notify_all()
