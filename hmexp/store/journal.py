"""What a build has finished, one line a chunk, so that a killed build goes on where it was."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hmexp.store.layout import HEADER_BYTES, JOURNAL, PICTURES, StoreSpec


@dataclass(frozen=True)
class Chunk:
    """A run of pictures that is on the disk.

    Attributes:
        number: Place of the chunk, from 0.
        crc32: Checksum of its rows in pictures.npy.
        digests: File digests of the pictures that have a row, in the order of their paths.
        bad: `[path, reason]` of those that have none.
        scaled: White -> pictures of more than 8 bits a sample whose white it is.
    """

    number: int
    crc32: int
    digests: list[str]
    bad: list[list[str]]
    scaled: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows that the chunk has in pictures.npy."""
        return len(self.digests)


def append(partial: Path, chunk: Chunk) -> None:
    """Add a line and wait until it is on the disk. The chunk's pictures have to be there before."""
    with (partial / JOURNAL).open("ab") as file:
        file.write(json.dumps(asdict(chunk)).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def recover(partial: Path, spec: StoreSpec) -> list[Chunk]:
    """Chunks that are whole, in order; what follows them in the journal is cut off.

    A torn last line (a kill in the middle of writing it) ends the list, and so does a chunk whose rows are
    not all in pictures.npy.
    """
    journal, pictures = partial / JOURNAL, partial / PICTURES
    if not journal.is_file() or not pictures.is_file():
        journal.unlink(missing_ok=True)
        return []
    size = pictures.stat().st_size
    chunks: list[Chunk] = []
    good_bytes, rows = 0, 0
    for line in journal.read_bytes().splitlines(keepends=True):
        chunk = _parse(line)
        if chunk is None or chunk.number != len(chunks):
            break
        rows += chunk.rows
        if HEADER_BYTES + rows * spec.row_bytes > size:
            break
        chunks.append(chunk)
        good_bytes += len(line)
    os.truncate(journal, good_bytes)
    return chunks


def _parse(line: bytes) -> Chunk | None:
    if not line.endswith(b"\n"):
        return None
    try:
        chunk = Chunk(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    return chunk if _is_sound(chunk) else None


def _is_sound(chunk: Chunk) -> bool:
    """Whether the fields are what they should be: a journal that was damaged may still be JSON."""
    return (
        all(type(number) is int for number in (chunk.number, chunk.crc32))
        and isinstance(chunk.digests, list)
        and all(isinstance(digest, str) for digest in chunk.digests)
        and isinstance(chunk.bad, list)
        and all(isinstance(pair, list) and [type(text) for text in pair] == [str, str] for pair in chunk.bad)
        and isinstance(chunk.scaled, dict)
        and all(type(count) is int for count in chunk.scaled.values())
    )
