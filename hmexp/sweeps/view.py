"""The state of a sweep as it runs: a bar and a table where there is a terminal, a line a change elsewhere."""

import logging
import statistics
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pandas as pd
from rich.table import Table

from hmexp.console import Bar, log
from hmexp.jobs.table import ENDED, FAILED, RUNNING, SKIPPED, Job
from hmexp.sweeps.sweep import Sweep

SHORT = 60
"""Characters of a job's label in a line."""
EVERY = 5
"""Looks at the workers from one drawing to the next."""


class View:
    """Shows a sweep: its running jobs with what they have reached, and how many have ended how."""

    def __init__(self) -> None:
        self.sweep: Sweep | None = None
        self.bar: Bar | None = None
        self.table = Table()
        self.looks = 0

    @contextmanager
    def shown(self, sweep: Sweep) -> Iterator[None]:
        """Show the sweep inside the block."""
        self.sweep = sweep
        self.table = self._table()
        total = sweep.search.total
        bar = Bar("sweep", None if total is None else total * len(sweep.design.replicates), unit="")
        bar.below = lambda: self.table
        with bar as self.bar:
            self.refresh(now=True)
            yield
        self.bar = None

    def started(self, job: Job) -> None:
        """A job was started."""
        shown = self.bar is not None and self.bar.is_shown
        log.log(logging.DEBUG if shown else logging.INFO, f"job {job.number} starts: {_short(job.label())}")
        self.refresh(now=True)

    def ended(self, job: Job) -> None:
        """A job has ended."""
        value = "" if job.objective is None else f"  {self._objective} {job.objective:.4f}"
        why = f"  {job.reason}" if job.reason else ""
        what = f"job {job.number} {job.status}: {_short(job.label())}"
        level = logging.WARNING if job.status in (FAILED, SKIPPED) else logging.INFO
        log.log(level, f"{what}{value}  {job.seconds:.0f} s{why}  [{self._counts()}]")
        self.refresh(now=True)

    def refresh(self, now: bool = False) -> None:
        """Draw the table again, now and then."""
        self.looks += 1
        if self.bar is not None and self.sweep is not None and (now or self.looks % EVERY == 0):
            self.table = self._table()
            self.bar.reach(sum(job.status in ENDED for job in self.sweep.jobs), self._states(self.sweep))

    @property
    def _objective(self) -> str:
        return self.sweep.design.objective.removeprefix("best/") if self.sweep else ""

    def _counts(self) -> str:
        """Such as `3 of 8: 2 finished, 1 failed`."""
        if self.sweep is None:
            return ""
        ended = sum(job.status in ENDED for job in self.sweep.jobs)
        total = self.sweep.search.total
        jobs = "" if total is None else f" of {total * len(self.sweep.design.replicates)}"
        states = self._states(self.sweep)
        return f"{ended}{jobs}: {states}" if states else f"{ended}{jobs}"

    def _states(self, sweep: Sweep) -> str:
        """Such as `2 finished, 1 failed, about 0:12:30 left`."""
        counts = Counter(job.status for job in sweep.jobs)
        states = ", ".join(f"{counts[status]} {status}" for status in ENDED if counts[status])
        return states + self._time_left(sweep, sum(counts[status] for status in ENDED))

    def _time_left(self, sweep: Sweep, ended: int) -> str:
        """Such as `, about 0:12:30 left`, from the jobs that have ended; empty before one has."""
        total = sweep.search.total
        took = [job.seconds for job in sweep.jobs if job.status in ENDED and job.status != SKIPPED and job.seconds > 0]
        if total is None or not took:
            return ""
        left = total * len(sweep.design.replicates) - ended
        at_once = max(1, sum(job.status == RUNNING for job in sweep.jobs))
        seconds = statistics.fmean(took) * left / at_once
        return f", about {timedelta(seconds=round(seconds))} left" if left > 0 else ""

    def _table(self) -> Table:
        """The running jobs."""
        table = Table(box=None, pad_edge=False)
        for name in ("job", "what", "epoch", self._objective, "s an epoch"):
            table.add_column(name, no_wrap=True, overflow="ellipsis")
        if self.sweep is not None:
            for job in self.sweep.jobs:
                if job.status == RUNNING:
                    reached = _reached(self.sweep.job_dir(job), self._objective)
                    table.add_row(str(job.number), _short(job.label()), *reached)
        return table


def _reached(job_dir: Path, monitor: str) -> tuple[str, str, str]:
    """Epoch, value and seconds of the last epoch that a job has written."""
    try:
        history = pd.read_csv(job_dir / "history.csv")
    except (OSError, ValueError):
        return "", "", ""
    last = history.iloc[-1]
    value = f"{last[monitor]:.4f}" if monitor in history else ""
    return f"{int(last['epoch'])}", value, f"{last['seconds']:.1f}"


def _short(label: str) -> str:
    return label if len(label) <= SHORT else f"{label[: SHORT - 1]}…"
