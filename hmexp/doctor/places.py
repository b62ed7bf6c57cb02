"""The places that a run writes to: may they be written, and is there room."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
from filelock import FileLock
from rich.filesize import decimal

from hmexp.config.record import PathsConfig
from hmexp.doctor.check import FAIL, OK, WARN, Check

LITTLE, TOO_LITTLE = 5 * 10**9, 5 * 10**8
"""Free bytes of a disk below which a run may not end, and below which none could begin."""
LITTLE_MEMORY = 2 * 10**9


def memory() -> Iterator[Check]:
    """Memory that is free."""
    found = psutil.virtual_memory()
    level = OK if found.available >= LITTLE_MEMORY else WARN
    remedy = "" if level == OK else "close other programs, or take a smaller trainer.batch_size"
    yield Check("memory", level, f"{decimal(found.available)} of {decimal(found.total)} are free", remedy)


def writing(paths: PathsConfig) -> Iterator[Check]:
    """A file, a lock and a database in each place, or where it would be made; nothing of them stays."""
    for key, place in _places(paths).items():
        folder = existing(place)
        try:
            with tempfile.TemporaryDirectory(prefix=".hmexp-doctor-", dir=folder) as made:
                _try(Path(made))
        except (OSError, sqlite3.Error, NotImplementedError) as error:
            remedy = f"give another folder: {key}=FOLDER"
            yield Check("writing", FAIL, f"{folder} cannot be written, locked or hold a database: {error}", remedy)
        else:
            yield Check("writing", OK, f"{place}" + ("" if place.exists() else " (will be made)"))


def disk(paths: PathsConfig) -> Iterator[Check]:
    """Room in each place."""
    for key, place in _places(paths).items():
        free = shutil.disk_usage(existing(place)).free
        level = OK if free >= LITTLE else WARN if free >= TOO_LITTLE else FAIL
        remedy = (
            "" if level == OK else f"make room (hmexp clean lists what may go), or give another folder: {key}=FOLDER"
        )
        yield Check("disk", level, f"{decimal(free)} free for {place}", remedy)


def existing(place: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(path for path in (place, *place.parents) if path.is_dir())


def _places(paths: PathsConfig) -> dict[str, Path]:
    return {"paths.root": paths.mlruns, "paths.cache": paths.cache_path}


def _try(folder: Path) -> None:
    """Write durably, rename, lock, and make a database, as a run does."""
    file = folder / "file"
    with file.open("wb") as stream:
        stream.write(b"0")
        stream.flush()
        os.fsync(stream.fileno())
    file.replace(folder / "renamed")
    with FileLock(folder / "lock", timeout=5):
        pass
    with closing(sqlite3.connect(folder / "database")) as connection, connection:
        connection.execute("CREATE TABLE one (number INTEGER)")
