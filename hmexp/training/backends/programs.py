"""Compiled programs on the disk: what one process has compiled, the next one reads.

Programs are code that runs as the user who reads them. They lie in a folder that nobody else can read or write, one
for each user and kind of processor, since a program for one processor may crash another.
"""

import hashlib
import os
import platform
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hmexp.console import log
from hmexp.files import replacing_at_once

MAX_BYTES = 2**30
"""Of all programs of a folder; a first epoch of `fast` makes 1.7 MB on a CPU."""
MAX_PROGRAM = 2**26
"""Bytes of a program."""
KEPT_SHARE = 0.75
"""What stays of `MAX_BYTES` where it is exceeded, so that this is rare."""
ENDING, PARTIAL = ".program", ".partial"


class ProgramCache:
    """Programs by their key, in files that are whole or not there; any number of processes share a folder.

    Args:
        folder: Made by `private_folder`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = self._path = folder  # JAX looks at `_path`
        self._sweep()

    def get(self, key: str) -> bytes | None:
        """The program, which counts as used now; None where there is none."""
        path = self.folder / f"{key}{ENDING}"
        try:
            program = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return program

    def put(self, key: str, value: bytes) -> None:
        """Keep a program, where the disk lets it; one that is so large has data inside, and would not be read again."""
        if len(value) > MAX_PROGRAM:
            return
        with suppress(OSError), replacing_at_once(self.folder / f"{key}{ENDING}") as partial:
            partial.write_bytes(value)

    def _sweep(self) -> None:
        """Remove the programs that were not used for longest where they are too many bytes, and what a kill left."""
        found = sorted(_files(self.folder))
        total = sum(size for _, size, _ in found)
        allowed = MAX_BYTES if total <= MAX_BYTES else KEPT_SHARE * MAX_BYTES
        newest = found[-1][0] if found else 0.0
        for used, size, path in found:
            if total > allowed or (path.suffix == PARTIAL and used < newest - 3600):
                total -= size
                with suppress(OSError):  # another process sweeps, too
                    path.unlink()


def private_folder(cache: Path, library: str) -> Path | None:
    """The folder of this user's programs for this processor, made where it is missing.

    Args:
        cache: `<paths.cache>`.
        library: What compiles.

    Returns:
        `<cache>/programs/<library>-<user>/<processor>`; None, with a warning, where somebody else may write there, and
        where the cache cannot be written.
    """
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    mine = cache / "programs" / f"{library}-{user}"
    folder = mine / _processor()
    try:
        mine.parent.mkdir(parents=True, exist_ok=True)
        mine.mkdir(mode=0o700, exist_ok=True)
        if reason := _why_not_trusted(mine):
            log.warning(f"{mine}: {reason}; compiled programs are code, so nothing is kept or taken there")
            return None
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    return folder


def _why_not_trusted(folder: Path) -> str:
    """Why somebody else could have put programs there; empty where nobody could."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return "it is no folder"
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        return "it belongs to somebody else"
    if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o077:
        return "others may read or write it (chmod 700 changes that, rm -r is safer)"
    return ""


def _processor() -> str:
    """What a program for a CPU depends on: its architecture and its features."""
    features = platform.processor()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        features = next(line for line in lines if line.lower().startswith(("flags", "features")))
    return hashlib.sha256(f"{platform.system()} {platform.machine()} {features}".encode()).hexdigest()[:12]


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Every file below: when it was used last, its bytes, its place."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            with suppress(OSError):
                about = path.stat()
                yield about.st_mtime, about.st_size, path
