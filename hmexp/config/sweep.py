"""The sections `hydra.sweeper` and `hydra.launcher`: what a sweep tries, and what runs its jobs.

`_target_` is how Hydra finds a plugin; it is Hydra's own key, and the only place where hmexp has one.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from hmexp.config.errors import one_of, require

PRUNERS = ("none", "median", "halving")
ORACLES = ("random", "bayesian", "hyperband")
PLUGINS = "hydra_plugins.hmexp_sweeps"
MOST_JOBS = 1_000_000
"""What `hydra.sweeper.max_jobs` may be set to: the points of a list are held in memory."""
MOST_WORKERS = 1024
"""What `hydra.launcher.n_workers` and `hydra.launcher.threads` may be set to."""


@dataclass
class GridConfig:
    """Every combination of the lists, ranges and globs of the command."""

    _target_: str = f"{PLUGINS}.GridSweeper"
    params: dict[str, str] = field(default_factory=dict)
    """KEY: VALUES as on the command line, for a space that lives in a preset; the command wins."""
    when: dict[str, Any] = field(default_factory=dict)
    """Parameters that exist only under a value of another: {model.depth: {3: {model.widths: "[8,16,32],[9,9,9]"}}}."""
    objective: str | None = None
    """best/val/NAME that jobs are compared by; null takes `trainer.monitor`'s."""
    prune: str = "none"
    """Ends hopeless jobs after an epoch: none, median (worse than the median of the others at that epoch) or halving
    (not among the best 1/`prune_factor` at epochs 1, 3, 9, ... times `prune_after`)."""
    prune_after: int = 1
    """Epochs that every job has."""
    prune_factor: int = 3
    """Of `halving`: one of so many goes on."""
    prune_jobs: int = 3
    """Jobs that must have reached an epoch before another is ended there."""
    batch_size: int | None = None
    """Jobs that a launcher other than `process` gets at a time; null is all of a list, and 4 of a search."""
    max_jobs: int = 10_000
    """Most jobs that a sweep may have, counted before anything starts: points times seeds times folds."""

    skip_invalid: bool = False
    """Goes on without the points that cannot be run; without it, one of them refuses the whole sweep."""

    def __post_init__(self) -> None:
        one_of("hydra.sweeper.prune", self.prune, PRUNERS)
        for name, least in (("prune_after", 1), ("prune_factor", 2), ("prune_jobs", 1)):
            value = getattr(self, name)
            require(value >= least, f"hydra.sweeper.{name}", f"a whole number of at least {least}", value)
        ok = self.batch_size is None or self.batch_size >= 1
        require(ok, "hydra.sweeper.batch_size", "null or a whole number of at least 1", self.batch_size)
        expected = f"a whole number from 1 to {MOST_JOBS:,}"
        require(1 <= self.max_jobs <= MOST_JOBS, "hydra.sweeper.max_jobs", expected, self.max_jobs)


@dataclass
class KerasTunerConfig(GridConfig):
    """A search by an oracle of keras-tuner: lists are choices, interval(A,B) is a range, tag(log,...) its scale."""

    _target_: str = f"{PLUGINS}.KerasTunerSweeper"
    oracle: str = "bayesian"
    """random, bayesian (Gaussian process) or hyperband (short trials first; the best go on from their checkpoints)."""
    max_trials: int = 30
    """Trials of random and bayesian; those of hyperband follow from `trainer.epochs` and `factor`."""
    num_initial_points: int | None = None
    """Random trials that bayesian begins with; null is three a parameter."""
    factor: int = 3
    """Of hyperband: one of so many trials goes on, with so many times its epochs."""
    hyperband_iterations: int = 1
    """Times that hyperband is run over."""
    seed: int = 0
    """Seed of the oracle."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("hydra.sweeper.oracle", self.oracle, ORACLES)
        ranges = {"max_trials": (1, MOST_JOBS), "factor": (2, 1000), "hyperband_iterations": (1, MOST_JOBS)}
        for name, (least, most) in (ranges | {"seed": (0, 2**32 - 2)}).items():
            value = getattr(self, name)
            expected = f"a whole number from {least} to {most:,}"
            require(least <= value <= most, f"hydra.sweeper.{name}", expected, value)
        points = self.num_initial_points
        ok = points is None or points >= 1
        require(ok, "hydra.sweeper.num_initial_points", "null or a whole number of at least 1", points)


@dataclass
class ProcessConfig:
    """Each job in a process of its own; a free worker takes the next job at once."""

    _target_: str = f"{PLUGINS}.ProcessLauncher"
    n_workers: int | None = None
    """Jobs at a time; null is one a GPU, or one on a CPU."""
    threads: int | None = None
    """Processor threads of a job; null shares the cores among the workers."""
    time_limit: float | None = None
    """Seconds that an attempt may take; null has no limit."""
    memory_limit: float | None = None
    """GiB that a job may hold in memory; null has no limit."""
    retries: int = 0
    """Times that a failed job is tried again, from its last checkpoint."""

    def __post_init__(self) -> None:
        for name in ("n_workers", "threads"):
            value = getattr(self, name)
            ok = value is None or 1 <= value <= MOST_WORKERS
            require(ok, f"hydra.launcher.{name}", f"null or a whole number from 1 to {MOST_WORKERS:,}", value)
        for name in ("time_limit", "memory_limit"):
            value = getattr(self, name)
            ok = value is None or 0 < value < math.inf
            require(ok, f"hydra.launcher.{name}", "null or a number above 0", value)
        require(self.retries >= 0, "hydra.launcher.retries", "a whole number of at least 0", self.retries)
