"""Where a catalogue's pictures come from: one small interface, and folders that have it (zips: `zip_pictures`)."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from hmexp.config.errors import invalid
from hmexp.console import log

EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
"""Files of these names are pictures unopened; any other file is one if it begins like one."""
RAW_EXTENSIONS = (".dng", ".nef", ".cr2", ".arw", ".orf", ".rw2", ".pef", ".srw")
"""Raw files of cameras begin like a TIFF, and would be decoded as its small preview."""
BESIDE = ("thumbs.db", "desktop.ini")
"""Files that systems leave in every folder, of which nothing is said."""
HEAD_BYTES = 64
SIGNATURES = (
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("WEBP", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("BMP", re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL)),
    ("TIFF", re.compile(rb"II[*+]\0|MM\0[*+]")),
    ("PPM", re.compile(rb"P[1-6]\s+(#[^\n]*\n\s*)*\d+\s")),
    ("AVIF", re.compile(rb"....ftyp(avif|avis|....(....)*(avif|avis))", re.DOTALL)),
    ("HEIC", re.compile(rb"....ftyp(hei[cxms]|hev[cx]|mif1|msf1)", re.DOTALL)),
    ("JPEG 2000", re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51")),
    ("JPEG XL", re.compile(rb"\0\0\0\x0cJXL |\xff\x0a")),
    ("Photoshop", re.compile(rb"8BPS\0")),
)
UNREADABLE = {
    "HEIC": "HEIC, which needs `pip install pillow-heif`",
    "JPEG 2000": "JPEG 2000, which hmexp does not read",
    "JPEG XL": "JPEG XL, which hmexp does not read",
    "Photoshop": "Photoshop, which hmexp does not read",
}
HAS_HEIC = find_spec("pillow_heif") is not None


def kind_of(head: bytes) -> str:
    """The format that a file begins like, such as `JPEG`, or nothing; `head` is its first `HEAD_BYTES`."""
    return next((kind for kind, signature in SIGNATURES if signature.match(head)), "")


def unreadable(kind: str) -> str:
    """Why pictures of this format cannot be decoded here; nothing where they can."""
    return "" if kind == "HEIC" and HAS_HEIC else UNREADABLE.get(kind, "")


def why_no_picture(name: str, head: bytes) -> str:
    """Why a file of this name that begins like this is no picture; empty for one that is."""
    suffix = Path(name).suffix.lower()
    if suffix in RAW_EXTENSIONS:
        return f"a camera's raw file ({suffix})"
    kind = kind_of(head)
    if not kind:
        return f"no picture ({suffix or 'no ending'})" if head else "an empty file"
    return unreadable(kind)


class BadPicture(Exception):  # noqa: N818 (what the file is)
    """A file that gives no picture; its text is the reason, in a few words."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture file, unopened.

    Attributes:
        path: Relative to the source's root, with `/`.
        size: Bytes.
        version: Changes with the content: the time of a file's last change in nanoseconds, a member's CRC-32.
    """

    path: str
    size: int
    version: int


class PictureSource(Protocol):
    """What a folder, a zip or an object store has to offer to be staged."""

    def list(self) -> list[Picture]:
        """All pictures, sorted by path."""
        ...

    def left_out(self) -> dict[str, str]:
        """Files that are no pictures, or cannot be read -> why; known once the pictures are listed."""
        ...

    def open(self, path: str) -> BinaryIO:
        """A picture's bytes; safe to call from many threads."""
        ...

    def fingerprint(self, paths: Sequence[str]) -> str:
        """A hash of path, size and version of these pictures; not of the root or the order."""
        ...


