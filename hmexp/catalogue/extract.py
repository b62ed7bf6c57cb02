"""Members of H&M's archive -> files in a folder: only those of its layout, each there whole or not at all."""

import calendar
import errno
import fcntl
import os
import re
import shutil
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from posixpath import basename, dirname
from zipfile import ZipInfo

from rich.filesize import decimal

from hmexp.catalogue.archive import Archive, BadMember
from hmexp.config.errors import UserError, invalid
from hmexp.console import progress
from hmexp.process import written_to

TABLES = ("articles.csv", "customers.csv", "transactions_train.csv")
PICTURE = re.compile(r"images/(0\d\d)/\1\d{7}\.jpg", re.ASCII)
MAX_TABLE_BYTES = 16 * 2**30
"""Of a table that is extracted; transactions_train.csv has 3.5 GB."""
MAX_PICTURE_BYTES = 64 * 2**20
BLOCK_BYTES = 2**20
FILE_BYTES = 4096
"""What file systems take room in."""
LOCK = ".fetch.lock"
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of times in zip archives."""


@dataclass(frozen=True)
class Extraction:
    """What became of the members.

    Attributes:
        num_there: Files that were there already.
        num_bytes: Of all files that are there now.
        damaged: Name of a member whose bytes are not what the archive says -> why.
    """

    num_there: int
    num_bytes: int
    damaged: dict[str, str]


def layout_members(archive: Archive) -> tuple[list[ZipInfo], dict[str, str]]:
    """The members of H&M's layout, tables first; and the names of all others, with the reason."""
    members, left_out = [], dict(archive.left_out)
    for name, info in archive.members.items():
        if name not in TABLES and not PICTURE.fullmatch(name):
            left_out[name] = "no part of H&M's layout"
        elif info.file_size > (limit := MAX_TABLE_BYTES if name in TABLES else MAX_PICTURE_BYTES):
            left_out[name] = f"more than {decimal(limit)}"
        else:
            members.append(info)
    return sorted(members, key=lambda info: (info.filename not in TABLES, info.filename)), left_out


def extract(archive: Archive, members: Sequence[ZipInfo], to: Path) -> Extraction:
    """Write members below a folder; those that are there whole, by size and CRC-32, are not written again.

    No link below the folder is followed, nothing that is there is overwritten, and a file gets its name when it is
    whole, so that after a kill the next call goes on. Its time is the member's.

    Raises:
        UserError: Files or links of these names that are not the archive's, or another command that writes there.
        OSError: Too little disk, before anything is written.
    """
    absent = _absent(members, to)
    damaged: dict[str, str] = {}
    if absent:
        _check_disk(absent, to)
        sentence = f"extracting {len(absent):,} files ({decimal(sum(info.file_size for info in absent))}) to {to}"
        shown = progress("extracting", len(absent), unit="files", sentence=sentence)
        with locked_folder(to), written_to(to), shown as bar:
            for folder, name, info in _places(to, absent, make=True):
                bar.note(name if "/" not in info.filename else "")
                try:
                    _write(archive, info, folder, name)
                except BadMember as error:
                    damaged[info.filename] = str(error)
                bar.advance()
    num_bytes = sum(info.file_size for info in members if info.filename not in damaged)
    return Extraction(len(members) - len(absent), num_bytes, damaged)


@contextmanager
def locked_folder(to: Path) -> Iterator[int]:
    """Make the folder where it is not there, and hold its lock, of which the open file is given.

    Raises:
        UserError: Another command holds it.
    """
    to.mkdir(parents=True, exist_ok=True)
    try:  # Not with filelock, which of old followed a link to a file that it then emptied.
        lock = os.open(to / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise invalid("to", "files, and no links, in it", to / LOCK) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise invalid("to", "a folder that no other command writes to", f"{to}, to which one does") from None
        try:
            yield lock
        finally:
            (to / LOCK).unlink(missing_ok=True)
    finally:
        os.close(lock)


def _absent(members: Sequence[ZipInfo], to: Path) -> list[ZipInfo]:
    """The members that have no file yet; every file that is there is compared with its member."""
    absent: list[ZipInfo] = []
    foreign: list[str] = []
    with progress("comparing with the archive", len(members), unit="files") as bar:
        for folder, name, info in _places(to, members, make=False):
            there = None if folder is None else _compare(info, folder, name)
            if there is None:
                absent.append(info)
            elif not there:
                foreign.append(info.filename)
            bar.advance()
    if foreign:
        expected = f"no other files of the archive's names in {to}"
        raise UserError(
            f"to: expected {expected}, received {len(foreign):,} that are not as in the archive (the first is "
            f"{foreign[0]}): move them away, or choose another folder"
        )
    return absent


def _check_disk(absent: Sequence[ZipInfo], to: Path) -> None:
    """Raise the error of a full disk before anything is written, where the files would not fit."""
    needed = sum(-(-info.file_size // FILE_BYTES) * FILE_BYTES for info in absent)
    place = next(place for place in (to, *to.parents) if place.exists())
    if shutil.disk_usage(place).free < needed:
        raise OSError(errno.ENOSPC, f"too little for {decimal(needed)}", str(to))


def _places(to: Path, members: Sequence[ZipInfo], make: bool) -> Iterator[tuple[int | None, str, ZipInfo]]:
    """Each member with its file's name and its open folder, or None where that is not there and not to be made."""
    for parent, infos in groupby(members, key=lambda info: dirname(info.filename)):
        folder = _open_folder(to, parent, make)
        try:
            for info in infos:
                yield folder, basename(info.filename), info
        finally:
            if folder is not None:
                os.close(folder)


def _open_folder(to: Path, parent: str, make: bool) -> int | None:
    """Open a folder below `to` step by step, through no link."""
    try:
        folder = os.open(to, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    for part in parent.split("/") if parent else []:
        above = folder
        try:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=above)
            folder = os.open(part, FOLDER_FLAGS, dir_fd=above)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                raise
            raise invalid("to", "folders, and no links, below it", to / parent) from None
        finally:
            os.close(above)
    return folder


def _compare(info: ZipInfo, folder: int, name: str) -> bool | None:
    """Whether the file of a member is the member; None where there is none. A link is another file."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode) or found.st_size != info.file_size:
        return False
    checksum = 0
    with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            checksum = zlib.crc32(block, checksum)
    return checksum == info.CRC


def _write(archive: Archive, info: ZipInfo, folder: int | None, name: str) -> None:
    """Write a member beside its place, and give the file its name when it is whole."""
    partial = f".{name}.partial"
    with suppress(FileNotFoundError):  # of a command that was killed
        os.unlink(partial, dir_fd=folder)
    try:
        with archive.open(info.filename) as stream:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(partial, flags, 0o666, dir_fd=folder), "wb", buffering=0) as file:
                while block := stream.read(BLOCK_BYTES):
                    _write_all(file.fileno(), block)
                os.utime(file.fileno(), (_time(info), _time(info)))
        os.rename(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(partial, dir_fd=folder)
        raise


def _write_all(file: int, block: bytes) -> None:
    while block:
        block = block[os.write(file, block) :]


def _time(info: ZipInfo) -> int:
    """The time of a member in seconds, as if it were UTC: the same everywhere, so that stores keep their keys."""
    try:
        return calendar.timegm(info.date_time)
    except ValueError:  # the thirteenth month
        return calendar.timegm(EPOCH)
