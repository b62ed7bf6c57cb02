"""Zip archives, which may be damaged or made to harm: the members that may be read, and their bytes, checked."""

import io
import os
import re
import stat
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from rich.filesize import decimal

from hmexp.catalogue.pictures import BadPicture
from hmexp.compat.python import zip_directory_bytes
from hmexp.config.errors import UserError

MAX_DIRECTORY_BYTES = 64 * 2**20
"""Of the list of members, which is held in memory as some 15 times that; H&M's archive has 8 MiB."""
MAX_RATIO = 100
"""Times that a member may grow; deflate reaches 1,032 on nothing but zeros, a table 10, a JPEG 1."""
SMALL_BYTES = 2**20
"""Members up to here may grow more: they do no harm."""
HEADER_BYTES = 30
"""Before a member's name and bytes, at least."""
ENCRYPTED = 0x1 | 0x40
ZIP_HEAD = b"PK\x03\x04"
DAMAGED = (BadZipFile, zlib.error, struct.error, EOFError, ValueError, OverflowError, RuntimeError)
"""What `zipfile` raises of archives and members that are not what they should be."""


class BadMember(BadPicture):
    """A member whose bytes are not those that the archive says; its text is the reason, in a few words."""


class Archive:
    """A zip archive, of which only members that can do no harm are seen.

    Left out are names that lead out of a folder, links and other special files, encrypted members, methods other than
    deflate, sizes that cannot be, members that overlap (of which the smallest zip bombs are made) or inflate to more
    than `MAX_RATIO` times their size, and names that are there more than once. Every process opens the file by itself.

    Args:
        path: Of the file.
        key: The config key that names it, for the error.

    Attributes:
        members: Name -> what the archive's directory says of it; no folders.
        left_out: Name of a member that is not read -> why.

    Raises:
        UserError: No zip archive, or a damaged one.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self._opened: tuple[int, ZipFile] | None = None
        try:
            _check_directory(path, key)
            opened = self._zip()
        except OSError as error:
            raise UserError(f"{key}: expected a zip archive, received {path} ({error.strerror or error})") from None
        except DAMAGED as error:
            raise UserError(f"{key}: expected a zip archive that is whole, received {_why_none(path, error)}") from None
        infos = [info for info in opened.infolist() if not _is_folder(info)]
        reasons = _refusals(infos, opened.start_dir)
        self.left_out = {info.orig_filename: reason for info, reason in zip(infos, reasons, strict=True) if reason}
        self.members = {info.filename: info for info, reason in zip(infos, reasons, strict=True) if not reason}

    def __getstate__(self) -> dict[str, Any]:
        """Without the open file: another process opens its own, from any current folder."""
        return self.__dict__ | {"path": self.path.absolute(), "_opened": None}

    def open(self, name: str) -> BinaryIO:
        """A member's bytes, inflated; safe to call from many threads.

        Reading them raises `BadMember` where size or CRC-32 are not what the directory says.
        """
        info = self.members[name]
        try:
            return cast("BinaryIO", _Checked(self._zip().open(info), info))
        except DAMAGED as error:
            raise _damaged(error) from error

    def _zip(self) -> ZipFile:
        """The archive as this process has opened it: a process and its fork would share one place in the file."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), ZipFile(self.path))
        return self._opened[1]


class _Checked(io.BufferedIOBase):
    """A member's bytes; what is wrong with them is a `BadMember`."""

    def __init__(self, stream: Any, info: ZipInfo) -> None:  # noqa: ANN401
        self._stream = stream
        self._left = info.file_size

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes; fewer only at the end."""
        try:
            data = bytes(self._stream.read(size))
        except DAMAGED as error:
            raise _damaged(error) from error
        self._left -= len(data)
        if self._left and (size is None or size < 0 or len(data) < size):
            raise BadMember("damaged in its archive (another size)")
        return data

    def close(self) -> None:
        """Let the archive's file go."""
        self._stream.close()
        super().close()