class FilePictures:
    """Pictures that a table names, wherever they are.

    The files are looked at once, at the first need, and what was found is kept: one that changes later is seen by the
    next instance.

    Args:
        root: What the paths are relative to; absolute ones stay as they are.
        paths: As the table has them.
    """

    def __init__(self, root: Path, paths: Sequence[str]) -> None:
        self.root = Path(root)
        self.paths = paths
        self._found: dict[str, Picture] = {}
        self._left_out: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs to open pictures, from any current folder; it looks at the files itself."""
        return self.__dict__ | {"root": self.root.absolute(), "_found": {}, "_left_out": {}}

    def list(self) -> list[Picture]:
        """The pictures that are there, sorted by path."""
        return [self._known()[path] for path in sorted(self._known())]

    def left_out(self) -> dict[str, str]:
        """Paths without a file that is a picture -> why; those that are not there at all are no news."""
        self._known()
        return dict(self._left_out)

    def open(self, path: str) -> BinaryIO:
        """The file's bytes, unbuffered: a picture is read in one go."""
        return (self.root / path).open("rb", buffering=0)

    def fingerprint(self, paths: Sequence[str]) -> str:
        """32 hex digits over path, size and version of these pictures.

        Raises:
            ValueError: A path that has no picture.
        """
        known = self._known()
        digest = blake2b(digest_size=16)
        for path in sorted(set(paths)):
            if path not in known:
                raise ValueError(f"expected pictures of {self.root}, received {path}")
            picture = known[path]
            digest.update(f"{path}\0{picture.size}\0{picture.version}\n".encode())
        return digest.hexdigest()

    def _known(self) -> dict[str, Picture]:
        if not self._found:  # nothing yet: the folder of the sample is looked at before it is drawn
            self._found = {picture.path: picture for picture in self._look()}
        return self._found

    def _look(self) -> Iterator[Picture]:
        """Look at the files."""
        for path in dict.fromkeys(self.paths):
            try:
                file = self.root / path
                found = file.stat()
                if not file.is_file():
                    continue
                reason = "" if path.lower().endswith(EXTENSIONS) else why_no_picture(path, _head(file))
            except (OSError, ValueError):  # not there, a name that is too long, a NUL in it
                continue
            if reason:
                self._left_out[path] = reason
            else:
                yield Picture(path, found.st_size, found.st_mtime_ns)


class DirectoryPictures(FilePictures):
    """The picture files below a folder, in any depth; hidden files and folders are left out.

    Args:
        root: What the paths are relative to.
        folder: Only what lies below this folder of `root`.
    """

    def __init__(self, root: Path, folder: str = "") -> None:
        super().__init__(root, ())
        self.folder = folder
        self._folders: list[str] = []

    def folders(self) -> list[str]:
        """The folders below, with or without pictures, relative to the root."""
        self._known()
        return sorted(self._folders)

    def _look(self) -> Iterator[Picture]:
        """Walk the folder; nothing where it is not there.

        Raises:
            UserError: A folder that may not be read.
        """
        self._folders = []
        start = self.root / self.folder
        if start.is_dir():
            yield from self._walk(start, f"{self.folder}/" if self.folder else "", ())

    def _walk(self, folder: Path, prefix: str, above: tuple[tuple[int, int], ...]) -> Iterator[Picture]:
        """Pictures below `folder`; `above`: device and inode of the folders around it, so that no link loops."""
        try:
            stat = folder.stat()
            here = (stat.st_dev, stat.st_ino)
            if here in above:
                self._left_out[prefix.rstrip("/")] = "a link to a folder around it"
                return
            with os.scandir(folder) as scan:
                entries = [entry for entry in scan if _wanted(entry)]
        except PermissionError as error:
            raise invalid("data.root", "folders that may be read", folder) from error
        for entry in entries:
            path = prefix + entry.name
            if _is_dir(entry):
                self._folders.append(path)
                yield from self._walk(Path(entry.path), f"{path}/", (*above, here))
            elif reason := _reason(entry):
                self._left_out[path] = reason
            else:
                found = entry.stat()
                yield Picture(path, found.st_size, found.st_mtime_ns)


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _reason(entry: os.DirEntry[str]) -> str:
    """Why a file is no picture; empty for one that is."""
    try:
        if entry.is_symlink() and not Path(entry.path).exists():
            return "a link that leads nowhere"
        if not entry.is_file():
            return "no file"
        if entry.name.lower().endswith(EXTENSIONS):
            return ""
        return why_no_picture(entry.name, _head(Path(entry.path)))
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(HEAD_BYTES)


def _wanted(entry: os.DirEntry[str]) -> bool:
    try:
        entry.name.encode()
    except UnicodeEncodeError:  # No table could hold the name.
        log.warning(f"left out, its name is not UTF-8: {entry.path!r}")
        return False
    return not entry.name.startswith(".") and entry.name.lower() not in BESIDE
