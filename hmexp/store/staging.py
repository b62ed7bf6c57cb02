"""`stage`: the store of these pictures, built where it is not there yet."""

import errno
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout
from rich.filesize import decimal

from hmexp.catalogue.pictures import PictureSource
from hmexp.cluster import LOCAL
from hmexp.config.errors import UserError, invalid
from hmexp.console import log
from hmexp.process import written_to
from hmexp.store.build import build
from hmexp.store.decode import DECODER_VERSION
from hmexp.store.journal import Chunk
from hmexp.store.layout import (
    FORMAT_VERSION,
    HEADER_BYTES,
    INDEX,
    JOURNAL,
    META,
    PICTURES,
    QUARANTINE,
    StoreSpec,
    digest_of_content,
    store_fingerprint,
    sync_folder,
    write_durably,
)
from hmexp.store.store import Store, open_store
from hmexp.store.work import Job


@dataclass(frozen=True)
class StageOptions:
    """How a store is come by.

    Attributes:
        verify: Whether all checksums of a store that is there already are computed.
        runner: Where pictures are decoded: `local`, or `ray`.
    """

    verify: bool = False
    runner: str = LOCAL


AS_USUAL = StageOptions()
INDEX_BYTES = 200
"""Room for a picture's lines in the tables and the journal, at most."""


def stage(
    source: PictureSource, paths: Sequence[str], spec: StoreSpec, cache_dir: Path, options: StageOptions = AS_USUAL
) -> Store:
    """Open the store of these pictures, or build it; a build that was killed goes on.

    Two processes that want the same store build it once: the second waits for the first.

    Args:
        source: Where the pictures are. They are read only.
        paths: The pictures, in any order.
        spec: How to store them.
        cache_dir: hmexp's cache folder.
        options: How it is come by; the store does not depend on them.

    Raises:
        UserError: No picture that can be read, or a damaged store.
        RunError: See `build`.
        OSError: Too little disk.
    """
    wanted = tuple(sorted(set(paths)))
    if not wanted:
        raise invalid("data.root", "at least one picture", "none")
    folder = Path(cache_dir).absolute() / "stores" / store_fingerprint(source, wanted, spec)
    there = _opened(folder, options.verify)
    if there is not None:
        return there
    job = Job(source, wanted, spec, folder.with_name(f"{folder.name}.partial"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        if not folder.exists():
            _check_disk(job)
            with written_to(job.partial.parent):
                _finish(job, build(job, options.runner), folder)
        return open_store(folder)  # under the lock, without which `clean` removes none


def staged(source: PictureSource, paths: Sequence[str], spec: StoreSpec, cache_dir: Path) -> Store | None:
    """The store of these pictures where it is built already; see `stage`."""
    return _opened(Path(cache_dir).absolute() / "stores" / store_fingerprint(source, sorted(set(paths)), spec))


def _opened(folder: Path, verify: bool = False) -> Store | None:
    """The store in a folder; None where there is none, or where it is removed while it is being opened."""
    if not folder.exists():
        return None
    try:
        return open_store(folder, verify)
    except UserError:
        if folder.exists():
            raise
        return None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of whoever builds the folder; waits while another process does."""
    lock = FileLock(str(folder.with_name(f"{folder.name}.lock")))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info(f"another process is building {folder.name}: waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _check_disk(job: Job) -> None:
    """Raise the error of a full disk before any picture is written, where they would not fit."""
    pictures = job.partial / PICTURES
    there = pictures.stat().st_size if pictures.is_file() else 0
    needed = HEADER_BYTES + len(job.paths) * (job.spec.row_bytes + INDEX_BYTES) - there
    free = shutil.disk_usage(job.partial.parent).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"too little for {decimal(needed)}", str(job.partial.parent))


def _finish(job: Job, chunks: list[Chunk], folder: Path) -> None:
    """Write the tables and store.json, and give the folder its name, which says that it is whole."""
    bad = [pair for chunk in chunks for pair in chunk.bad]
    quarantine = pd.DataFrame(bad, columns=["image", "reason"], dtype="str")
    if len(bad) == len(job.paths):
        shutil.rmtree(job.partial)
        first = f"none of {len(bad):,}; the first is {bad[0][0]}: {bad[0][1]}"
        raise invalid("data.root", "at least one picture that can be read", first)
    left_out = set(quarantine["image"])
    images = [path for path in job.paths if path not in left_out]
    digests = [digest for chunk in chunks for digest in chunk.digests]
    index = pd.DataFrame({"image": images, "row": range(len(images)), "digest": digests})
    _write_table(job.partial / INDEX, index)
    _write_table(job.partial / QUARANTINE, quarantine)
    meta = _meta(job, chunks, folder.name)
    meta["content_digest"] = digest_of_content(zip(images, digests, strict=True))
    write_durably(job.partial / META, (json.dumps(meta, indent=2) + "\n").encode())
    (job.partial / JOURNAL).unlink()
    sync_folder(job.partial)
    job.partial.replace(folder)
    sync_folder(folder.parent)


def _write_table(path: Path, table: pd.DataFrame) -> None:
    write_durably(path, table.to_parquet(None, index=False))


def _meta(job: Job, chunks: list[Chunk], fingerprint: str) -> dict[str, Any]:
    stat = (job.partial / PICTURES).stat()
    num_pictures = sum(chunk.rows for chunk in chunks)
    return {
        "format_version": FORMAT_VERSION,
        "fingerprint": fingerprint,
        "spec": asdict(job.spec),
        "decoder_version": DECODER_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "num_pictures": num_pictures,
        "num_quarantined": len(job.paths) - num_pictures,
        "chunks": [[chunk.rows, chunk.crc32] for chunk in chunks],
        "size": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
    }
