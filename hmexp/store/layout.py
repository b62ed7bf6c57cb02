"""What a store is: its spec, its fingerprint, its files and how they get onto the disk.

<cache>/stores/<fingerprint>/
    pictures.npy        uint8 [pictures, image_size, image_size, 3]; numpy.load reads it
    index.parquet       image, row, digest of the file
    quarantine.parquet  image, reason
    store.json          format, spec, counts, checksums
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from hmexp.catalogue.pictures import PictureSource
from hmexp.store.decode import DECODER_VERSION, Wanted

FORMAT_VERSION = 1
PICTURES, INDEX, QUARANTINE, META = "pictures.npy", "index.parquet", "quarantine.parquet", "store.json"
JOURNAL = "journal.jsonl"
HEADER_BYTES = 128
CHUNK_BYTES = 24 * 2**20
CHUNK_PICTURES = 512


@dataclass(frozen=True)
class StoreSpec(Wanted):
    """How pictures are stored: what they become, of which the fields are those of the `data` section."""

    @property
    def row_bytes(self) -> int:
        """Bytes of one stored picture."""
        return self.image_size * self.image_size * 3

    @property
    def chunk_pictures(self) -> int:
        """Pictures that are written, checksummed and journalled together."""
        return max(1, min(CHUNK_PICTURES, CHUNK_BYTES // self.row_bytes))


def store_fingerprint(source: PictureSource, paths: Sequence[str], spec: StoreSpec) -> str:
    """32 hex digits over all that the stored pixels depend on; not over the place of the catalogue."""
    parts = (
        source.fingerprint(paths),
        str(spec.image_size),
        spec.resize,
        str(spec.max_pixels),
        DECODER_VERSION,
        str(FORMAT_VERSION),
    )
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def digest_of_file(data: bytes) -> str:
    """32 hex digits over a picture file's bytes."""
    return blake2b(data, digest_size=16).hexdigest()


def digest_of_content(digests: Iterable[tuple[str, str]]) -> str:
    """32 hex digits over pairs of path and file digest, in the order of the paths."""
    total = blake2b(digest_size=16)
    for path, digest in sorted(digests):
        total.update(f"{path}\0{digest}\n".encode())
    return total.hexdigest()


def npy_header(num_pictures: int, image_size: int) -> bytes:
    """The .npy header, always `HEADER_BYTES` long, so that it can be written when all pictures are.

    Source: numpy.lib.format, version 1.0.
    """
    shape = (num_pictures, image_size, image_size, 3)
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    length = HEADER_BYTES - 10
    return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + text.ljust(length - 1).encode("ascii") + b"\n"


def write_durably(path: Path, data: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until a folder's entries (new files, a rename) are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
