"""From a sweep's command to a sweep that runs: a new one, or one that goes on."""

import importlib
import os
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict

from hmexp.config.errors import RunError, UserError
from hmexp.config.invocation import SweepCommand, split_flags
from hmexp.config.quoting import quoted
from hmexp.config.record import MlflowTracking
from hmexp.config.sweep import GridConfig, KerasTunerConfig, ProcessConfig
from hmexp.config.verbs import RunConfig
from hmexp.console import log, log_file, progress, quiet_loggers, quiet_natives, until_said
from hmexp.jobs.folder import LOCK_FILE, LOOK
from hmexp.jobs.table import FAILED, JobTable, plain_key
from hmexp.process import full_disk, interruption_as_such
from hmexp.runner.backend import require_backend
from hmexp.sweeps.closing import close
from hmexp.sweeps.design import Design, check_num_jobs, make_design
from hmexp.sweeps.folder import DONE, find_sweep, make_folder
from hmexp.sweeps.identity import asked_for, check_data, check_same, check_stopped
from hmexp.sweeps.launch import Batches, Pool
from hmexp.sweeps.pool import ProcessPool
from hmexp.sweeps.preflight import Composer, Preflight, check_points
from hmexp.sweeps.search import STOP_AFTER, Grid, Search, num_hyperband_trials
from hmexp.sweeps.space import Reader, Request, Space, example, num_points, words_of
from hmexp.sweeps.sweep import Sweep, unharmed
from hmexp.sweeps.view import View
from hmexp.tracking.store import create_store
from hmexp.tracking.sweeps import MlflowSweepRecorder, NoSweepRecorder, SweepRecorder
from hmexp.training.interruption import Interruption

SEARCH_BATCH = 4


@dataclass(frozen=True)
class HydraSide:
    """What Hydra gives to a sweeper.

    Attributes:
        context: With the config loader.
        task: The function of a job.
        config: Of the sweep.
        command: How the sweep was called.
    """

    context: HydraContext
    task: Any
    config: DictConfig
    command: SweepCommand


@dataclass(frozen=True)
class Plan:
    """A sweep that was checked, and of which nothing is written yet.

    Attributes:
        cfg: The `hydra.sweeper` section.
        request: Fixed words and space.
        first: The configuration of its first point.
        design: What is done with each point.
        search: Gives the points.
        preflight: Checks jobs.
        workers: hmexp's own processes; None for another launcher.
    """

    cfg: GridConfig
    request: Request
    first: RunConfig
    design: Design
    search: Search
    preflight: Preflight
    workers: ProcessPool | None

    @property
    def asked(self) -> dict[str, str]:
        """What the sweep is; see `asked_for`."""
        return asked_for(self.cfg, self.request.space, self.design)

    def size(self) -> str:
        """Such as `4 points, 5 runs each`."""
        total = self.search.total
        points = "a search" if total is None else f"{total} point{'' if total == 1 else 's'}"
        each = f", {len(self.design.replicates)} runs each" if self.design.repeats else ""
        return points + each


def sweep(side: HydraSide, arguments: Sequence[str]) -> None:
    """Run a sweep, or go on with one.

    Args:
        side: What Hydra gives to a sweeper.
        arguments: The words of the command, without those for Hydra.

    Raises:
        UserError: Nothing of it can run, or it is not the sweep that it should go on with.
        RunError: Some job failed.
    """
    if side.command.verb != "train":
        raise UserError(f"hydra.mode: expected RUN with this verb, received a sweep of {side.command.verb}")
    with until_said():
        _sweep(side, arguments)


def _sweep(side: HydraSide, arguments: Sequence[str]) -> None:
    plan = make_plan(side, arguments)
    first = plan.first
    stored = find_sweep(first.paths, "resume", first.resume) if first.resume else None
    if stored is not None:
        check_same(stored, plan.asked, first)
        check_stopped(stored)
    if isinstance(first.tracking, MlflowTracking):
        create_store(first.tracking, first.paths)  # one that does not answer is said before anything is written
    digests = plan.preflight.prepare(plan.design.skip_invalid)
    if stored is not None:
        check_data(stored, digests)
    wanted = Path(str(side.config.hydra.sweep.dir)).absolute()
    given = any(word.startswith("hydra.sweep.dir=") for word in side.config.hydra.overrides.hydra)
    folder = stored or make_folder(wanted, own=not given)
    lock = FileLock(folder / LOCK_FILE)
    try:
        lock.acquire(timeout=LOOK, poll_interval=0.05)
    except Timeout:
        raise UserError(f"resume: expected a sweep that has stopped, received {folder.name}, which runs") from None
    with lock, log_file(folder / "log"), Interruption().listening() as interruption:
        pool = plan.workers or _batches(side, plan, folder)
        recorder = _open(plan, folder, side.command, digests)
        log.info(f"sweep {folder.name}: {plan.size()}, compared by {plan.design.objective}")
        _run(Sweep(folder, plan.design, plan.search, pool, recorder, plan.preflight, View(), interruption))


