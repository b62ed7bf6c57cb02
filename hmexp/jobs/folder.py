"""The folder of a run: it appears whole, is locked while its process lives, and says what became of the run."""

import fcntl
import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, get_type_hints

from filelock import FileLock, Timeout
from omegaconf import OmegaConf

from hmexp.config.errors import UserError, invalid
from hmexp.config.invocation import Invocation
from hmexp.config.record import PathsConfig
from hmexp.config.secrets import masked
from hmexp.console import log_file
from hmexp.files import replacing
from hmexp.jobs.trial import TRIAL_FILE
from hmexp.process import full_disk

RECORD_FILE = "run.json"
LOCK_FILE = "run.lock"
FINISHED, KILLED, RUNNING = "FINISHED", "KILLED", "RUNNING"
NEW = ".new-"
LEFT_BEHIND = 3600.0
"""Seconds after which a folder that never got its name is a dead process's."""
LOOK = 2.0
"""Seconds to try for a lock: whoever looks whether a run lives holds it for a moment."""


@dataclass
class JobRecord:
    """What a run's folder says of the run, with or without MLflow.

    Attributes:
        run_id: In MLflow; what stands for an id where nothing is tracked.
        root: Absolute `paths.root`.
        status: As in MLflow: RUNNING, FINISHED, FAILED, KILLED. A process that died leaves RUNNING.
        data_digest: Of the manifest, once there is one.
        precision: What the run computes in, once that is known.
        epochs: Epochs that its schedule is laid over, where `trainer.minutes` has decided that.
        pruned: Why a sweep ended it early; empty where none did.
        begun: Seconds since 1970 of its last start.
        seconds: Time that its processes have spent on it, by a clock that nobody sets.
        recorded: Whether MLflow has all of it; where it has not, the next command tells it the rest.
        name: What the run is called.
        store: Fingerprint of the image store that it reads; while the run stays, `clean` keeps the store.
        features: Key of the stored features that it reads, alike.
    """

    run_id: str
    root: str
    status: str = RUNNING
    data_digest: str = ""
    precision: str = ""
    epochs: int = 0
    pruned: str = ""
    begun: float = 0.0
    seconds: float = 0.0
    recorded: bool = True
    name: str = ""
    store: str = ""
    features: str = ""

    def save(self, job_dir: Path) -> None:
        """Write it; a file that is there is whole."""
        with replacing(job_dir / RECORD_FILE) as partial:
            partial.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_record(job_dir: Path) -> JobRecord:
    """Read what a folder says; fields of a later version are left out.

    Raises:
        UserError: It is no run's folder, or its record is damaged.
    """
    path = job_dir / RECORD_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = {name: content[name] for name in (field.name for field in fields(JobRecord)) if name in content}
        record = JobRecord(**known)
    except FileNotFoundError:
        raise UserError(f"{job_dir}: expected the folder of a run, received one without {RECORD_FILE}") from None
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path}: expected the record of a run, received {type(error).__name__}: {error}") from None
    for name, kind in get_type_hints(JobRecord).items():
        value = getattr(record, name)
        if not isinstance(value, (int, float) if kind is float else kind):
            raise UserError(f"{path}: expected {name} to be of type {kind.__name__}, received {value!r}")
    return record


@dataclass(frozen=True)
class JobFolder:
    """The folder of a run while this process works on it; its lock is held.

    Attributes:
        path: Of the folder.
        record: What it says of the run; `save` writes it.
    """

    path: Path
    record: JobRecord

    def save(self) -> None:
        """Write the record."""
        self.record.save(self.path)

    @classmethod
    @contextmanager
    def create(
        cls,
        paths: PathsConfig,
        config: Any,  # noqa: ANN401
        invocation: Invocation,
        record: JobRecord,
        fill: Callable[[Path], None] = lambda folder: None,
        stem: str = "run",
    ) -> Iterator["JobFolder"]:
        """Make the folder of a new run: `<root>/mlruns/jobs/<time>_<stem>`, or the one that it was given.

        It is made under another name and renamed, so that a folder that is there has its configuration and its record;
        two runs of the same second get two.

        Args:
            paths: Where runs are.
            config: The whole configuration, as dataclasses.
            invocation: How it was called.
            record: What is known of the run; an empty `run_id` becomes the folder's name, its sweep's before it.
            fill: Puts into the new folder what the run starts from.
            stem: What its name says beside the time.

        Raises:
            UserError: The given folder has a run already, or cannot be one.
        """
        given = invocation.job_dir
        folder = _new_folder(paths) if given is None else _given_folder(given)
        lock = FileLock(folder / LOCK_FILE)
        _acquire(lock, "hydra.run.dir", f"{folder}, in which another process works")
        with lock:
            fill(folder)
            save_config(folder, config, invocation)
            if given is None:
                record.save(folder)
                folder = _name(folder, stem)
            in_sweep = (folder / TRIAL_FILE).is_file()
            record.run_id = record.run_id or (f"{folder.parent.name}-{folder.name}" if in_sweep else folder.name)
            record.save(folder)
            with log_file(folder / "log"):
                yield cls(folder, record)

    @classmethod
    @contextmanager
    def reopen(cls, path: Path) -> Iterator["JobFolder"]:
        """Go on in the folder of a run that stopped; its record is read when the lock is held.

        Raises:
            UserError: A process works on the run, or it has finished by now.
        """
        read_record(path)  # of a folder that was removed meanwhile, the lock would make one
        lock = FileLock(path / LOCK_FILE)
        _acquire(lock, "resume", f"{path.name}, which is running", expected="a run that has stopped")
        with lock:
            record = read_record(path)
            check_unfinished(path.name, record)
            with log_file(path / "log"):
                yield cls(path, record)


