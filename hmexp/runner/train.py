"""The verb `train`: catalogue -> store -> fit -> evaluate -> record."""

import shlex
import socket
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hmexp.config.errors import RunError, UserError, require
from hmexp.config.invocation import Invocation
from hmexp.config.record import MlflowTracking
from hmexp.config.verbs import RunConfig
from hmexp.console import log
from hmexp.datamodule import DataModule
from hmexp.evaluation.report import slice_columns
from hmexp.metrics.names import parse_monitor
from hmexp.runner.backend import start_backend
from hmexp.runner.environment import git_state, versions
from hmexp.runner.job import JobRecord, make_job_dir, read_record, running, save_config
from hmexp.runner.lineage import Lineage, check_classes, check_data, lineage_of
from hmexp.runner.member import read_member
from hmexp.runner.modes import under_mode
from hmexp.training.interruption import Interruption
from hmexp.training.recorder import NoRecorder, Recorder

if TYPE_CHECKING:
    from hmexp.runner.session import TrainResult


def train(config: RunConfig, invocation: Invocation) -> "TrainResult":
    """Train and evaluate one model, or go on with one.

    Raises:
        UserError: The config asks for what is not there; raised before anything is written.
        RunError: The run failed for a known reason.
    """
    config = under_mode(config)
    lineage = lineage_of(config)
    data = check(config)
    if lineage.resumes:  # refused before the run is opened again, which leaves it as it was
        data.prepare()
        check_data(lineage, data.setup()[0], data.digest)
    check_classes(lineage, data.classes)
    log.info(
        f"{data.catalogue.name}: {len(data.manifest):,} rows, {len(data.classes)} classes; starting {config.backend}"
    )
    device = start_backend(config)
    name = dict(invocation.choices).get("model", "run")
    job_dir = lineage.job_dir if lineage.resumes else make_job_dir(config.paths, invocation, name)
    lineage.hand_over(job_dir)
    with running(job_dir):
        if not lineage.resumes:
            save_config(job_dir, config, invocation)
        recorder = _make_recorder(config, invocation, job_dir, lineage)
        job = read_record(job_dir) if lineage.resumes else JobRecord(recorder.run_id or _run_id(job_dir), root(config))
        with _recorded(recorder, job, job_dir), Interruption().listening() as interruption:
            from hmexp.runner.session import Session

            session = Session(config, invocation, data, job_dir, job, lineage, recorder, device, interruption)
            return session.run()


def root(config: RunConfig) -> str:
    """Absolute `paths.root`."""
    return str(config.paths.root_path)


def _run_id(job_dir: Path) -> str:
    """What stands for an id where nothing is tracked: the folder's name, with its sweep's before it."""
    return f"{job_dir.parent.name}-{job_dir.name}" if read_member(job_dir) else job_dir.name


def check(config: RunConfig) -> DataModule:
    """The rules between sections, then the catalogue: all that can be wrong before anything is paid.

    Raises:
        UserError: See there.
    """
    check_sections(config)
    for name in ("seeds", "folds"):
        expected = f"-m before {name}=..., which makes a sweep of it"
        require(getattr(config, name) == 1, name, expected, f"{getattr(config, name)} in a single run")
    data = DataModule(config.data, config.paths, config.backend)
    slice_columns(data)
    return data


def check_sections(config: RunConfig) -> None:
    """The rules between sections that need no catalogue.

    Raises:
        UserError: One is broken.
    """
    parse_monitor("trainer.monitor", config.trainer.monitor)
    config.model.check_input(config.data.image_size)
    check_sizes(config)


def check_sizes(config: RunConfig) -> None:
    """Raise `UserError` where `trainer.image_sizes` does not fit the model or the stored pictures."""
    sizes = config.trainer.image_sizes
    if sizes is None:
        return
    stored = config.data.image_size
    expected = f"sizes of at most data.image_size={stored}"
    require(max(sizes) <= stored, "trainer.image_sizes", expected, sizes)
    require(config.model.any_size, "trainer.image_sizes", "null for a model whose head is tied to a size", sizes)
    for size in sizes:
        config.model.check_input(size)


def _make_recorder(config: RunConfig, invocation: Invocation, job_dir: Path, lineage: Lineage) -> Recorder:
    if not isinstance(config.tracking, MlflowTracking):
        return NoRecorder()
    from hmexp.tracking.recorder import MlflowRecorder, RunDescription
    from hmexp.tracking.runs import HOST_TAG, JOB_TAG, close_dead_runs

    tags = {JOB_TAG: str(job_dir), HOST_TAG: socket.gethostname(), "hmexp.command": invocation.command}
    tags |= {f"hmexp.choice.{group}": option for group, option in invocation.choices}
    tags |= {f"version.{library}": number for library, number in versions().items()}
    tags |= {f"hmexp.{lineage.kind}": lineage.job_dir.name} if lineage.kind else {}
    member = read_member(job_dir)
    tags |= member.tags() if member else {}
    tags |= {f"git.{key}": value for key, value in git_state(Path.cwd()).items()}
    name = config.tracking.name or ("" if member else job_dir.name)
    name = f"{name} {member.run_name}".strip() if member else name
    description = RunDescription(name, config, tags, member.params() if member else {})
    run_id = read_record(job_dir).run_id if lineage.resumes else None
    recorder = MlflowRecorder(config.tracking, config.paths, description, run_id)
    for run_id in close_dead_runs(recorder.client, config.tracking):
        log.warning(f"run {run_id} had died; it is marked KILLED now")
    return recorder


@contextmanager
def _recorded(recorder: Recorder, job: JobRecord, job_dir: Path) -> Iterator[None]:
    """End the run in the record however it ends: FINISHED, FAILED with its traceback, or KILLED."""

    def finish(status: str, text: str = "", pruned: str = "") -> None:
        recorder.finish(status, text, pruned)
        job.status = status
        job.save(job_dir)

    job.status, job.begun = "RUNNING", time.time()
    job.save(job_dir)
    try:
        yield
    except KeyboardInterrupt:
        finish("KILLED")
        where = "" if Path(job.root) == Path.cwd() else f" paths.root={shlex.quote(job.root)}"
        log.warning(f"interrupted; this goes on with the run: python -m hmexp resume={job.run_id}{where}")
        raise
    except Exception as error:
        finish("FAILED", traceback.format_exc())
        known = isinstance(error, RunError | UserError)
        log.error(str(error) if known else traceback.format_exc(), extra={"file_only": True})
        raise
    else:
        finish("FINISHED", pruned=job.pruned)
