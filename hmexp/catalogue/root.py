"""Where a catalogue lies: a folder, or a zip archive that is read as the folder it would become."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pandas as pd
from rich.filesize import decimal

from hmexp.catalogue.archive import Archive, BadMember
from hmexp.catalogue.pictures import DirectoryPictures, FilePictures, PictureSource
from hmexp.catalogue.tables import GZIP, PARQUET, parse_table, read_table
from hmexp.catalogue.zip_pictures import ZipPictures
from hmexp.config.errors import UserError, invalid

ARTICLES = ("articles.csv", "articles.csv.gz", "articles.parquet")
MAX_TABLE_BYTES = 2**30
"""Of a table in an archive; H&M's has 36 MB."""


class TreePictures(PictureSource, Protocol):
    """Pictures in folders."""

    def folders(self) -> list[str]:
        """The folders, with or without pictures, relative to the root."""
        ...


class Root(Protocol):
    """A catalogue's folder, or what is read as one.

    Attributes:
        name: What the catalogue is called in reports.
        path: For messages.
    """

    name: str
    path: Path

    def articles(self) -> tuple[str, pd.DataFrame] | None:
        """Name and content of the table in H&M's layout, if there is one."""
        ...

    def pictures(self, folder: str = "") -> TreePictures:
        """The pictures below a folder."""
        ...

    def named(self, paths: Sequence[str]) -> PictureSource:
        """The pictures that a table names."""
        ...


class FolderRoot:
    """A folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def articles(self) -> tuple[str, pd.DataFrame] | None:
        """See `Root`; also gzipped, or as Parquet."""
        table = next((self.path / name for name in ARTICLES if (self.path / name).is_file()), None)
        return None if table is None else (table.name, read_table(table, "data.root"))

    def pictures(self, folder: str = "") -> DirectoryPictures:
        """See `Root`."""
        return DirectoryPictures(self.path, folder)

    def named(self, paths: Sequence[str]) -> FilePictures:
        """See `Root`."""
        return FilePictures(self.path, paths)


class ZipRoot:
    """A zip archive, or a folder in one.

    Args:
        path: Of the archive.
        inner: Of the folder in it; "" is the archive itself.

    Raises:
        UserError: No archive, or no such folder in it.
    """

    def __init__(self, path: Path, inner: str) -> None:
        self.path = path / inner
        self.name = Path(inner).name or path.stem
        self.archive = Archive(path, "data.root")
        self.inner = inner
        if inner and not any(name.startswith(f"{inner}/") for name in self.archive.members):
            tops = {name.split("/")[0] for name in self.archive.members if "/" in name}
            raise invalid("data.root", f"a folder of {path}", inner, tops)

    def articles(self) -> tuple[str, pd.DataFrame] | None:
        """See `Root`; articles.csv alone, so that no archive lies in an archive."""
        name = f"{self.inner}/{ARTICLES[0]}" if self.inner else ARTICLES[0]
        place = self.archive.path / name
        if reason := self.archive.left_out.get(name):
            raise UserError(f"data.root: expected a table in {place}, received one that is not read: {reason}")
        if name not in self.archive.members:
            return None
        size = self.archive.members[name].file_size
        if size > MAX_TABLE_BYTES:
            raise UserError(
                f"data.root: expected a table of up to {decimal(MAX_TABLE_BYTES)} in {place}, received {decimal(size)}"
            )
        try:
            with self.archive.open(name) as stream:
                content = stream.read()
        except BadMember as error:
            raise UserError(f"data.root: expected a table in {place}, received one that is {error}") from None
        if content.startswith((GZIP, PARQUET)):
            raise UserError(f"data.root: expected a CSV table in {place}, received one that is compressed once more")
        return ARTICLES[0], parse_table(content, place, "data.root")

    def pictures(self, folder: str = "") -> ZipPictures:
        """See `Root`."""
        return ZipPictures(self.archive, self.inner, folder)

    def named(self, paths: Sequence[str]) -> ZipPictures:
        """See `Root`."""
        return ZipPictures(self.archive, self.inner, paths=paths)


def find_root(path: Path) -> Root | None:
    """The folder of this path, or the archive (`FILE.zip`, `FILE.zip/FOLDER`); None where neither is there."""
    if path.is_dir():
        return FolderRoot(path)
    archive = next((place for place in (path, *path.parents) if place.is_file()), None)
    if archive is None:
        return None
    inner = path.relative_to(archive)
    return ZipRoot(archive, "" if inner == Path() else inner.as_posix())
