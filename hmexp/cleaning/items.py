"""What was found: a place on the disk, how large and old it is, why it may go, and why it stays."""

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hmexp.jobs.folder import LEFT_BEHIND, LOCK_FILE

DAY = 86_400.0
RUNS, CHECKPOINTS, STORES, LEFTOVERS = "runs", "checkpoints", "stores", "leftovers"


@dataclass(frozen=True)
class Extent:
    """What a place takes.

    Attributes:
        size: Bytes of its files; no link is followed.
        changed: Seconds since 1970 of the last change of any of its files.
    """

    size: int = 0
    changed: float = 0.0

    def __add__(self, other: "Extent") -> "Extent":
        return Extent(self.size + other.size, max(self.changed, other.changed))


def extent(path: Path) -> Extent:
    """Measure a file or a folder; nothing where it is not there.

    A run's lock says nothing of when the run changed, and a folder only where it is empty: whoever looks whether the
    run lives may write them.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return Extent()
    if not stat.S_ISDIR(found.st_mode):
        return Extent(found.st_size, found.st_mtime)
    total = Extent()
    for entry in _files(path):
        with suppress(FileNotFoundError):  # it went while we look
            about = entry.stat(follow_symlinks=False)
            total += Extent(about.st_size, 0.0 if entry.name == LOCK_FILE else about.st_mtime)
    return total if total.changed else Extent(total.size, found.st_mtime)


def _files(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """Every file below a folder; a link is one."""
    try:
        with os.scandir(folder) as scan:
            entries = list(scan)
    except (FileNotFoundError, PermissionError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        else:
            yield entry


def is_within(root: Path, path: Path) -> bool:
    """Whether a place lies below `root`, neither it nor what is between them a link."""
    try:
        parts = path.relative_to(root).parts
    except ValueError:
        return False
    places = [root.joinpath(*parts[: number + 1]) for number in range(len(parts))]
    return bool(parts) and ".." not in parts and not any(place.is_symlink() for place in places)


@dataclass(frozen=True)
class Item:
    """Something that may go, or that stays although one might think so.

    Attributes:
        kind: `runs`, `checkpoints`, `stores` or `leftovers`.
        path: Its place.
        reason: Why it may go.
        size: Bytes, with what goes beside it.
        changed: Seconds since 1970 of its last change, or use.
        root: `<paths.root>/mlruns` or `<paths.cache>`, which it lies below.
        stays: Why it stays; empty where it may go.
    """

    kind: str
    path: Path
    reason: str
    size: int
    changed: float
    root: Path
    stays: str = field(default="", kw_only=True)

    @property
    def name(self) -> str:
        """Its place below the root."""
        return str(self.path.relative_to(self.root))

    def held(self) -> AbstractContextManager[str]:
        """Hold it inside the block, so that nobody begins to use it; gives why it has to stay after all, or nothing."""
        return nullcontext("" if self.path.exists() else "it is gone")

    def leave(self, take: Callable[[Path], None]) -> None:
        """Leave its place; it is held.

        Args:
            take: Moves a file or a folder into the trash.
        """
        take(self.path)


@dataclass(frozen=True)
class Age:
    """How old something has to be.

    Attributes:
        days: `older_than`.
        now: Seconds since 1970.
    """

    days: float
    now: float = field(default_factory=time.time)

    def stays(self, changed: float, at_least: float = 0.0) -> str:
        """Why something that changed then stays; nothing where it is old enough.

        Args:
            changed: Seconds since 1970.
            at_least: Seconds that it is old in any case.
        """
        old = self.now - changed >= max(self.days * DAY, at_least)
        return "" if old else f"changed or used within older_than={self.days:g} days"

    def stays_unnamed(self, changed: float) -> str:
        """The same for what may be in the making, and has no lock yet."""
        return self.stays(changed, LEFT_BEHIND)