def is_safe_name(name: str) -> bool:
    """Whether a member's name is a path below whatever folder it is put into, on any system."""
    parts = name.split("/")
    controls = any(ord(letter) < 32 or ord(letter) == 127 or "\ud800" <= letter <= "\udfff" for letter in name)
    drive = re.match(r"[A-Za-z]:", name)
    return not (controls or drive or "\\" in name or any(part in ("", ".", "..") for part in parts))


def _is_folder(info: ZipInfo) -> bool:
    """Whether a member is a folder that can do no harm."""
    return info.orig_filename.endswith("/") and is_safe_name(info.orig_filename[:-1])


def _damaged(error: Exception) -> BadMember:
    checksum = "CRC" in str(error)
    return BadMember(f"damaged in its archive ({'another checksum' if checksum else 'no such data'})")


def _check_directory(path: Path, key: str) -> None:
    """Refuse a directory that is too large to be held, before `zipfile` reads it."""
    if path.exists() and not path.is_file():  # a pipe would be waited for, and a device never end
        raise UserError(f"{key}: expected a zip archive, received {path}, which is no file")
    with path.open("rb") as file:
        size = zip_directory_bytes(file)
    if size is None:
        raise BadZipFile("no directory")
    if size > MAX_DIRECTORY_BYTES:
        expected = f"a zip archive whose directory has at most {decimal(MAX_DIRECTORY_BYTES)}"
        raise UserError(f"{key}: expected {expected}, received {path} with {decimal(size)}")


def _why_none(path: Path, error: Exception) -> str:
    """What a file is that is no zip archive."""
    with path.open("rb") as file:
        is_begun = file.read(len(ZIP_HEAD)) == ZIP_HEAD
    if str(error) != "no directory":
        return f"{path}, whose directory is damaged ({' '.join(str(error).split())[:100]})"
    if is_begun:
        return f"{path} ({decimal(path.stat().st_size)}), whose end is missing: a download that stopped?"
    return f"{path}, which is none"


def _refusals(infos: Sequence[ZipInfo], end: int) -> list[str]:
    """Why each member is not read, or nothing; `end` is where the members' bytes end in the file."""
    names = Counter(info.filename for info in infos)
    overlapping = _overlapping(infos)
    reasons = []
    for place, info in enumerate(infos):
        reason = _refusal(info, end)
        if not reason and place in overlapping:
            reason = "it overlaps another member"
        if not reason and names[info.filename] > 1:
            reason = "its name is there more than once"
        reasons.append(reason)
    return reasons


def _refusal(info: ZipInfo, end: int) -> str:
    """Why a member is not read, for itself."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    here, size = info.header_offset, info.compress_size
    impossible = here < 0 or here + HEADER_BYTES + size > end
    impossible |= info.compress_type == ZIP_STORED and size != info.file_size
    grows = info.file_size > max(SMALL_BYTES, MAX_RATIO * size)
    # `filename` may be cut off at a NUL, or come from a field beside the name.
    safe = is_safe_name(info.orig_filename) and is_safe_name(info.filename)
    rules = (
        (not safe, "a name that leads out of its folder"),
        (kind == stat.S_IFLNK, "a link"),
        (kind not in (0, stat.S_IFREG, stat.S_IFLNK), "no regular file"),
        (bool(info.flag_bits & ENCRYPTED), "encrypted"),
        (info.compress_type not in (ZIP_STORED, ZIP_DEFLATED), "compressed by a method other than deflate"),
        (impossible, "sizes that cannot be"),
        (grows, f"it inflates to more than {MAX_RATIO} times its size"),
    )
    return next((reason for refused, reason in rules if refused), "")


def _overlapping(infos: Sequence[ZipInfo]) -> set[int]:
    """Places of the members that share bytes of the file with another."""
    order = sorted(range(len(infos)), key=lambda place: infos[place].header_offset)
    found: set[int] = set()
    first, end = -1, -1  # of the members that touch each other, one by one
    for place in order:
        info = infos[place]
        if info.header_offset < end:
            found |= {first, place}
        else:
            first = place
        end = max(end, info.header_offset + HEADER_BYTES + info.compress_size)
    return found
