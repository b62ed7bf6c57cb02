"""Builds a store: pictures decoded on all cores, written in chunks; it can be killed at any moment."""

import os
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from hmexp.cluster import LOCAL, RAY
from hmexp.console import Bar, log, progress
from hmexp.store.journal import Chunk, append, recover
from hmexp.store.layout import HEADER_BYTES, PICTURES, npy_header
from hmexp.store.ray_work import outcomes_over_ray
from hmexp.store.work import Job, Outcome, outcomes_here

Read = Callable[[Job, int], Generator[list[Outcome], None, None]]
READERS: dict[str, Read] = {LOCAL: outcomes_here, RAY: outcomes_over_ray}
MAX_WHITES = 5
"""Whites that are named; floats may have as many as there are pictures."""


def build(job: Job, runner: str = LOCAL) -> list[Chunk]:
    """Decode and write what an earlier build has not; returns all chunks.

    Memory does not grow with the number of pictures. After a kill, or Ctrl-C, the next call goes on, with
    either runner.

    Args:
        job: What to build.
        runner: Where pictures are decoded: `local`, in threads, or `ray`. They are written here.

    Raises:
        RunError: A picture that could not be read for a reason that may pass, such as a network disk.
    """
    job.partial.mkdir(parents=True, exist_ok=True)
    chunks = recover(job.partial, job.spec)
    done = sum(len(job.chunk(chunk.number)) for chunk in chunks)
    resumed = f", {done:,} of them already there" if done else ""
    sentence = f"staging {len(job.paths):,} pictures to {job.partial.parent}{resumed}"
    shown = progress("staging", len(job.paths), done=done, sentence=sentence)
    began = time.perf_counter()
    with shown as bar, (job.partial / PICTURES).open("r+b" if chunks else "wb", buffering=0) as file:
        with warnings.catch_warnings():
            # Pillow warns of odd metadata; whatever keeps a picture from being read is in the quarantine.
            warnings.simplefilter("ignore")
            _write_chunks(job, chunks, file.fileno(), READERS[runner], _Staged(bar))
        rows = sum(chunk.rows for chunk in chunks)
        os.truncate(file.fileno(), HEADER_BYTES + rows * job.spec.row_bytes)
        os.pwrite(file.fileno(), npy_header(rows, job.spec.image_size), 0)
        os.fsync(file.fileno())
    rate = (len(job.paths) - done) / max(time.perf_counter() - began, 1e-9)
    log.info(f"staged {len(job.paths) - done:,} pictures, {rate:,.0f} images/s")
    _say_scaled(chunks)
    return chunks


def _say_scaled(chunks: Sequence[Chunk]) -> None:
    """How many pictures had more than 8 bits a sample, and what became white in them."""
    scaled: Counter[str] = Counter()
    for chunk in chunks:
        scaled.update(chunk.scaled)
    if scaled:
        whites = ", ".join(f"{count:,} from white {white}" for white, count in scaled.most_common(MAX_WHITES))
        more = f", and {len(scaled) - MAX_WHITES:,} other whites" if len(scaled) > MAX_WHITES else ""
        log.info(f"pictures of more than 8 bits, scaled to 8: {whites}{more}")


@dataclass
class _Staged:
    bar: Bar
    bad: int = 0

    def advance(self, read: Sequence[Outcome]) -> None:
        self.bad += sum(outcome.pixels is None for outcome in read)
        self.bar.advance(len(read), f"{self.bad:,} bad" if self.bad else "")


@dataclass
class _OpenChunk:
    """The chunk that is being written: rows go to the file as they come, so that few are held in memory."""

    number: int
    file: int
    offset: int
    crc32: int = 0
    digests: list[str] = field(default_factory=list)
    bad: list[list[str]] = field(default_factory=list)
    scaled: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        if outcome.pixels is None:
            self.bad.append([outcome.path, outcome.reason])
            return
        if outcome.white:
            self.scaled[f"{outcome.white:,.9g}"] += 1
        row = outcome.pixels.tobytes()
        self.crc32 = zlib.crc32(row, self.crc32)
        self.digests.append(outcome.digest)
        while row:
            written = os.pwrite(self.file, row, self.offset)
            self.offset += written
            row = row[written:]

    def close(self, partial: Path) -> Chunk:
        """Pictures on the disk first; then the line that says so."""
        os.fsync(self.file)
        chunk = Chunk(self.number, self.crc32, self.digests, self.bad, dict(self.scaled))
        append(partial, chunk)
        return chunk


def _write_chunks(job: Job, chunks: list[Chunk], file: int, read: Read, staged: _Staged) -> None:
    """Append the missing chunks to `chunks`, the journal and the file."""
    rows = sum(chunk.rows for chunk in chunks)
    chunk = _OpenChunk(len(chunks), file, HEADER_BYTES + rows * job.spec.row_bytes)
    with closing(read(job, len(chunks))) as outcomes:
        for some in outcomes:
            for outcome in some:
                chunk.add(outcome)
            staged.advance(some)
            if len(chunk.digests) + len(chunk.bad) == len(job.chunk(chunk.number)):
                chunks.append(chunk.close(job.partial))
                chunk = _OpenChunk(len(chunks), file, chunk.offset)
