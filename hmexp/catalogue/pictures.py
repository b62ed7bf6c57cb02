"""Where a catalogue's pictures come from: one small interface, and a folder that has it."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Protocol

from hmexp.config.errors import invalid
from hmexp.console import log

EXTENSIONS = tuple(
    ".jpg .jpeg .jpe .jfif .pjpeg .png .webp .bmp .gif .tif .tiff .ppm .pgm .pbm .pnm".split()  # noqa: SIM905
)
"""Files of these names are pictures unopened; any other file is one if it begins like one."""
RAW_EXTENSIONS = (".dng", ".nef", ".cr2", ".arw", ".orf", ".rw2", ".pef", ".srw")
"""Raw files of cameras begin like a TIFF, and would be decoded as its small preview."""
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

    def left_out(self) -> dict[str, str]:
        """Path -> reason of all that `list` found and did not take."""
        ...

    def open(self, path: str) -> BinaryIO:
        """A picture's bytes; safe to call from many threads."""
        ...

    def fingerprint(self, paths: Sequence[str]) -> str:
        """A hash of path, size and mtime of these pictures; not of the root or the order."""
        ...


class DirectoryPictures:
    """The picture files below a folder, in any depth; hidden files and folders are left out.

    A file is a picture by its ending (`EXTENSIONS`) or, with any other or none, by its first bytes.

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
        self._left_out: dict[str, str] = {}

    def list(self) -> list[Picture]:
        """All pictures, sorted by path; empty where the folder is not there.

        Raises:
            UserError: A folder that may not be read.
        """
        start = self.root / self.folder
        if not self._found and start.is_dir():
            prefix = f"{self.folder}/" if self.folder else ""
            self._left_out = {}
            self._found = sorted(_walk(start, prefix, (), self._left_out), key=lambda picture: picture.path)
        return list(self._found)

    def left_out(self) -> dict[str, str]:
        """Path -> reason of each file, link and folder that is not among the pictures, sorted by path.

        Paths are relative to the root. Reasons are few, so that they can be counted: `hidden`, `no picture (.txt)`,
        `a link that leads nowhere`, `empty file`, a format that cannot be read. A hidden folder is one entry.

        Raises:
            UserError: A folder that may not be read.
        """
        self.list()
        return dict(sorted(self._left_out.items()))

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


def _walk(folder: Path, prefix: str, above: tuple[tuple[int, int], ...], left_out: dict[str, str]) -> Iterator[Picture]:
    """Pictures below `folder`; `above`: device and inode of the folders around it, so that no link loops."""
    try:
        stat = folder.stat()
        here = (stat.st_dev, stat.st_ino)
        if here in above:
            left_out[prefix.rstrip("/")] = "a link to a folder around it"
            return
        with os.scandir(folder) as scan:
            entries = list(scan)
    except PermissionError as error:
        raise invalid("data.root", "folders that may be read", folder) from error
    for entry in entries:
        if reason := _unwanted(entry):
            left_out[prefix + entry.name.encode("utf-8", "backslashreplace").decode()] = reason
        elif entry.is_dir():
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", (*above, here), left_out)
        else:
            found = entry.stat()
            yield Picture(prefix + entry.name, found.st_size, found.st_mtime_ns)


def _unwanted(entry: os.DirEntry[str]) -> str:
    """Why an entry of a folder is left out; nothing for a picture or a folder to walk."""
    try:
        entry.name.encode()
    except UnicodeEncodeError:  # No table could hold the name.
        log.warning(f"left out, its name is not UTF-8: {entry.path!r}")
        return "a name that is not UTF-8"
    if entry.name.startswith("."):
        return "hidden"
    try:
        if entry.is_dir():
            return ""
        entry.stat()
    except OSError as error:
        leads_nowhere = isinstance(error, FileNotFoundError) or entry.is_symlink()
        return "a link that leads nowhere" if leads_nowhere else f"cannot be opened ({error.strerror})"
    if not entry.is_file():  # Opening a pipe would wait for its writer.
        return "no file"
    return "" if entry.name.lower().endswith(EXTENSIONS) else _unlike_a_picture(Path(entry.path))


def _unlike_a_picture(path: Path) -> str:
    """Why a file that has no picture's ending is none, by its first bytes; nothing where it is one."""
    suffix = path.suffix.lower()
    if suffix in RAW_EXTENSIONS:
        return f"a camera's raw file ({suffix})"
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        return f"cannot be opened ({error.strerror})"
    if not head:
        return "empty file"
    kind = kind_of(head)
    return unreadable(kind) if kind else f"no picture ({suffix or 'no ending'})"
