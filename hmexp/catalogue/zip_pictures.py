"""Pictures in a zip archive, read where they lie."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from posixpath import normpath
from typing import BinaryIO

from hmexp.catalogue.archive import Archive, BadMember
from hmexp.catalogue.pictures import BESIDE, EXTENSIONS, HEAD_BYTES, FilePictures, Picture, why_no_picture

SIDE_FOLDER = "__MACOSX"
"""Folder that macOS adds to the archives it makes."""


class ZipPictures(FilePictures):
    """The pictures of a zip archive, seen as the folder that it would become.

    Args:
        archive: Opened, and cleared of what could do harm.
        inner: Folder of the archive that paths are relative to; "" is the archive itself.
        folder: Only what lies below this folder of `inner`.
        paths: Only these, as a table has them; None takes all but hidden ones.
    """

    def __init__(self, archive: Archive, inner: str = "", folder: str = "", paths: Sequence[str] | None = None) -> None:
        super().__init__(archive.path / inner, paths or ())
        self.archive = archive
        self.prefix = f"{inner}/" if inner else ""
        self.folder = f"{folder}/" if folder else ""
        self._named = paths is not None

    def folders(self) -> list[str]:
        """Folders that have a member, whatever it is, relative to `inner`."""
        above = {str(parent) for path in self._visible() for parent in PurePosixPath(path).parents}
        return sorted(above - {"."})

    def open(self, path: str) -> BinaryIO:
        """A picture's bytes; reading them raises `BadMember` where they are damaged."""
        return self.archive.open(self._name(path))

    def _look(self) -> Iterator[Picture]:
        """Look at the archive's directory, and at the first bytes of what no ending calls a picture."""
        self._left_out |= self._refused()
        for path in dict.fromkeys(self.paths) if self._named else self._visible():
            name = self._name(path)
            if name not in self.archive.members:
                continue
            reason = "" if path.lower().endswith(EXTENSIONS) else self._why_none(path)
            if reason:
                self._left_out[path] = reason
            else:
                info = self.archive.members[name]
                yield Picture(path, info.file_size, info.CRC)

    def _refused(self) -> dict[str, str]:
        left_out = self.archive.left_out
        if not self._named:
            return left_out
        return {path: left_out[self._name(path)] for path in self.paths if self._name(path) in left_out}

    def _visible(self) -> list[str]:
        """Paths below the folder that are not hidden."""
        start = self.prefix + self.folder
        paths = [name.removeprefix(self.prefix) for name in self.archive.members if name.startswith(start)]
        return [path for path in paths if not _is_hidden(path)]

    def _name(self, path: str) -> str:
        """What the archive calls a path."""
        return normpath(self.prefix + path) if self._named else self.prefix + path

    def _why_none(self, path: str) -> str:
        try:
            with self.open(path) as stream:
                return why_no_picture(path, stream.read(HEAD_BYTES))
        except BadMember as error:
            return str(error)


def _is_hidden(path: str) -> bool:
    parts = path.split("/")
    return any(part.startswith(".") or part == SIDE_FOLDER for part in parts) or parts[-1].lower() in BESIDE
