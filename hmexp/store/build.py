"""Builds a store: pictures decoded on all cores, written in chunks; it can be killed at any moment."""

import os
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from rich.progress import Progress, TaskID

from hmexp.console import console, log, progress_bar
from hmexp.store.journal import Chunk, append, recover
from hmexp.store.layout import HEADER_BYTES, PICTURES, npy_header
from hmexp.store.work import Job, Outcome, outcomes


def build(job: Job) -> list[Chunk]:
    """Decode and write what an earlier build has not; returns all chunks.

    Memory does not grow with the number of pictures. After a kill, or Ctrl-C, the next call goes on.

    Raises:
        RunError: A picture that could not be read for a reason that may pass, such as a network disk.
    """
    job.partial.mkdir(parents=True, exist_ok=True)
    chunks = recover(job.partial, job.spec)
    done = sum(len(job.chunk(chunk.number)) for chunk in chunks)
    # A terminal shows the bar; elsewhere two lines say the same.
    announce = log.debug if console.is_terminal else log.info
    resumed = f", {done:,} of them already there" if done else ""
    announce(f"staging {len(job.paths):,} pictures to {job.partial.parent}{resumed}")
    began = time.perf_counter()
    with progress_bar() as bar, (job.partial / PICTURES).open("r+b" if chunks else "wb", buffering=0) as file:
        task = bar.add_task("staging", total=len(job.paths), completed=done, note="")
        _write_chunks(job, chunks, file.fileno(), _Bar(bar, task))
        rows = sum(chunk.rows for chunk in chunks)
        os.truncate(file.fileno(), HEADER_BYTES + rows * job.spec.row_bytes)
        os.pwrite(file.fileno(), npy_header(rows, job.spec.image_size), 0)
        os.fsync(file.fileno())
    rate = (len(job.paths) - done) / max(time.perf_counter() - began, 1e-9)
    announce(f"staged {len(job.paths) - done:,} pictures, {rate:,.0f} images/s")
    return chunks


@dataclass
class _Bar:
    progress: Progress
    task: TaskID
    bad: int = 0

    def advance(self, read: Sequence[Outcome]) -> None:
        self.bad += sum(outcome.pixels is None for outcome in read)
        note = f"{self.bad:,} bad" if self.bad else ""
        self.progress.update(self.task, advance=len(read), note=note)


def _write_chunks(job: Job, chunks: list[Chunk], file: int, bar: _Bar) -> None:
    """Append the missing chunks to `chunks`, the journal and the file."""
    row = sum(chunk.rows for chunk in chunks)
    waiting: list[Outcome] = []
    for some in outcomes(job, first_chunk=len(chunks)):
        bar.advance(some)
        waiting += some
        if len(waiting) == len(job.chunk(len(chunks))):
            chunk = _write_chunk(job, waiting, row, (len(chunks), file))
            chunks.append(chunk)
            row += chunk.rows
            waiting = []


def _write_chunk(job: Job, read: Sequence[Outcome], row: int, place: tuple[int, int]) -> Chunk:
    """Pictures first, on the disk; then the line that says so."""
    number, file = place
    good = [outcome for outcome in read if outcome.pixels is not None]
    data = b"".join(outcome.pixels.data for outcome in good if outcome.pixels is not None)
    _write_all(file, data, HEADER_BYTES + row * job.spec.row_bytes)
    os.fsync(file)
    bad = [[outcome.path, outcome.reason] for outcome in read if outcome.pixels is None]
    chunk = Chunk(number, zlib.crc32(data), [outcome.digest for outcome in good], bad)
    append(job.partial, chunk)
    return chunk


def _write_all(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written
