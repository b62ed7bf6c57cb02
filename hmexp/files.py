"""Files that are whole or as they were, wherever a command is cut off."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the place of `path` once the block has ended well.

    One writer at a time: what an attempt that was cut off left there is written over.
    """
    partial = path.with_name(f"{path.name}.partial")
    yield partial
    partial.replace(path)
