"""Files that are whole or as they were, wherever a command is cut off."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from hmexp.config.errors import require


def place_of(out: str) -> Path:
    """Where a file is to be written, absolute.

    Raises:
        UserError: No folder to write it into, or a folder in its place.
    """
    path = Path(out).expanduser().absolute()
    require(path.parent.is_dir() and not path.is_dir(), "out", "a file in a folder that is there", out)
    return path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the place of `path` once the block has ended well.

    One writer at a time: what an attempt that was cut off left there is written over.
    """
    partial = path.with_name(f"{path.name}.partial")
    yield partial
    partial.replace(path)


@contextmanager
def replacing_at_once(path: Path) -> Iterator[Path]:
    """As `replacing`, where several processes may write the same: each beside it, under a name of its own."""
    with NamedTemporaryFile(dir=path.parent, suffix=".partial", delete=False) as partial:
        pass
    yield Path(partial.name)
    Path(partial.name).replace(path)
