"""What killed commands have left beside runs and stores, and files that are not hmexp's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hmexp.cleaning.items import LEFTOVERS, Age, Item, extent
from hmexp.cleaning.stores import KINDS, NAME, lock_of
from hmexp.cleaning.trash import TRASH, Trash
from hmexp.jobs.folder import LOCK_FILE, NEW, RECORD_FILE, held_lock
from hmexp.tracking.ledger import LOCK_FILE as PROMOTION_LOCK
from hmexp.tracking.store import DATABASE
from hmexp.tracking.store import LOCK_FILE as DATABASE_LOCK

JOURNALS = ("-wal", "-shm", "-journal")
OWN = {DATABASE, *(DATABASE + ending for ending in JOURNALS), DATABASE_LOCK, PROMOTION_LOCK, "artifacts", "jobs"}
OWN |= {"sweeps", "exports", TRASH}
BROKEN, HALF_MADE = f"{DATABASE}.broken-", f"{DATABASE}.new-"
REASONS = {
    BROKEN: "a database of MLflow's without runs, which was moved away",
    HALF_MADE: "a database of MLflow's that was never finished",
    NEW: "the folder of a run that was never made",
}


@dataclass(frozen=True)
class LockedItem(Item):
    """Something that a living command would hold the lock of.

    Attributes:
        lock: That lock.
    """

    lock: Path

    @contextmanager
    def held(self) -> Iterator[str]:
        """Hold the lock."""
        with held_lock(self.lock) as mine:
            yield ("" if self.path.exists() else "it is gone") if mine else "a command works on it"


def find_leftovers(mlruns: Path, cache: Path, age: Age, named: bool) -> Iterator[Item]:
    """What killed commands have left; what a `clean` that was cut off was deleting goes in any case.

    Args:
        mlruns: `<paths.root>/mlruns`.
        cache: `<paths.cache>`.
        age: How old it has to be.
        named: Whether it may go.
    """
    for root in (mlruns, cache):
        for path in Trash(root).entries():
            found = extent(path)
            yield Item(LEFTOVERS, path, "what a clean that was cut off was deleting", found.size, found.changed, root)
    for root, path, reason in (*_left_in_mlruns(mlruns), *_left_in_cache(cache)):
        found = extent(path)
        stays = ("" if named else "not in kinds") or age.stays_unnamed(found.changed)
        lock = path / LOCK_FILE if root == mlruns else lock_of(path)
        if path.is_dir() and path.parent.name in ("jobs", "sample"):
            yield LockedItem(LEFTOVERS, path, reason, found.size, found.changed, root, lock, stays=stays)
        else:
            yield Item(LEFTOVERS, path, reason, found.size, found.changed, root, stays=stays)


def find_foreign(mlruns: Path, cache: Path) -> list[Path]:
    """What lies among runs and stores and is none of hmexp's: it stays."""
    own = [path for _, path, _ in _left_in_mlruns(mlruns)]
    beside = [path for path in _entries(mlruns) if path.name not in OWN and path not in own]
    links = [path for name in ("jobs", "sweeps", "artifacts") if (path := mlruns / name).is_symlink()]
    jobs = [path for path in _entries(mlruns / "jobs") if not (path / RECORD_FILE).is_file() and path not in own]
    linked = [path for folder in ("jobs", "sweeps") for path in _entries(mlruns / folder) if path.is_symlink()]
    names = (".lock", ".partial")
    shelved = [path for kind in KINDS for path in _entries(cache / kind.folder)]
    stores = [path for path in shelved if not NAME.fullmatch(path.name)]
    stores = [path for path in stores if not (path.suffix in names and NAME.fullmatch(path.stem))]
    return sorted({*beside, *links, *jobs, *linked, *stores})


def _left_in_mlruns(mlruns: Path) -> Iterator[tuple[Path, Path, str]]:
    for path in _entries(mlruns):
        for start in (BROKEN, HALF_MADE):
            if path.name.startswith(start) and path.is_file() and not path.is_symlink():
                yield mlruns, path, REASONS[start]
    for path in _entries(mlruns / "jobs"):
        if path.is_symlink() or not path.is_dir():
            continue
        if path.name.startswith(NEW):
            yield mlruns, path, REASONS[NEW]
        elif all(entry.name == LOCK_FILE for entry in _entries(path)):
            yield mlruns, path, "the empty folder of a run"


def _left_in_cache(cache: Path) -> Iterator[tuple[Path, Path, str]]:
    """Only what has the very names that hmexp gives: the folder may be shared with other programs."""
    patterns = {"sample": ["*.partial"], "precision": ["*.partial"], "models": ["tmp????????", "*.partial"]}
    patterns["embeddings"] = ["*.partial", "*.parts"]
    patterns["programs"] = ["*/*/*.partial"]
    places = [(folder, pattern) for folder, several in patterns.items() for pattern in several]
    for folder, pattern in places:
        if not (cache / folder).is_symlink():
            for path in sorted((cache / folder).glob(pattern)):
                if not path.is_symlink():
                    yield cache, path, "what a killed command was writing"


def _entries(folder: Path) -> list[Path]:
    """What is in a folder; nothing in one that is a link or not there."""
    return sorted(folder.iterdir()) if folder.is_dir() and (not folder.is_symlink() or folder.name == "mlruns") else []
