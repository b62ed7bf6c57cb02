"""Where a catalogue's pictures come from: one small interface, and a folder that has it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Protocol

from hmexp.config.errors import invalid
from hmexp.console import log

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture file, unopened.

    Attributes:
        path: Relative to the source's root, with `/`.
        size: Bytes.
        mtime_ns: Time of the last change, in nanoseconds.
    """

    path: str
    size: int
    mtime_ns: int


class PictureSource(Protocol):
    """What a folder, a zip or an object store has to offer to be staged."""

    def list(self) -> list[Picture]:
        """All pictures, sorted by path."""
        ...

    def open(self, path: str) -> BinaryIO:
        """A picture's bytes; safe to call from many threads."""
        ...

    def fingerprint(self, paths: Sequence[str]) -> str:
        """A hash of path, size and mtime of these pictures; not of the root or the order."""
        ...


class DirectoryPictures:
    """The picture files below a folder, in any depth; hidden files and folders are left out.

    The folder is walked once, at the first need, and what was found is kept: a picture that changes later is
    seen by the next instance.

    Args:
        root: What the paths are relative to.
        folder: Only what lies below this folder of `root`.
    """

    def __init__(self, root: Path, folder: str = "") -> None:
        self.root = Path(root)
        self.folder = folder
        self._found: list[Picture] = []

    def list(self) -> list[Picture]:
        """All pictures, sorted by path; empty where the folder is not there.

        Raises:
            UserError: A folder that may not be read.
        """
        start = self.root / self.folder
        if not self._found and start.is_dir():
            prefix = f"{self.folder}/" if self.folder else ""
            self._found = sorted(_walk(start, prefix, ()), key=lambda picture: picture.path)
        return list(self._found)

    def open(self, path: str) -> BinaryIO:
        """The file's bytes, unbuffered: a picture is read in one go."""
        return (self.root / path).open("rb", buffering=0)

    def fingerprint(self, paths: Sequence[str]) -> str:
        """32 hex digits over path, size and mtime of these pictures.

        Raises:
            ValueError: A path that is not in the folder.
        """
        known = {picture.path: picture for picture in self.list()}
        digest = blake2b(digest_size=16)
        for path in sorted(set(paths)):
            if path not in known:
                raise ValueError(f"expected pictures of {self.root}, received {path}")
            picture = known[path]
            digest.update(f"{path}\0{picture.size}\0{picture.mtime_ns}\n".encode())
        return digest.hexdigest()


def _walk(folder: Path, prefix: str, above: tuple[tuple[int, int], ...]) -> Iterator[Picture]:
    """Pictures below `folder`; `above`: device and inode of the folders around it, so that no link loops."""
    try:
        stat = folder.stat()
        here = (stat.st_dev, stat.st_ino)
        if here in above:
            return
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if _wanted(entry)]
    except PermissionError as error:
        raise invalid("data.root", "folders that may be read", folder) from error
    for entry in entries:
        if entry.is_dir():
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", (*above, here))
        elif entry.name.lower().endswith(EXTENSIONS) and entry.is_file():
            found = entry.stat()
            yield Picture(prefix + entry.name, found.st_size, found.st_mtime_ns)


def _wanted(entry: os.DirEntry[str]) -> bool:
    try:
        entry.name.encode()
    except UnicodeEncodeError:  # No table could hold the name.
        log.warning(f"left out, its name is not UTF-8: {entry.path!r}")
        return False
    return not entry.name.startswith(".")
