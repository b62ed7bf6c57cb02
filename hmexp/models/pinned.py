"""Which file a pretrained network is from: its hash goes into the run's configuration, and a copy into the cache.

A run can then be gone on with, and repeated, whatever has become of the file since.
"""

import hashlib
import shutil
import tempfile
from dataclasses import replace
from functools import singledispatch
from pathlib import Path

from hmexp.config.errors import UserError, require
from hmexp.config.model import ModelConfig
from hmexp.config.pretrained import NETWORK_FILE, BackboneConfig, HubConfig
from hmexp.console import log
from hmexp.models.bundle import sha256


@singledispatch
def pinned(cfg: ModelConfig, cache_dir: Path) -> ModelConfig:
    """The configuration with the hash of what a pretrained network is read from; a copy of a file is kept.

    Args:
        cfg: The `model` section.
        cache_dir: hmexp's cache folder.

    Raises:
        UserError: The file is gone, or was changed, and there is no copy of it.
    """
    return cfg


@singledispatch
def from_cache(cfg: ModelConfig, cache_dir: Path) -> ModelConfig:
    """The configuration that reads the kept copy of a network's file; of one that `pinned` gave."""
    return cfg


@pinned.register
def _(cfg: BackboneConfig, cache_dir: Path) -> ModelConfig:
    if not cfg.is_file:
        return cfg
    path = Path(cfg.name).expanduser()
    found = sha256(path) if path.is_file() else None
    wanted = cfg.sha256 or found
    if wanted is None:
        cfg.check_input(0)  # says that it is not there
    kept = _kept(str(wanted), cache_dir)
    if found == wanted:
        _keep(path, kept, str(wanted))
    elif not (kept.is_file() and sha256(kept) == wanted):
        received = (
            "no file" if found is None else f"one of {found}: it was changed (model.sha256=null takes it as it is)"
        )
        raise UserError(f"model.name: expected {path} with SHA-256 {wanted}, received {received}")
    else:
        log.warning(f"{path} is {'gone' if found is None else 'another file now'}: the copy in the cache is read")
    return replace(cfg, sha256=wanted)


@from_cache.register
def _(cfg: BackboneConfig, cache_dir: Path) -> ModelConfig:
    return replace(cfg, name=str(_kept(cfg.sha256, cache_dir))) if cfg.is_file and cfg.sha256 else cfg


@pinned.register
def _(cfg: HubConfig, cache_dir: Path) -> ModelConfig:
    if not cfg.is_folder:
        return cfg
    found = _digest_of_folder(Path(cfg.preset).expanduser())
    expected = f"{cfg.preset} with SHA-256 {cfg.sha256}"
    changed = f"{found}: it was changed (model.sha256=null takes it as it is)"
    require(cfg.sha256 in (None, found), "model.preset", expected, changed)
    return replace(cfg, sha256=found)


def _digest_of_folder(folder: Path) -> str:
    """SHA-256 over names and hashes of a folder's files."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(f"{path.relative_to(folder).as_posix()}\0{sha256(path)}\n".encode())
    return total.hexdigest()


def _kept(digest: str, cache_dir: Path) -> Path:
    return cache_dir / "models" / f"{digest}{NETWORK_FILE}"


def _keep(path: Path, kept: Path, digest: str) -> None:
    """Copy a file into the cache; one that is there is whole."""
    if kept.is_file() and sha256(kept) == digest:
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        partial = Path(scratch) / kept.name
        shutil.copyfile(path, partial)
        partial.replace(kept)