def check_unfinished(name: str, record: JobRecord) -> None:
    """Raise `UserError` where there is nothing left to resume."""
    if record.status == FINISHED:
        ways = f"rerun={name} repeats it, fork={name} starts a new run from its checkpoint"
        raise UserError(f"resume: expected a run that did not finish, received {name}, which did ({ways})")


def is_running(job_dir: Path) -> bool:
    """Whether a living process holds the run's lock."""
    return is_locked(job_dir / LOCK_FILE)


def is_locked(path: Path) -> bool:
    """Whether a living process holds a lock; a file that is not there is none.

    Asks for a share of the lock, which any number of others may ask for at the same time: they do not take each other
    for the holder. A lock that may not be read is another user's, of which nothing is known here.
    """
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


def held(job_dir: Path) -> AbstractContextManager[bool]:
    """Hold the run's lock inside the block, if nobody else does; gives whether it is held."""
    return held_lock(job_dir / LOCK_FILE)


@contextmanager
def held_lock(path: Path) -> Iterator[bool]:
    """Hold a lock inside the block, if nobody else does and it may be written; gives whether it is held.

    It is the lock that `FileLock` takes, which would make a folder that is there no more.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except OSError:
        yield False
        return
    try:
        yield _locks(handle)
    finally:
        os.close(handle)


def _locks(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False


def save_config(job_dir: Path, config: Any, invocation: Invocation) -> None:  # noqa: ANN401
    """Write the resolved config, and what Hydra composed it from, without any password."""
    hydra_dir = job_dir / ".hydra"
    hydra_dir.mkdir(exist_ok=True)
    resolved = masked(OmegaConf.to_yaml(OmegaConf.structured(config), resolve=True))
    (hydra_dir / "config.yaml").write_text(resolved, encoding="utf-8")
    OmegaConf.save(OmegaConf.create([masked(word) for word in invocation.overrides]), hydra_dir / "overrides.yaml")
    about = {
        "command": masked(invocation.command),
        "choices": dict(invocation.choices),
        "python": sys.version.split()[0],
    }
    OmegaConf.save(OmegaConf.create(about), hydra_dir / "hydra.yaml")
    (job_dir / "config.yaml").write_text(resolved, encoding="utf-8")


def _new_folder(paths: PathsConfig) -> Path:
    """A folder without a name yet; those that processes died in go."""
    jobs = paths.mlruns / "jobs"
    jobs.mkdir(parents=True, exist_ok=True)
    for path in jobs.glob(f"{NEW}*"):
        if time.time() - path.stat().st_mtime > LEFT_BEHIND and not is_running(path):
            shutil.rmtree(path, ignore_errors=True)
    folder = jobs / f"{NEW}{uuid.uuid4().hex}"
    folder.mkdir()
    return folder


def _given_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        has_run = (folder / RECORD_FILE).exists()
    except (OSError, ValueError) as error:
        if full_disk(error) is not None:
            raise
        reason = error.strerror if isinstance(error, OSError) else error
        raise invalid("hydra.run.dir", "a folder that can be made", f"{folder} ({reason})") from None
    if has_run:
        raise UserError(f"hydra.run.dir: expected a new folder, received {folder}, which has a run")
    return folder


def _name(folder: Path, name: str) -> Path:
    """Give a new folder the first free name; the rename fails where a folder with files has it."""
    stem = f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{name}"
    number = 1
    while True:
        wanted = folder.with_name(stem if number == 1 else f"{stem}-{number}")
        try:
            return folder.rename(wanted)
        except OSError:
            if not wanted.exists():
                raise
            number += 1


def _acquire(lock: FileLock, key: str, received: str, expected: str = "a new folder") -> None:
    try:
        lock.acquire(timeout=LOOK, poll_interval=0.05)
    except Timeout:
        raise UserError(f"{key}: expected {expected}, received {received}") from None
