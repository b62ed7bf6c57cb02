"""The read side of a store: immutable, shared by any number of processes, threads and runs."""

import fcntl
import json
import os
import weakref
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from hmexp.config.errors import UserError, invalid
from hmexp.store.layout import (
    FORMAT_VERSION,
    HEADER_BYTES,
    INDEX,
    META,
    PICTURES,
    QUARANTINE,
    StoreSpec,
    digest_of_content,
    npy_header,
)

VERIFY_BYTES = 8 * 2**20


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_spec(value: object) -> bool:
    if not isinstance(value, dict) or set(value) != {field.name for field in fields(StoreSpec)}:
        return False
    numbers = [number for name, number in value.items() if name != "resize"]
    return isinstance(value["resize"], str) and all(_is_count(number) and number > 0 for number in numbers)


def _are_chunks(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(chunk, list) and len(chunk) == 2 and all(map(_is_count, chunk)) for chunk in value
    )


FACTS: dict[str, Callable[[object], bool]] = {
    "spec": _is_spec,
    "num_pictures": _is_count,
    "content_digest": lambda value: isinstance(value, str),
    "chunks": _are_chunks,
    "mtime_ns": _is_count,
}
"""What store.json has to say of a store -> whether it can be that."""


class RowStore(Protocol):
    """What batches are read from: pictures, or what stands in their place.

    Attributes:
        row_shape: Shape of one row.
        dtype: Of its numbers.
    """

    row_shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Rows by number, `[len(rows), *row_shape]`; from any thread."""
        ...


def row_bytes(store: RowStore) -> int:
    """Bytes of one row."""
    return int(np.prod(store.row_shape)) * store.dtype.itemsize


class Store:
    """A catalogue's pictures, decoded. Made by `stage` or `open_store`; pickled as its place.

    Attributes:
        path: The store's folder.
        spec: How the pictures are stored.
        num_pictures: Rows.
        quarantine: Pictures that have no row: `image, reason`.
        row_shape: `(image_size, image_size, 3)`.
        dtype: uint8.
        content_digest: 32 hex digits over the paths and bytes of the picture files that have a row; the same
            for a copy of the catalogue anywhere.
    """

    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __init__(self, path: Path, meta: dict[str, Any], index: pd.DataFrame, quarantine: pd.DataFrame) -> None:
        self.path = path
        self.spec = StoreSpec(**meta["spec"])
        self.row_shape: tuple[int, ...] = (self.spec.image_size, self.spec.image_size, 3)
        self.num_pictures = int(meta["num_pictures"])
        self.quarantine = quarantine
        self.content_digest = str(meta["content_digest"])
        self._digests = index["digest"]
        self._places = pd.Index(index["image"])
        # Read by position, not through a memory map, whose pages count as this process's memory. Random batches
        # of 32 at 180x180, warm, from 2,000 / 20,000 pictures (2 cores of an AMD EPYC): the map left 202 / 1,950
        # MB resident at 170,000 images/s, preadv 1 / 6 MB at 106,000 / 117,000. No model trains that fast.
        self._file = os.open(path / PICTURES, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        weakref.finalize(self, os.close, self._file)
        share_of(self._file, path / PICTURES)

    def __reduce__(self) -> tuple[Any, ...]:
        return open_store, (self.path,)

    def __len__(self) -> int:
        return self.num_pictures

    def find(self, paths: Sequence[str]) -> np.ndarray:
        """Rows of pictures, int64 `[len(paths)]`; -1 for one that the store does not have."""
        return np.asarray(self._places.get_indexer(pd.Index(list(paths), dtype=self._places.dtype)), np.int64)

    def rows(self, paths: Sequence[str]) -> np.ndarray:
        """Rows of pictures, int64 `[len(paths)]`.

        Raises:
            ValueError: A picture that the store does not have.
        """
        rows = self.find(paths)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            raise ValueError(f"expected pictures of the store {self.path}, received {list(paths)[missing[0]]}")
        return rows

    def digests(self, paths: Sequence[str]) -> list[str]:
        """The hash of each picture file's bytes, 32 hex digits; see `rows` for what it raises."""
        return [str(digest) for digest in self._digests.iloc[self.rows(paths)]]

    def content_digest_of(self, paths: Sequence[str]) -> str:
        """`content_digest` of some of the pictures; see `rows` for what it raises."""
        return digest_of_content(zip(paths, self._digests.iloc[self.rows(paths)], strict=True))

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Pictures by row, uint8 `[len(rows), image_size, image_size, 3]`; from any thread.

        Raises:
            IndexError: A row that the store does not have.
        """
        chosen = np.asarray(rows, np.int64).tolist()
        size, length = self.spec.image_size, self.spec.row_bytes
        pictures = np.empty((len(chosen), size, size, 3), np.uint8)
        view = memoryview(pictures.reshape(-1).data)
        for place, row in enumerate(chosen):
            if not 0 <= row < self.num_pictures:
                raise IndexError(f"expected a row from 0 to {self.num_pictures - 1}, received {row}")
            target = view[place * length : (place + 1) * length]
            if os.preadv(self._file, [target], HEADER_BYTES + row * length) != length:
                raise _damaged(self.path, f"{PICTURES} ends before row {row}")
        return pictures


def open_store(path: Path, verify: bool = False) -> Store:
    """Open a store that is there.

    Checksums are computed where `pictures.npy` is not the file that was written (by size and mtime).

    Args:
        path: The store's folder.
        verify: Compute the checksums in any case.

    Raises:
        UserError: Damaged, or no store of this version.
    """
    path = Path(path).absolute()
    meta = _read_meta(path)
    try:
        stat = (path / PICTURES).stat()
        index = pd.read_parquet(path / INDEX)
        quarantine = pd.read_parquet(path / QUARANTINE)
        store = Store(path, meta, index, quarantine)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {str(error).splitlines()[0]}") from error
    expected = HEADER_BYTES + store.num_pictures * store.spec.row_bytes
    if stat.st_size != expected:
        raise _damaged(path, f"{PICTURES} has {stat.st_size:,} bytes, not {expected:,}")
    if len(index) != store.num_pictures:
        raise _damaged(path, f"{INDEX} has {len(index):,} rows, not {store.num_pictures:,}")
    if verify or stat.st_mtime_ns != meta["mtime_ns"]:
        _verify(store, meta)
    with suppress(OSError):  # of a cache that may only be read
        os.utime(path / META)
    return store


def last_used(path: Path, rows: str = PICTURES, meta: str = META) -> float:
    """Seconds since 1970 of a store's last use: its rows were read, or it was opened.

    `open_store` leaves its time as that of store.json, because many disks keep no times of reading.

    Args:
        path: Its folder.
        rows: Name of the file with its rows.
        meta: Name of the file that says what it is.
    """
    times = [os.lstat(path).st_mtime]
    with suppress(FileNotFoundError):
        times.append(os.lstat(path / meta).st_mtime)
    with suppress(FileNotFoundError):
        found = os.lstat(path / rows)
        times += [found.st_atime, found.st_mtime]
    return max(times)


def share_of(file: int, path: Path) -> None:
    """Take a share of the lock of the open pictures: while anybody has one, `clean` does not remove the store.

    Raises:
        FileNotFoundError: The store was removed meanwhile.
    """
    with suppress(OSError):  # a disk without locks
        fcntl.flock(file, fcntl.LOCK_SH)
    if not os.path.samestat(os.fstat(file), path.stat()):
        raise FileNotFoundError(f"{path} is another file now")


def _read_meta(path: Path) -> dict[str, Any]:
    """store.json, when it is one of this version and of this folder."""
    try:
        meta = json.loads((path / META).read_text("utf-8"))
    except FileNotFoundError as error:
        raise _damaged(path, f"it has no {META}") from error
    except (OSError, ValueError) as error:
        raise _damaged(path, f"{META} cannot be read") from error
    if not isinstance(meta, dict) or meta.get("format_version") != FORMAT_VERSION:
        raise _damaged(path, f"{META} is not of format {FORMAT_VERSION}")
    if meta.get("fingerprint") != path.name:
        raise _damaged(path, f"{META} is of the store {meta.get('fingerprint')}")
    unfit = [name for name, fits in FACTS.items() if not fits(meta.get(name))]
    if unfit:
        raise _damaged(path, f"{META} lacks a sound {', '.join(unfit)}")
    return meta


def _verify(store: Store, meta: dict[str, Any]) -> None:
    """Compute all checksums; a copy that is sound gets its mtime back, so that the next opening trusts it."""
    pictures = store.path / PICTURES
    with pictures.open("rb", buffering=0) as file:
        if file.read(HEADER_BYTES) != npy_header(store.num_pictures, store.spec.image_size):
            raise _damaged(store.path, f"the header of {PICTURES} has changed")
        for number, (rows, crc32) in enumerate(meta["chunks"]):
            computed = 0
            for block in _blocks(file.fileno(), rows * store.spec.row_bytes):
                computed = zlib.crc32(block, computed)
            if computed != crc32:
                raise _damaged(store.path, f"the checksum of chunk {number} of {PICTURES} is wrong")
    if digest_of_content(zip(store._places, store._digests, strict=True)) != store.content_digest:
        raise _damaged(store.path, f"the checksum of {INDEX} is wrong")
    with suppress(OSError):
        os.utime(pictures, ns=(meta["mtime_ns"], meta["mtime_ns"]))


def _blocks(file: int, length: int) -> Iterator[bytes]:
    while length > 0:
        block = os.read(file, min(length, VERIFY_BYTES))
        if not block:
            return
        length -= len(block)
        yield block


def _damaged(path: Path, problem: str) -> UserError:
    return invalid("paths.cache", "a sound image store", f"{path}: {problem}; remove this folder and run again")
