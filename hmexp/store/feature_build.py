"""Computes features of a store's pictures, in pieces that a journal counts; it can be killed at any moment."""

import json
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from hmexp.console import log, progress
from hmexp.store.layout import HEADER_BYTES, JOURNAL, sync_folder, write_durably
from hmexp.store.store import Store

FORMAT_VERSION = 1
FEATURES, META = "features.npy", "features.json"
NUMBER = np.dtype("<f4")
BATCH = 64
"""Pictures that are computed together; always the same ones, so that a build that goes on gives the same bits."""
PIECE = 8 * BATCH
"""Pictures that are written and journalled together."""

Compute = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class FeatureJob:
    """Features to compute.

    Attributes:
        pictures: The image store.
        network: Hexadecimal digest of the network and its weights.
        width: Numbers that it gives for a picture.
        compute: uint8 `[batch, height, width, 3]` -> float32 `[batch, width]`.
    """

    pictures: Store
    network: str
    width: int
    compute: Compute

    @property
    def key(self) -> str:
        """32 hexadecimal digits over all that the features depend on."""
        parts = (self.network, self.pictures.path.name, str(self.width), str(FORMAT_VERSION))
        return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()

    @property
    def row_bytes(self) -> int:
        """Bytes of a picture's features."""
        return self.width * NUMBER.itemsize


def build_features(job: FeatureJob, folder: Path) -> None:
    """Compute what an earlier build has not, and give the folder its name, which says that it is whole."""
    partial, num = folder.with_name(f"{folder.name}.partial"), len(job.pictures)
    partial.mkdir(exist_ok=True)
    done = _recovered(partial, job)
    sentence = f"computing features of {num:,} pictures" + (f", {done:,} of them already there" if done else "")
    shown = progress("computing features", num, done=done, sentence=sentence)
    with shown as bar, (partial / FEATURES).open("r+b" if done else "wb") as file:
        file.write(_header(num, job.width))
        file.seek(HEADER_BYTES + done * job.row_bytes)
        for begin in range(done, num, PIECE):
            rows = np.arange(begin, min(begin + PIECE, num))
            _write_piece(job, rows, file, partial)
            bar.advance(len(rows))
        os.truncate(file.fileno(), HEADER_BYTES + num * job.row_bytes)
    write_durably(partial / META, (json.dumps(_meta(job, partial), indent=2) + "\n").encode())
    (partial / JOURNAL).unlink(missing_ok=True)
    sync_folder(partial)
    partial.replace(folder)
    sync_folder(folder.parent)
    log.info(f"features of {num:,} pictures: {folder}")


def _write_piece(job: FeatureJob, rows: np.ndarray, file: BinaryIO, partial: Path) -> None:
    """Features first; then the line that says so."""
    for begin in range(0, len(rows), BATCH):
        features = job.compute(job.pictures.read(rows[begin : begin + BATCH]))
        file.write(np.ascontiguousarray(features, NUMBER).tobytes())
    file.flush()
    os.fsync(file.fileno())
    with (partial / JOURNAL).open("ab") as journal:
        journal.write(f"{rows[-1] + 1}\n".encode())
        journal.flush()
        os.fsync(journal.fileno())


def _recovered(partial: Path, job: FeatureJob) -> int:
    """Pictures whose features are on the disk; a torn last line of the journal is cut off."""
    journal, features = partial / JOURNAL, partial / FEATURES
    if not journal.is_file() or not features.is_file():
        journal.unlink(missing_ok=True)
        return 0
    done, good_bytes, size = 0, 0, features.stat().st_size
    for line in journal.read_bytes().splitlines(keepends=True):
        count = int(line) if line.endswith(b"\n") and line.strip().isdigit() else 0
        whole = done < count <= len(job.pictures) and HEADER_BYTES + count * job.row_bytes <= size
        if not whole:
            break
        done, good_bytes = count, good_bytes + len(line)
    os.truncate(journal, good_bytes)
    return done


def _header(num: int, width: int) -> bytes:
    """The .npy header, `HEADER_BYTES` long; source: numpy.lib.format, version 1.0."""
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({num}, {width}), }}"
    length = HEADER_BYTES - 10
    return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + text.ljust(length - 1).encode("ascii") + b"\n"


def _meta(job: FeatureJob, folder: Path) -> dict[str, Any]:
    found = (folder / FEATURES).stat()
    return {
        "format_version": FORMAT_VERSION,
        "key": job.key,
        "store": job.pictures.path.name,
        "shape": [len(job.pictures), job.width],
        "crc32": crc32_of(folder / FEATURES),
        "size": found.st_size,
        "mtime_ns": found.st_mtime_ns,
    }


def crc32_of(path: Path) -> int:
    """Checksum of a file."""
    computed = 0
    with path.open("rb") as file:
        while block := file.read(2**20):
            computed = zlib.crc32(block, computed)
    return computed
