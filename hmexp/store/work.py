"""What a build has to do, and the threads that do it: picture files -> outcomes, in order."""

import io
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np

from hmexp.catalogue.pictures import BadPicture, PictureSource
from hmexp.config.errors import RunError
from hmexp.process import num_cores
from hmexp.store.decode import decode_within
from hmexp.store.layout import StoreSpec, digest_of_file
from hmexp.store.memory import MEMORY, Share

BLOCK_BYTES = 2**20
MAX_FILE_BYTES = 512 * 2**20
"""Larger files are not read: a thread holds one file in memory."""
SMALL_FILE_BYTES = 4 * 2**20
"""Files that are read before the memory for them is asked for, together with that for decoding them."""
TASK_PICTURES = 4
"""Pictures a thread takes at once, so that handing them over costs little on many cores."""
AHEAD_BYTES = 16 * 2**20
"""Decoded pictures that may wait for the writer, so that the threads go on while it waits for the disk."""
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Job:
    """What to build and where.

    Attributes:
        source: Where the pictures are.
        paths: The pictures, sorted, each once.
        spec: How they are stored.
        partial: The folder to build in.
    """

    source: PictureSource
    paths: tuple[str, ...]
    spec: StoreSpec
    partial: Path

    def chunk(self, number: int) -> tuple[str, ...]:
        """The paths of one chunk."""
        length = self.spec.chunk_pictures
        return self.paths[number * length : (number + 1) * length]

    def tasks(self, first_chunk: int, length: int) -> Iterator[tuple[str, ...]]:
        """The paths from one chunk on, up to `length` at a time, never of two chunks."""
        for paths in map(self.chunk, range(first_chunk, self.num_chunks)):
            for start in range(0, len(paths), length):
                yield paths[start : start + length]

    @property
    def num_chunks(self) -> int:
        """Chunks that the pictures make."""
        return -(-len(self.paths) // self.spec.chunk_pictures)


@dataclass(frozen=True)
class Outcome:
    """A picture file that was read.

    Attributes:
        path: As the source has it.
        digest: Hash of its bytes.
        pixels: uint8 `[image_size, image_size, 3]`, or None.
        reason: Why there are no pixels.
        white: The sample value that became 255, where the file has more than 8 bits a sample; or else 0.
    """

    path: str
    digest: str
    pixels: np.ndarray | None = None
    reason: str = ""
    white: float = 0.0


def outcomes_here(job: Job, first_chunk: int) -> Generator[list[Outcome], None, None]:
    """Outcomes in the order of the paths, a few pictures at a time, never of two chunks."""
    yield from _decoded(job.source, job.tasks(first_chunk, TASK_PICTURES), job.spec)


def decoded(source: PictureSource, paths: Sequence[str], spec: StoreSpec) -> Iterator[Outcome]:
    """Outcomes of pictures in their order, decoded in threads while the caller works on those before."""
    tasks = (paths[start : start + TASK_PICTURES] for start in range(0, len(paths), TASK_PICTURES))
    for some in _decoded(source, tasks, spec):
        yield from some


def _decoded(source: PictureSource, tasks: Iterator[Sequence[str]], spec: StoreSpec) -> Iterator[list[Outcome]]:
    ahead = max(2 * num_cores(), AHEAD_BYTES // (spec.row_bytes * TASK_PICTURES))
    yield from in_threads(partial(read_pictures, source, spec), tasks, ahead)


def in_threads(
    work: Callable[[Item], Result], items: Iterator[Item], ahead: int | None = None
) -> Generator[Result, None, None]:
    """Like `map`, in a thread a core; one that is closed does not begin what it has not begun.

    Args:
        work: Called with each item.
        items: Taken as they are needed.
        ahead: Results under way or waiting, at most; None is two a thread.
    """
    threads = num_cores()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="work")
    try:
        yield from _in_order(pool, work, items, ahead or 2 * threads)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def read_pictures(source: PictureSource, spec: StoreSpec, paths: Sequence[str]) -> list[Outcome]:
    """Read and decode some pictures, one after another.

    Raises:
        RunError: One that could not be read for a reason that may pass, such as a network disk.
    """
    return [_outcome(source, path, spec) for path in paths]


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterator[Item], ahead: int
) -> Iterator[Result]:
    """Like `pool.map`, with at most `ahead` results under way or waiting."""
    under_way: deque[Future[Result]] = deque()
    for item in items:
        under_way.append(pool.submit(work, item))
        if len(under_way) >= ahead:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


def _outcome(source: PictureSource, path: str, spec: StoreSpec) -> Outcome:
    digest = ""
    with MEMORY.share() as share:
        try:
            data = _read(source, path, share)
            digest = digest_of_file(data)
            decoded = decode_within(share, data, spec)
            return Outcome(path, digest, decoded.pixels, white=decoded.white)
        except BadPicture as error:
            return Outcome(path, digest, reason=str(error))


def _read(source: PictureSource, path: str, share: Share) -> bytes:
    try:
        with source.open(path) as stream:
            data = _content(stream, share)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BadPicture(f"cannot be opened ({error.strerror})") from error
    except OSError as error:  # A permission, a network disk that is away: not the picture's fault, the build stops.
        raise RunError(f"{path}: expected a file that can be read, received {error}; run again to go on") from error
    if not data:
        raise BadPicture("empty file")
    return data


def _content(stream: BinaryIO, share: Share) -> bytes:
    """The bytes of a file; of a large one, as `share` holds them."""
    content = io.BytesIO()
    while block := stream.read(BLOCK_BYTES):
        length = content.tell() + len(block)
        if length > MAX_FILE_BYTES:
            raise BadPicture(f"more than {MAX_FILE_BYTES // 2**20} MiB")
        if length > SMALL_FILE_BYTES:
            share.grow()
            share.hold(length)
        content.write(block)
    return content.getvalue()
