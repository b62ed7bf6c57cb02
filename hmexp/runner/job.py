"""The folder of a run: made exclusively, locked while its process lives, whole in itself; and how RUN finds one."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from omegaconf import OmegaConf

from hmexp.config.errors import UserError, invalid
from hmexp.config.invocation import Invocation
from hmexp.config.record import PathsConfig
from hmexp.console import log_file
from hmexp.tracking.runs import LOCK_FILE, MIN_PREFIX

RECORD_FILE = "run.json"
FINISHED = "FINISHED"
RUN_KINDS = "a run id, a unique prefix of one, latest, or a job folder"


@dataclass
class JobRecord:
    """What a run's folder says of the run, with or without MLflow.

    Attributes:
        run_id: In MLflow; the folder's name where nothing is tracked.
        root: Absolute `paths.root`.
        status: As in MLflow: RUNNING, FINISHED, FAILED, KILLED. A process that died leaves RUNNING.
        data_digest: Of the manifest, once there is one.
        precision: What the run computes in, once that is known.
        pruned: Why a sweep ended it early; empty where none did.
        begun: Seconds since 1970 of its last start.
    """

    run_id: str
    root: str
    status: str = "RUNNING"
    data_digest: str = ""
    precision: str = ""
    pruned: str = ""
    begun: float = 0.0

    def save(self, job_dir: Path) -> None:
        """Write it; a file that is there is whole."""
        partial = job_dir / f"{RECORD_FILE}.partial"
        partial.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        partial.replace(job_dir / RECORD_FILE)


def read_record(job_dir: Path) -> JobRecord:
    """Read what a folder says.

    Raises:
        UserError: It is no run's folder.
    """
    try:
        return JobRecord(**json.loads((job_dir / RECORD_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise UserError(f"{job_dir}: expected the folder of a run, received one without {RECORD_FILE}") from None


def find_job(paths: PathsConfig, key: str, run: str) -> Path:
    """The folder of the run that RUN names. For `resume`, `latest` is the newest that did not finish.

    Args:
        paths: Where runs are.
        key: The config key that RUN was given as, for the error.
        run: An id, a unique prefix of 6 or more, `latest`, or a job folder.

    Raises:
        UserError: No run, or more than one.
    """
    folder = Path(run).expanduser().absolute()
    if "/" in run or (folder / RECORD_FILE).is_file():
        read_record(folder)
        return folder
    found = {job_dir: read_record(job_dir) for job_dir in _job_dirs(paths)}
    if run == "latest":
        open_ones = [job_dir for job_dir, record in found.items() if key != "resume" or record.status != FINISHED]
        fits = open_ones[-1:]
    else:
        if len(run) < MIN_PREFIX:
            raise UserError(f"{key}: expected a run id or at least {MIN_PREFIX} digits of one, received {run}")
        fits = [job_dir for job_dir, record in found.items() if run in (job_dir.name, record.run_id)]
        fits = fits or [job_dir for job_dir, record in found.items() if record.run_id.startswith(run)]
    if len(fits) != 1:
        that = "that did not finish " if key == "resume" and run == "latest" else ""
        received = f"{run}, which fits {len(fits)} runs {that}under {paths.mlruns}"
        raise invalid(key, RUN_KINDS, received, [record.run_id for record in found.values()])
    return fits[0]


def is_running(job_dir: Path) -> bool:
    """Whether a living process holds the run's lock."""
    try:
        with FileLock(job_dir / LOCK_FILE, timeout=0):
            return False
    except Timeout:
        return True


def make_job_dir(paths: PathsConfig, invocation: Invocation, name: str) -> Path:
    """Make the folder of a run: `<root>/mlruns/jobs/<time>_<name>`, or the one that it was given.

    Two runs of the same second get two folders: a folder that is there is never taken.

    Raises:
        UserError: The given folder has a run already.
    """
    given = invocation.job_dir
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        try:
            (given / LOCK_FILE).touch(exist_ok=False)
        except FileExistsError:
            raise UserError(f"hydra.run.dir: expected a new folder, received {given}, which has a run") from None
        return given
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


def _job_dirs(paths: PathsConfig) -> list[Path]:
    """Folders of all runs, the oldest first."""
    records = [*paths.mlruns.glob(f"jobs/*/{RECORD_FILE}"), *paths.mlruns.glob(f"sweeps/*/*/{RECORD_FILE}")]
    begun = {path.parent: (path.parent / "config.yaml").stat().st_mtime_ns for path in records}
    return sorted(begun, key=lambda folder: (begun[folder], folder.name))
