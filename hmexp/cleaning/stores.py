"""Stores that may go: unread for long and used by no run, of other versions, damaged; builds that did not end.

Of pictures, and of the features that a network has given for them.
"""

import fcntl
import json
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hmexp.cleaning.items import STORES, Age, Item, extent
from hmexp.jobs.folder import held_lock, is_locked
from hmexp.store.decode import DECODER_VERSION
from hmexp.store.feature_build import FEATURES
from hmexp.store.feature_build import FORMAT_VERSION as FEATURES_VERSION
from hmexp.store.feature_build import META as FEATURES_META
from hmexp.store.layout import FORMAT_VERSION, META, PICTURES
from hmexp.store.store import last_used

NAME = re.compile(r"[0-9a-f]{32}(\.partial)?")
IN_USE = "somebody reads or builds it, or it may not be written"


@dataclass(frozen=True)
class StoreKind:
    """One kind of store.

    Attributes:
        folder: Of all of them, below `<paths.cache>`.
        rows: Name of the file with the rows of one; whoever reads it shares its lock.
        meta: Name of the file that says what it is.
        versions: Fields of that file -> what this version of hmexp can open.
    """

    folder: str
    rows: str
    meta: str
    versions: dict[str, object]


KINDS = (
    StoreKind("stores", PICTURES, META, {"format_version": FORMAT_VERSION, "decoder_version": DECODER_VERSION}),
    StoreKind("features", FEATURES, FEATURES_META, {"format_version": FEATURES_VERSION}),
)


@dataclass(frozen=True)
class StoreItem(Item):
    """A store, or a build that did not end.

    Attributes:
        age: How long nobody may have used it.
        store: Its kind.
    """

    age: Age
    store: StoreKind

    @contextmanager
    def held(self) -> Iterator[str]:
        """Hold the lock of builds and that of readers: nobody opens, or builds, the store inside the block."""
        with held_lock(lock_of(self.path)) as mine, _unread(self.path / self.store.rows) as unread:
            yield self._now() if mine and unread else IN_USE

    def _now(self) -> str:
        if not self.path.is_dir():
            return "it is gone"
        return self.age.stays(_used(self.path, self.store))


def find_stores(cache: Path, used: Collection[str], age: Age, named: bool) -> Iterator[StoreItem]:
    """Every store and every build that nobody reads or writes now.

    Args:
        cache: `<paths.cache>`.
        used: Names of the stores that runs which stay have read.
        age: How long nobody may have used one.
        named: Whether stores may go.
    """
    for kind in KINDS:
        folder = cache / kind.folder
        for path in sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else ():
            if not NAME.fullmatch(path.name) or path.is_symlink() or not path.is_dir() or _in_use(path, kind):
                continue
            last = _used(path, kind)
            reason, needed = _why(path, kind, used)
            stays = ("" if named else "not in kinds") or age.stays(last) or needed
            yield StoreItem(STORES, path, reason, extent(path).size, last, cache, age, kind, stays=stays)


def _why(path: Path, kind: StoreKind, used: Collection[str]) -> tuple[str, str]:
    """Why a store may go, and why it stays nevertheless."""
    if path.suffix == ".partial":
        return "a build that did not end", ""
    meta = _meta(path / kind.meta)
    if meta is None:
        return f"damaged: it has no {kind.meta} that can be read", ""
    if any(meta.get(name) != version for name, version in kind.versions.items()):
        return "of another version of hmexp, which this one cannot open", ""
    return "no run here uses it", "a run here uses it" if path.name in used else ""


def _meta(path: Path) -> dict[str, Any] | None:
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return meta if isinstance(meta, dict) else None


def _used(path: Path, kind: StoreKind) -> float:
    """When a store was used last, or a build has written last."""
    return extent(path).changed if path.suffix == ".partial" else last_used(path, kind.rows, kind.meta)


def lock_of(path: Path) -> Path:
    """The lock of whoever makes the folder `path`, or is making it as `path` with `.partial` behind it."""
    return path.with_name(f"{path.name.removesuffix('.partial')}.lock")


def _in_use(path: Path, kind: StoreKind) -> bool:
    """Whether somebody reads a store or builds it; asking keeps nobody from it."""
    with _unread(path / kind.rows) as unread:
        return not unread or is_locked(lock_of(path))


@contextmanager
def _unread(rows: Path) -> Iterator[bool]:
    """Keep readers out inside the block, where there are none; see `hmexp.store.store.Store`."""
    try:
        handle = os.open(rows, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield True
        return
    except OSError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except OSError:
        yield False
    finally:
        os.close(handle)
