"""The verb `train`: catalogue -> store -> fit -> evaluate -> record."""

import os
import socket
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hmexp.config.errors import RunError, UserError
from hmexp.config.invocation import Invocation
from hmexp.config.record import MlflowTracking
from hmexp.config.verbs import RunConfig
from hmexp.console import log, muted_stderr
from hmexp.metrics.names import parse_monitor
from hmexp.runner.data import DataModule
from hmexp.runner.environment import git_state, versions
from hmexp.runner.job import make_job_dir, running, save_config
from hmexp.training.interruption import Interruption
from hmexp.training.recorder import NoRecorder, Recorder


@dataclass(frozen=True)
class TrainResult:
    """What a training gives to whoever called it.

    Attributes:
        job_dir: The run's folder.
        metrics: `best/val/...`, `test/...` and more, as recorded.
        objective: `best/<trainer.monitor>`.
    """

    job_dir: Path
    metrics: dict[str, float]
    objective: float


def train(config: RunConfig, invocation: Invocation) -> TrainResult:
    """Train and evaluate one model.

    Raises:
        UserError: The config asks for what is not there; raised before anything is written.
        RunError: The run failed for a known reason.
    """
    data = check(config)
    log.info(
        f"{data.catalogue.name}: {len(data.manifest):,} rows, {len(data.classes)} classes; starting {config.backend}"
    )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with muted_stderr():
        from hmexp.runner.session import Session
        from hmexp.training.device import set_up_device

        device = set_up_device(config.trainer, config.seed, config.deterministic)
    name = dict(invocation.choices).get("model", "run")
    job_dir = make_job_dir(config.paths, invocation, name)
    with running(job_dir):
        save_config(job_dir, config, invocation)
        recorder = _make_recorder(config, invocation, job_dir)
        with _recorded(recorder, invocation), Interruption().listening() as interruption:
            return Session(config, invocation, data, job_dir, recorder, device, interruption).run()


def check(config: RunConfig) -> DataModule:
    """The rules between sections, then the catalogue: all that can be wrong before anything is paid.

    Raises:
        UserError: See there.
    """
    parse_monitor("trainer.monitor", config.trainer.monitor)
    config.model.check_input(config.data.image_size)
    return DataModule(config.data, config.paths)


def _make_recorder(config: RunConfig, invocation: Invocation, job_dir: Path) -> Recorder:
    if not isinstance(config.tracking, MlflowTracking):
        return NoRecorder()
    from hmexp.tracking.recorder import MlflowRecorder, RunDescription
    from hmexp.tracking.runs import HOST_TAG, JOB_TAG, close_dead_runs

    tags = {JOB_TAG: str(job_dir), HOST_TAG: socket.gethostname(), "hmexp.command": invocation.command}
    tags |= {f"hmexp.choice.{group}": option for group, option in invocation.choices}
    tags |= {f"version.{library}": number for library, number in versions().items()}
    tags |= {f"git.{key}": value for key, value in git_state(Path.cwd()).items()}
    recorder = MlflowRecorder(config.tracking, config.paths, RunDescription(job_dir.name, config, tags))
    for run_id in close_dead_runs(recorder.client, config.tracking):
        log.warning(f"run {run_id} had died; it is marked KILLED now")
    return recorder


@contextmanager
def _recorded(recorder: Recorder, invocation: Invocation) -> Iterator[None]:
    """End the run in the record however it ends: FINISHED, FAILED with its traceback, or KILLED."""
    try:
        yield
    except KeyboardInterrupt:
        recorder.finish("KILLED")
        log.warning(f"interrupted; this repeats the run: {invocation.command}")
        raise
    except Exception as error:
        recorder.finish("FAILED", traceback.format_exc())
        known = isinstance(error, RunError | UserError)
        log.error(str(error) if known else traceback.format_exc(), extra={"file_only": True})
        raise
    else:
        recorder.finish("FINISHED")
