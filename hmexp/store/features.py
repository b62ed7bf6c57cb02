"""Features of a store's pictures, computed once by a network that does not learn: they stand in place of the pictures.

<cache>/features/<key>/
    features.npy    float32 [pictures, width], in the order of the image store; numpy.load reads it
    features.json   format, key, store, shape, checksum

Built as a store is: beside its place, in pieces that a journal counts, so that a build that was killed goes on.
"""

import json
import os
import shutil
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from hmexp.console import log
from hmexp.process import written_to
from hmexp.store.feature_build import FEATURES, META, NUMBER, FeatureJob, build_features, crc32_of
from hmexp.store.layout import HEADER_BYTES
from hmexp.store.staging import locked
from hmexp.store.store import Store, share_of


class FeatureStore:
    """What stands in place of an image store; made by `stored_features`.

    Attributes:
        path: Its folder.
        pictures: The image store whose rows it has.
        width: Numbers of each picture.
        row_shape: `(width,)`.
        dtype: float32.
    """

    dtype: np.dtype[Any] = NUMBER

    def __init__(self, path: Path, pictures: Store, width: int) -> None:
        self.path, self.pictures, self.width = path, pictures, width
        self.row_shape: tuple[int, ...] = (width,)
        self._file = os.open(path / FEATURES, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        weakref.finalize(self, os.close, self._file)
        share_of(self._file, path / FEATURES)

    def rows(self, paths: Sequence[str]) -> np.ndarray:
        """Rows of pictures, int64 `[len(paths)]`; see `Store.rows`."""
        return self.pictures.rows(paths)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Features by row, float32 `[len(rows), width]`; from any thread."""
        found = np.empty((len(rows), self.width), self.dtype)
        length = self.width * self.dtype.itemsize
        for place, row in enumerate(np.asarray(rows, np.int64).tolist()):
            if os.preadv(self._file, [found[place].data], HEADER_BYTES + row * length) != length:
                raise IndexError(f"expected a row from 0 to {len(self.pictures) - 1}, received {row}")
        return found


def stored_features(job: FeatureJob, cache_dir: Path) -> FeatureStore:
    """Open the features of a store's pictures, or compute them; goes on where it was killed.

    Two processes that want the same compute them once: the second waits for the first.

    Args:
        job: What to compute.
        cache_dir: hmexp's cache folder.

    Raises:
        OSError: Too little disk.
    """
    folder = cache_dir / "features" / job.key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder), written_to(folder.parent):
        if not _is_sound(folder, job):
            shutil.rmtree(folder, ignore_errors=True)
            build_features(job, folder)
        else:
            log.info(f"features of {len(job.pictures):,} pictures, computed before: {folder}")
        with suppress(OSError):  # a cache that may only be read
            os.utime(folder / META)
        return FeatureStore(folder, job.pictures, job.width)  # under the lock, without which `clean` removes none


def _is_sound(folder: Path, job: FeatureJob) -> bool:
    """Whether features are there as they were written; where only the file's time is another, by their checksum."""
    if not folder.is_dir():
        return False
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        found = (folder / FEATURES).stat()
        whole = meta["key"] == job.key and meta["size"] == found.st_size
        same = bool(whole and found.st_mtime_ns == meta["mtime_ns"])
        same = same or bool(whole and crc32_of(folder / FEATURES) == meta["crc32"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        same = False
    if not same:
        log.warning(f"{folder} was changed: its features are computed anew")
    return same
