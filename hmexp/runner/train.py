"""One training from its configuration to its record: resolve, check, prepare, lock, and only then write."""

import shlex
import socket
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmexp.config.errors import RunError, UserError, require
from hmexp.config.invocation import Invocation
from hmexp.config.record import MlflowTracking
from hmexp.config.verbs import RunConfig
from hmexp.console import log
from hmexp.datamodule import DataModule
from hmexp.evaluation.report import slice_columns
from hmexp.jobs.folder import FINISHED, KILLED, RUNNING, JobFolder, JobRecord
from hmexp.jobs.trial import read_trial
from hmexp.metrics.names import is_retrieval, parse_monitor
from hmexp.models.pinned import pinned
from hmexp.process import full_disk, interruption_as_such, user_name, written_to
from hmexp.runner.backend import check_backend, start_backend
from hmexp.runner.environment import git_state, versions
from hmexp.runner.modes import check_frozen, under_mode, within_steps
from hmexp.runner.naming import in_folder, run_name
from hmexp.runner.resume import Origin, check_classes, check_data, named_exactly, origin_of
from hmexp.training.interruption import Interruption
from hmexp.training.recorder import NoRecorder, Recorder

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class RunResult:
    """What a training gives to whoever called it.

    Attributes:
        job_dir: The run's folder.
        metrics: `best/val/...`, `test/...` and more, as recorded.
        objective: `best/<trainer.monitor>`.
    """

    job_dir: Path
    metrics: dict[str, float]
    objective: float


@dataclass(frozen=True)
class Given:
    """What a caller in Python hands over instead of configuring it.

    Attributes:
        data: Checked; None reads the configured catalogue.
        network: uint8 `[batch, height, width, 3]` -> logits `[batch, classes]`; None builds the configured one.
        callbacks: Keras callbacks beside hmexp's own.
    """

    data: DataModule | None = None
    network: "keras.Model | None" = None
    callbacks: Sequence[Any] = field(default=())


def train(config: RunConfig, invocation: Invocation) -> RunResult:
    """The verb `train`: train and evaluate one model, or go on with one; Ctrl-C saves.

    Raises:
        UserError: The config asks for what is not there; raised before anything is written.
        RunError: The run failed for a known reason.
    """
    with Interruption().listening() as interruption:
        return run_training(config, invocation, interruption)


def run_training(
    config: RunConfig, invocation: Invocation, interruption: Interruption, given: Given | None = None
) -> RunResult:
    """Train and evaluate one model, or go on with one, in whatever thread.

    Everything that can be wrong is found before the run's folder is made or locked, and nothing is written before that
    but what the cache holds for all runs. The folder's own status is written before MLflow is told.

    Raises:
        UserError: See `train`.
        RunError: Alike.
    """
    given = given or Given()
    config = under_mode(config)
    config = replace(config, model=pinned(config.model, config.paths.cache_path))
    origin = origin_of(config)
    invocation = replace(invocation, command=named_exactly(invocation.command, origin))
    data = check(config, given.data)
    data.prepare()
    check_data(origin, data.setup()[0], data.digest)
    check_classes(origin, data.class_names)
    log.info(f"{data.catalogue.name}: {len(data.manifest):,} rows, {len(data.class_names)} classes")
    shortened = within_steps(config, data)
    device = start_backend(config)
    from hmexp.runner.assemble import Assembly
    from hmexp.runner.session import Session

    assembly = Assembly(shortened, data, device, given.network, given.callbacks)
    assembly.check_pretrained()
    size = assembly.check_memory()
    assembly.check_features()
    assembly.check_placement()
    interruption.check()
    with _folder(config, invocation, origin) as folder:
        recorder = _make_recorder(shortened, invocation, folder, origin)
        with _recorded(recorder, folder, config.plugins), written_to(folder.path):
            session = Session(shortened, invocation, data, folder, origin, recorder, assembly, interruption)
            return session.run(size)


def check(config: RunConfig, data: DataModule | None = None) -> DataModule:
    """The rules between sections, then the catalogue: all that can be wrong before anything is paid.

    Raises:
        UserError: See there.
    """
    check_sections(config)
    for name in ("seeds", "folds"):
        expected = f"-m before {name}=..., which makes a sweep of it"
        require(getattr(config, name) == 1, name, expected, f"{getattr(config, name)} in a single run")
    data = data or DataModule(config.data, config.paths, config.backend)
    check_groups(config, data)
    slice_columns(data)
    return data


def check_sections(config: RunConfig) -> None:
    """The rules between sections that need no catalogue.

    Raises:
        UserError: One is broken.
    """
    check_backend(config)
    parse_monitor("trainer.monitor", config.trainer.monitor)
    config.model.check_input(config.data.image_size)
    check_sizes(config)
    check_frozen(config)
    mixed = config.loss.rows_together > 1 and config.augment.mixes
    require(not mixed, "augment.mix_share", "0 with loss=contrastive: a mixed picture is of two groups", "more than 0")


