"""Folders of runs, sweeps and stores as hmexp leaves them, made without training."""

import json
import os
import time
from pathlib import Path

from hmexp.config.invocation import Invocation
from hmexp.config.record import MlflowTracking, NoTracking, PathsConfig
from hmexp.config.verbs import CleanConfig
from hmexp.jobs.folder import JobRecord
from hmexp.jobs.table import Job, JobTable

DAY = 86_400
EVERYTHING = {
    "kinds": ["runs", "stores", "leftovers", "checkpoints"],
    "states": ["failed", "pruned", "killed"],
    "older_than": 0.0,
}


def paths_in(folder: Path) -> PathsConfig:
    return PathsConfig(root=str(folder), cache=str(folder / "cache"))


def age(path: Path, days: float) -> None:
    """Let a folder and all that is in it be old."""
    then = time.time() - days * DAY
    for place in [*path.rglob("*"), path]:
        os.utime(place, (then, then), follow_symlinks=False)


def made_run(folder: Path, status: str = "FAILED", days: float = 30, tracked: bool = False, **record) -> Path:
    folder.mkdir(parents=True)
    tracking = "tracking: {uri: null, experiment: hmexp}" if tracked else "tracking: {}"
    (folder / "config.yaml").write_text(f"seed: 0\n{tracking}\n")
    (folder / "log").write_text("x" * 1000)
    (folder / "run.lock").touch()
    JobRecord(**{"run_id": folder.name, "root": "", "status": status} | record).save(folder)
    age(folder, days)
    return folder


def with_checkpoint(folder: Path, days: float = 30) -> Path:
    checkpoint = folder / "checkpoints" / "epoch-0001-step-000000"
    checkpoint.mkdir(parents=True)
    (checkpoint / "arrays.npz").write_bytes(b"0" * 2000)
    age(folder, days)
    return folder


def made_sweep(folder: Path, status: str, *jobs: str) -> Path:
    """A sweep whose table has jobs of these states, each with the folder of a failed run."""
    folder.mkdir(parents=True)
    table = JobTable(folder)
    table.create()
    table.write([Job(number, number, status=state) for number, state in enumerate(jobs)], status=status)
    for number in range(len(jobs)):
        made_run(folder / str(number), run_id=f"{folder.name}-{number}")
    return folder


def made_store(folder: Path, days: float = 30, **meta) -> Path:
    """What looks like a store from outside."""
    from hmexp.store.decode import DECODER_VERSION
    from hmexp.store.layout import FORMAT_VERSION

    folder.mkdir(parents=True)
    content = {"format_version": FORMAT_VERSION, "decoder_version": DECODER_VERSION, "fingerprint": folder.name}
    (folder / "store.json").write_text(json.dumps(content | meta))
    (folder / "pictures.npy").write_bytes(b"0" * 5000)
    age(folder, days)
    return folder


def cleaned(root: Path, yes: bool = True, tracked: bool = False, **config):
    """What `clean` gives in a folder."""
    from hmexp.cleaning.verbs import clean

    tracking = MlflowTracking() if tracked else NoTracking()
    cfg = CleanConfig(tracking=tracking, paths=paths_in(root), yes=yes, **config)
    return clean(cfg, Invocation("python -m hmexp clean"))


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder, with what it holds; locks, which whoever looks may make, are left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.name.endswith(".lock"):
            found[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else None
    return found
