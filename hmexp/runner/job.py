"""The folder of a run: made exclusively, locked while its process lives, whole in itself."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock
from omegaconf import OmegaConf

from hmexp.config.invocation import Invocation
from hmexp.config.record import PathsConfig
from hmexp.console import log_file
from hmexp.tracking.runs import LOCK_FILE


def make_job_dir(paths: PathsConfig, invocation: Invocation, name: str) -> Path:
    """Make the folder of a run: `<root>/mlruns/jobs/<time>_<name>`, or the one that a sweep gave.

    Two runs of the same second get two folders: a folder that is there is never taken.
    """
    if invocation.sweep_dir is not None:
        invocation.sweep_dir.mkdir(parents=True, exist_ok=True)
        return invocation.sweep_dir
    jobs = paths.mlruns / "jobs"
    jobs.mkdir(parents=True, exist_ok=True)
    stem = f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{name}"
    number = 1
    while True:
        folder = jobs / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            number += 1


@contextmanager
def running(job_dir: Path) -> Iterator[None]:
    """Hold the run's lock and keep its log, while the run lives."""
    with FileLock(job_dir / LOCK_FILE), log_file(job_dir / "log"):
        yield


def save_config(job_dir: Path, config: Any, invocation: Invocation) -> None:  # noqa: ANN401
    """Write the resolved config, and what Hydra composed it from."""
    hydra_dir = job_dir / ".hydra"
    hydra_dir.mkdir(exist_ok=True)
    resolved = OmegaConf.to_yaml(OmegaConf.structured(config), resolve=True)
    (job_dir / "config.yaml").write_text(resolved, encoding="utf-8")
    (hydra_dir / "config.yaml").write_text(resolved, encoding="utf-8")
    OmegaConf.save(OmegaConf.create(list(invocation.overrides)), hydra_dir / "overrides.yaml")
    about = {
        "command": invocation.command,
        "choices": dict(invocation.choices),
        "python": sys.version.split()[0],
    }
    OmegaConf.save(OmegaConf.create(about), hydra_dir / "hydra.yaml")