def check_groups(config: RunConfig, data: DataModule) -> None:
    """Raise `UserError` where loss or monitor is about articles of a group, and a split has no two of the same."""
    loss, monitor = config.loss, config.trainer.monitor
    for split, key, asked in (
        ("train", "loss", loss.rows_together > 1),
        ("val", "trainer.monitor", is_retrieval(monitor)),
    ):
        articles = data.manifest.of_split(split).drop_duplicates("article_id")
        expected = f"several articles of a group (data.group_column) in {split}"
        alone = f"{len(articles):,} articles, each alone"
        require(not asked or bool(articles["group"].duplicated().any()), key, expected, alone)


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


def _folder(config: RunConfig, invocation: Invocation, origin: Origin) -> AbstractContextManager[JobFolder]:
    """The folder of the run: that of the run it resumes, or a new one."""
    if origin.resumes:
        return JobFolder.reopen(origin.job_dir)
    tracked = False
    if isinstance(config.tracking, MlflowTracking):
        tracked = True
        from hmexp.tracking.store import create_store

        create_store(config.tracking, config.paths)  # one that does not answer is said before the folder is made
    member = read_trial(invocation.job_dir) if invocation.job_dir else None
    name = f"{config.name or ''} {member.run_name}".strip() if member else run_name(config, invocation)
    record = JobRecord("", str(config.paths.root_path), begun=time.time(), recorded=not tracked, name=name)
    return JobFolder.create(config.paths, config, invocation, record, origin.hand_over, in_folder(name))


def _make_recorder(config: RunConfig, invocation: Invocation, folder: JobFolder, origin: Origin) -> Recorder:
    if not isinstance(config.tracking, MlflowTracking):
        return NoRecorder()
    from hmexp.tracking.complete import close_dead_runs, complete_records
    from hmexp.tracking.recorder import MlflowRecorder, RunDescription, flat_params
    from hmexp.tracking.runs import HOST_TAG, JOB_TAG

    member = read_trial(folder.path)
    tags = {JOB_TAG: str(folder.path), HOST_TAG: socket.gethostname(), "hmexp.command": invocation.command}
    tags |= {"mlflow.source.name": "hmexp", "mlflow.source.type": "LOCAL", "mlflow.user": user_name()}
    tags["mlflow.note.content"] = f"`{invocation.command}`\n\n{folder.path}/report.html"
    tags |= {f"hmexp.choice.{group}": option for group, option in invocation.choices}
    tags |= {f"version.{library}": number for library, number in versions().items()}
    tags |= {f"hmexp.{origin.kind}": origin.job_dir.name} if origin.kind else {}
    tags |= member.tags() if member else {}
    tags |= {f"git.{key}": value for key, value in git_state(Path.cwd()).items()}
    name = folder.record.name or folder.path.name
    if config.tracking.name is not None:
        name = f"{config.tracking.name} {member.run_name}" if member else config.tracking.name
    description = RunDescription(name, flat_params(config) | (member.params() if member else {}), tags)
    recorder = MlflowRecorder(config.tracking, config.paths, folder, description, fresh=not origin.resumes)
    recorder.start()
    close_dead_runs(config.tracking, config.paths)
    complete_records(config.tracking, config.paths)
    return recorder


@contextmanager
def _recorded(recorder: Recorder, folder: JobFolder, plugins: Sequence[str]) -> Iterator[None]:
    """End the run however it ends: FINISHED, FAILED with its traceback, or KILLED; first here, then in the record."""
    record, start = folder.record, time.monotonic()

    def finish(status: str, text: str = "", pruned: str = "") -> None:
        record.status = status
        record.seconds += time.monotonic() - start
        folder.save()
        recorder.finish(status, text, pruned)

    record.status, record.begun, record.recorded = RUNNING, time.time(), isinstance(recorder, NoRecorder)
    folder.save()
    try:
        with interruption_as_such():
            yield
    except KeyboardInterrupt:
        finish(KILLED)
        command = _resume_command(record, plugins)
        log.warning(f"interrupted; this goes on with the run: {command}", extra={"file_only": True})
        raise KeyboardInterrupt(command) from None
    except Exception as error:
        if full := full_disk(error):
            with suppress(
                OSError
            ):  # as of before the run, its folder says RUNNING; nobody runs it, so it can be resumed
                finish("FAILED", full)
            raise RunError(f"{full}; then this goes on: {_resume_command(record, plugins)}") from error
        finish("FAILED", traceback.format_exc())
        known = isinstance(error, RunError | UserError)
        log.error(str(error) if known else traceback.format_exc(), extra={"file_only": True})
        if isinstance(error, PermissionError | NotADirectoryError):  # a place that went away, not wrong input
            raise RunError(f"{error.filename}: {error.strerror}") from error
        raise
    else:
        finish(FINISHED, pruned=record.pruned)


def _resume_command(record: JobRecord, plugins: Sequence[str]) -> str:
    """The command that goes on with a run from the current folder."""
    where = "" if Path(record.root) == Path.cwd() else f" paths.root={shlex.quote(record.root)}"
    named = f" plugins=[{','.join(plugins)}]" if plugins else ""
    return f"python -m hmexp resume={record.run_id}{named}{where}"
