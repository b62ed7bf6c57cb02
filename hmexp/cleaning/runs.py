"""Runs that may go: failed, pruned, or killed ones; and the checkpoints of those that finished."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hmexp.cleaning.items import CHECKPOINTS, RUNS, Age, Item, extent, is_within
from hmexp.cleaning.record import Record
from hmexp.cleaning.sweeps import SweepState, sweep_of
from hmexp.config.errors import UserError
from hmexp.config.verbs import CleanConfig
from hmexp.jobs.find import FoundJob
from hmexp.jobs.folder import FINISHED, NEW, held, is_running, read_record

FAILED, PRUNED, KILLED, DONE = "failed", "pruned", "killed", "finished"
WAYS = {
    KILLED: "killed: resume=RUN goes on with it; states=[killed] names it",
    CHECKPOINTS: "fork=RUN can start from it; kinds=[checkpoints] names it",
}
"""Why something stays that no default names."""


@dataclass(frozen=True)
class Rules:
    """What decides over a run.

    Attributes:
        config: Of the command.
        record: MLflow.
        age: How old a run has to be.
        shared: Ids that several folders have: MLflow has one run of each.
    """

    config: CleanConfig
    record: Record
    age: Age
    shared: frozenset[str] = frozenset()

    @property
    def mlruns(self) -> Path:
        """Where runs are."""
        return self.config.paths.mlruns

    def judge(self, job: FoundJob, sweep: SweepState | None) -> "RunItem | None":
        """A run that nobody works on, or its checkpoints where it finished; None where there are none."""
        state = _state(job, sweep)
        path = job.path / "checkpoints" if state == DONE else job.path
        kind, found = CHECKPOINTS if state == DONE else RUNS, extent(path)
        if not found.size:
            return None
        reason = f"{state}: {job.record.pruned}" if state == PRUNED else state
        stays = self._unnamed(kind, state) or self.age.stays(found.changed) or self._needed(job, sweep)
        item = RunItem(kind, path, reason, found.size, found.changed, self.mlruns, job, self, stays=stays)
        if stays or kind == CHECKPOINTS:
            return item
        beside = [place for place in self.record.places(job) if place.is_dir()]
        size = found.size + sum(extent(place).size for place in beside)
        return replace(item, beside=tuple(beside), size=size)

    def _unnamed(self, kind: str, state: str) -> str:
        if kind not in self.config.kinds:
            return WAYS.get(kind, "not in kinds")
        if kind == RUNS and state not in self.config.states:
            return WAYS.get(state, "not in states")
        return ""

    def _needed(self, job: FoundJob, sweep: SweepState | None) -> str:
        """Why somebody else needs a run; nothing where nobody does."""
        if not is_within(self.mlruns, job.path):
            return "a link, or behind one"
        if job.record.run_id in self.shared:
            return "another folder has its id"
        return (sweep.stays(job.path) if sweep else "") or self.record.stays(job)


@dataclass(frozen=True)
class RunItem(Item):
    """A run, or its checkpoints.

    Attributes:
        job: The run.
        rules: That were asked, and are asked again when its lock is held.
        beside: Its artifacts.
    """

    job: FoundJob
    rules: Rules
    beside: tuple[Path, ...] = ()

    @contextmanager
    def held(self) -> Iterator[str]:
        """Hold the locks of the run and its sweep, and ask again: it may have gone on, or been promoted."""
        sweep = sweep_of(self.job.path, self.rules.mlruns)
        folders = [self.job.path] if sweep is None else [sweep.folder, self.job.path]
        with ExitStack() as stack:
            for folder in folders:
                if not stack.enter_context(held(folder)):
                    yield "somebody works on it, or it may not be written"
                    return
            yield self._now()

    def leave(self, take: Callable[[Path], None]) -> None:
        """Leave MLflow first, where a deleted run cannot be promoted, and the folder last: by it, the rest is found."""
        if self.kind != RUNS:
            return take(self.path)
        record = self.rules.record
        record.forget(self.job)
        try:
            for place in self.beside:
                take(place)
            record.forget_models(self.job)
            take(self.path)
        except OSError:
            record.restore(self.job)
            raise

    def _now(self) -> str:
        try:
            job = FoundJob(self.job.path, read_record(self.job.path))
        except UserError:
            return "it is gone"
        item = self.rules.judge(job, sweep_of(job.path, self.rules.mlruns))
        return item.stays if item is not None and item.kind == self.kind else "it has gone on"


def find_runs(jobs: Sequence[FoundJob], rules: Rules) -> Iterator[RunItem]:
    """Every run that nobody works on and that did not finish, and the checkpoints of those that did."""
    counts = Counter(job.record.run_id for job in jobs)
    rules = replace(rules, shared=frozenset(run_id for run_id, count in counts.items() if count > 1))
    sweeps: dict[Path, SweepState | None] = {}
    for job in jobs:
        folder = job.path.parent
        if folder not in sweeps:
            sweeps[folder] = sweep_of(job.path, rules.mlruns)
        sweep = sweeps[folder]
        lives = is_running(job.path) or (sweep is not None and sweep.lives)
        item = None if lives or job.path.name.startswith(NEW) else rules.judge(job, sweep)
        if item is not None:
            yield item


def _state(job: FoundJob, sweep: SweepState | None) -> str:
    """`failed`, `pruned`, `killed` (interrupted, or its process died) or `finished`."""
    if job.record.status == FINISHED:
        return PRUNED if job.record.pruned else DONE
    return FAILED if job.record.status == "FAILED" or (sweep is not None and sweep.failed(job.path)) else KILLED