def make_plan(side: HydraSide, arguments: Sequence[str]) -> Plan:
    """Read and check what a command asks for.

    Raises:
        UserError: Nothing of it can run.
    """
    cfg: Any = OmegaConf.to_object(side.config.hydra.sweeper)
    process: Any = None
    if OmegaConf.get_type(side.config.hydra.launcher) is ProcessConfig:
        process = OmegaConf.to_object(side.config.hydra.launcher)
    recalled = side.command.recalled
    composer = Composer(side.context.config_loader, side.config, recalled)
    request = _read(cfg, composer, side, [word for word in arguments if word not in recalled])
    try:
        first = composer.config([*request.fixed, *words_of(example(request.space))])
    except UserError:
        first = composer.config(request.fixed)
    require_backend(first.backend)
    varied = {parameter.key for parameter in request.space}
    design = make_design(cfg, first, request.fixed, varied, process.retries if process else 0)
    check_num_jobs(_num_points(cfg, request.space, first), design, cfg.max_jobs)
    grid = None if isinstance(cfg, KerasTunerConfig) else Grid(request.space)
    if grid is None:
        _check_searchable(cfg, varied)
    preflight = Preflight(composer)
    check_points(request.space, grid, design, preflight)
    # What jobs are forked from imports TensorFlow while this process goes on.
    workers = None if process is None else ProcessPool(process, first.backend, side.command.flags)
    search = _oracle(cfg, request, design, first) if grid is None else grid
    return Plan(cfg, request, first, design, search, preflight, workers)


def _read(cfg: GridConfig, composer: Composer, side: HydraSide, arguments: Sequence[str]) -> Request:
    parser = OverridesParser.create(config_loader=side.context.config_loader)
    plain = [str(word.input_line) for word in parser.parse_overrides(list(arguments)) if not word.is_sweep_override()]
    reader = Reader(parser, cfg.when, lambda key: composer.is_integer(plain, key), cfg.max_jobs)
    return reader.read(cfg.params, arguments)


def _num_points(cfg: GridConfig, space: Space, first: RunConfig) -> int:
    """How many points a sweep has, or may come to have."""
    if not isinstance(cfg, KerasTunerConfig):
        return num_points(space)
    if cfg.oracle != "hyperband":
        return cfg.max_trials
    return cfg.hyperband_iterations * num_hyperband_trials(first.trainer.epochs, cfg.factor)


def _check_searchable(cfg: KerasTunerConfig, varied: set[str]) -> None:
    """Raise `UserError` where there is nothing for an oracle to search, or what it decides itself."""
    if not varied:
        raise UserError("hydra/sweeper: expected something to search, received no list, range or interval")
    for key in sorted(varied & {"trainer.epochs", STOP_AFTER}):
        if cfg.oracle == "hyperband":
            raise UserError(f"{key}: expected one value under hyperband, which gives epochs to trials itself")


def _oracle(cfg: KerasTunerConfig, request: Request, design: Design, first: RunConfig) -> Search:
    os.environ.setdefault("KERAS_BACKEND", first.backend)
    what = "starting keras-tuner"
    with progress(what, sentence=what), quiet_natives():
        from hmexp.sweeps.oracle import Oracle
    return Oracle(cfg, request.space, design.metric.higher_is_better, first.trainer.epochs)


def _open(plan: Plan, folder: Path, command: SweepCommand, digests: dict[str, str]) -> SweepRecorder:
    """Open the job table and the record of a sweep."""
    table = JobTable(folder)
    table.create()
    facts = table.facts()
    recorder: SweepRecorder = NoSweepRecorder()
    if isinstance(plan.first.tracking, MlflowTracking):
        about = {f"sweep/{plain_key(key)}": value for key, value in plan.asked.items()}
        run_id = str(facts.get("run_id", ""))
        recorder = MlflowSweepRecorder(plan.first.tracking, plan.first.paths, folder, about, command.line, run_id)
    begun: dict[str, Any] = {}
    if not facts:
        begun = dict(
            words=[*chain(*split_flags(command.words))],
            command=command.line,
            root=str(plan.first.paths.root_path),
            asked=plan.asked,
            digests=digests,
            config=OmegaConf.to_yaml(OmegaConf.structured(plan.first), resolve=True),
            objective=plan.design.objective,
            folds=plan.design.folds,
            begun=time.time(),
        )
    table.write(**begun, run_id=recorder.run_id or facts.get("run_id", ""), status="RUNNING")
    return recorder


def _batches(side: HydraSide, plan: Plan, folder: Path) -> Pool:
    """The launcher of Hydra's that the command names."""
    with open_dict(side.config):
        side.config.hydra.sweep.dir = str(folder)
        side.config.hydra.overrides.hydra.append(f"hydra.sweep.dir={quoted(str(folder))}")
    launcher = Plugins.instance().instantiate_launcher(side.context, side.task, side.config)
    if "ray" in type(launcher).__module__:
        importlib.import_module("ray")  # the launcher would, when it starts, and let Ray print
        quiet_loggers("ray")
    whole = 10**6 if isinstance(plan.search, Grid) else SEARCH_BATCH
    return Batches(launcher.launch, plan.cfg.batch_size or whole, side.command.recalled)


def _run(running: Sweep) -> None:
    """Run the jobs, then close the sweep however it ended."""
    try:
        with interruption_as_such():
            running.run()
    except BaseException as error:
        with unharmed():  # what ended the sweep says more than what its end could not write
            close(running, "KILLED")
        command = f"python -m hmexp -m resume={shlex.quote(str(running.folder))}"
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(command) from None
        if full := full_disk(error):
            raise RunError(f"{full}; then this goes on: {command}") from error
        raise
    close(running, DONE if all(job.status != FAILED for job in running.jobs) else FAILED.upper())
    failed = [str(job.number) for job in running.jobs if job.status == FAILED]
    if failed:
        raise RunError(f"{len(failed)} of {len(running.jobs)} jobs failed: {', '.join(failed)}")
