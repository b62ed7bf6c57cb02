"""The sweep itself: asks for points, keeps workers busy, writes down what came of each job."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hmexp.config.errors import UserError
from hmexp.config.verbs import RunConfig
from hmexp.console import log
from hmexp.jobs.folder import is_running
from hmexp.jobs.table import ENDED, FAILED, PENDING, RUNNING, SKIPPED, Job, JobTable, label_of
from hmexp.jobs.trial import TrialInfo
from hmexp.metrics.names import better
from hmexp.sweeps.design import Design
from hmexp.sweeps.launch import Ended, Launch, Pool
from hmexp.sweeps.pool import end_process
from hmexp.sweeps.results import failure_text, has_finished, prepare_folder, recorded_seconds, settle
from hmexp.sweeps.search import Search
from hmexp.tracking.sweeps import SweepRecorder
from hmexp.training.checkpoint import CheckpointDir
from hmexp.training.interruption import Interruption

PAUSE = 0.1
"""Seconds from one look at the workers to the next."""


class Watcher(Protocol):
    """Looks on while a sweep runs; see `hmexp.sweeps.view.View`."""

    def shown(self, sweep: "Sweep") -> AbstractContextManager[None]:
        """Look on inside the block."""

    def started(self, job: Job) -> None:
        """A job was started."""

    def ended(self, job: Job) -> None:
        """A job has ended."""

    def refresh(self) -> None:
        """Nothing may have changed."""


@dataclass
class Sweep:
    """A sweep that runs.

    Attributes:
        folder: Of the sweep.
        design: What is done with each point.
        search: Gives the points.
        pool: Runs the jobs.
        recorder: Hears everything.
        check: Composes and checks the configuration of a job's words, before it is paid for.
        view: Shows it.
        interruption: Asked between two looks.
    """

    folder: Path
    design: Design
    search: Search
    pool: Pool
    recorder: SweepRecorder
    check: Callable[[tuple[str, ...]], RunConfig]
    view: Watcher
    interruption: Interruption
    jobs: list[Job] = field(default_factory=list)
    point_runs: dict[str, str] = field(default_factory=dict)

    @property
    def table(self) -> JobTable:
        """The job table in the sweep's folder."""
        return JobTable(self.folder)

    def run(self) -> None:
        """Run every job to its end; what an earlier process has left comes first.

        Raises:
            KeyboardInterrupt: The user wanted the end; every running job has saved.
        """
        self.jobs = self.table.jobs()
        facts = self.table.facts()
        self.point_runs = facts.get("point_runs", {})
        if "search" in facts:
            self.search.load(facts["search"])
        try:
            waits = self.interruption.deferred() if self.pool.interruptible else nullcontext()
            with waits, self.view.shown(self):
                for job in self.jobs:
                    self._take_up(job)
                self._loop()
        except BaseException:
            self.pool.kill()
            for job in (job for job in self.jobs if job.status == RUNNING):
                job.status = PENDING
            self.table.write(self.jobs)
            raise

    def _loop(self) -> None:
        stopping = False
        while True:
            if self.interruption.requested and not stopping:
                stopping = True
                self.pool.interrupt()
            while not stopping and self.pool.free > 0 and (job := self._next()) is not None:
                self._start(job)
            if not self.pool.running:
                break
            for ended in self.pool.poll():
                self._ended(self.jobs[ended.number], ended, stopping)
            self.view.refresh()
            time.sleep(PAUSE)
        self.interruption.check()

    def _take_up(self, job: Job) -> None:
        """Find out what became of a job that another process of this sweep had begun."""
        job_dir = self.job_dir(job)
        if job.status == FAILED and self.search.tries_again and not has_finished(job_dir):
            job.status, job.attempts = PENDING, 0
        if job.status == RUNNING:
            if job.pid is not None and job_dir.is_dir() and is_running(job_dir):
                log.info(f"job {job.number} is still running: it is asked to save and end")
                end_process(job.pid, job_dir, lambda: is_running(job_dir))
            job.status, job.attempts = PENDING, job.attempts - 1
        if job.status == PENDING and has_finished(job_dir):
            self._ended(job, None, stopping=False)

    def _next(self) -> Job | None:
        """The next job: one that waits, or the first of a new point."""
        waiting = next((job for job in self.jobs if job.status == PENDING), None)
        if waiting is not None:
            return waiting
        number = 1 + max((job.point for job in self.jobs), default=-1)
        point = self.search.ask(number)
        if point is None:
            return None
        jobs = self.design.jobs(number, point)
        self.jobs += jobs
        self.table.write(jobs, search=self.search.state())
        return jobs[0]

    def _start(self, job: Job) -> None:
        words = self.design.words(job)
        try:
            config = self.check(words)
        except UserError as error:
            job.status, job.reason = SKIPPED if self.design.skip_invalid else FAILED, str(error)
            self._close(job)
            return
        job_dir = self.job_dir(job)
        goes_on = prepare_folder(job_dir, self._trial(job))
        if job.begun is not None:
            with unharmed():
                self.recorder.again(job, goes_on)
        launch = Launch(job.number, job_dir, words, config.backend, self._parent(job), goes_on)
        job.begun = job.begun or time.time()
        job.status, job.attempts = RUNNING, job.attempts + 1
        self.table.write([job])
        job.pid = self.pool.take(launch)
        self.table.write([job])
        self.view.started(job)

    def _ended(self, job: Job, ended: Ended | None, stopping: bool) -> None:
        """A job's process is gone."""
        job.seconds += (ended.seconds if ended else None) or recorded_seconds(self.job_dir(job))
        again = settle(job, self.job_dir(job), self.design.objective, ended)
        if job.status == FAILED and stopping:
            job.status, job.reason, job.attempts = PENDING, "", job.attempts - 1
            self.table.write([job])
        elif job.status == FAILED and again and job.attempts <= self.design.retries:
            log.warning(f"job {job.number} is tried again: {job.reason}")
            job.status = PENDING
            self.table.write([job])
        else:
            self._close(job)

    def _close(self, job: Job) -> None:
        """Tell everybody how a job ended, and the search when its point is complete."""
        job_dir = self.job_dir(job)
        if job.status == FAILED:
            job_dir.mkdir(exist_ok=True)
            text = failure_text(job, job_dir)
            with (job_dir / "log").open("a", encoding="utf-8") as stream:
                stream.write(text)
            with unharmed():
                job.run_id = self.recorder.failed(job, self._parent_run(job), text)
        of_point = [other for other in self.jobs if other.point == job.point]
        if all(other.status in ENDED for other in of_point):
            values = [other.objective for other in of_point if other.objective is not None]
            self.search.tell(job.point, sum(values) / len(values) if values else None)
        self.table.write([job], search=self.search.state())
        if job.objective is not None:
            with unharmed():
                self.recorder.progress(job, self.best())
        self.view.ended(job)

    def job_dir(self, job: Job) -> Path:
        """The folder of a job."""
        return self.folder / str(job.number)

    def best(self) -> float:
        """The best objective of any job."""
        values = [job.objective for job in self.jobs if job.objective is not None]
        best = values[0]
        for value in values:
            best = value if better(self.design.metric, value, best) else best
        return best

    def _parent(self, job: Job) -> Path | None:
        """The folder of the job that this one is forked from, where that has a checkpoint."""
        if job.parent is None:
            return None
        folder = self.folder / str(job.parent)
        return folder if CheckpointDir(folder / "checkpoints").newest() is not None else None

    def _parent_run(self, job: Job) -> str:
        """The run above a job's in MLflow: the sweep's, or that of its point where points are repeated."""
        parameters = job.parameters
        if not self.design.repeats or not parameters or not self.recorder.run_id:
            return self.recorder.run_id
        key = str(job.point)
        if key not in self.point_runs:
            name = label_of(parameters)
            self.point_runs[key] = self.recorder.point(f"point {key} {name}", parameters)
            self.table.write(point_runs=self.point_runs)
        return self.point_runs[key]

    def _trial(self, job: Job) -> TrialInfo:
        return TrialInfo(
            sweep=self.folder.name,
            number=job.number,
            label=job.label(),
            parent_run_id=self._parent_run(job),
            parameters=job.parameters,
            monitor=self.design.objective.removeprefix("best/"),
            rule=self.design.rule,
        )


@contextmanager
def unharmed() -> Iterator[None]:
    """Let a sweep, whose table has it all, go on where the record does not answer for a moment."""
    try:
        yield
    except Exception as error:
        log.warning(f"not recorded: {type(error).__name__}: {error}".split("\n", 1)[0])
