"""A folder that is made once, whole or not at all."""

import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def make_once(root: Path, write: Callable[[Path], None]) -> None:
    """Make a folder where it is not there; two processes at once make it once, a killed one leaves none.

    Args:
        root: Of the folder.
        write: Writes what is in it, into a folder beside its place.
    """
    if root.is_dir():
        return
    root.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(root.with_name(f"{root.name}.lock")):
        if root.is_dir():
            return
        partial = root.with_name(f"{root.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        write(partial)
        partial.replace(root)
