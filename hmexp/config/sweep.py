"""The sections `hydra.sweeper` and `hydra.launcher`: what a sweep tries, and what runs its jobs.

`_target_` is how Hydra finds a plugin; it is Hydra's own key, and the only place where hmexp has one.
"""

from dataclasses import dataclass, field
from typing import Any

from hmexp.config.fields import Section, choice, number

PRUNERS = ("none", "median", "halving")
ORACLES = ("random", "bayesian", "hyperband")
PLUGINS = "hydra_plugins.hmexp_sweeps"
MOST_JOBS = 1_000_000
"""What `hydra.sweeper.max_jobs` may be set to: the points of a list are held in memory."""
MOST_WORKERS = 1024
"""What `hydra.launcher.n_workers` and `hydra.launcher.threads` may be set to."""


@dataclass
class GridConfig(Section, key="hydra.sweeper"):
    """Every combination of the lists, ranges and globs of the command."""

    _target_: str = f"{PLUGINS}.GridSweeper"
    params: dict[str, str] = field(default_factory=dict)
    """KEY: VALUES as on the command line, for a space that lives in a preset; the command wins."""
    when: dict[str, Any] = field(default_factory=dict)
    """Parameters that exist only under a value of another: {model.depth: {3: {model.widths: "[8,16,32],[9,9,9]"}}}."""
    objective: str | None = None
    """best/val/NAME that jobs are compared by; null takes `trainer.monitor`'s."""
    prune: str = choice("none", PRUNERS)
    """Prunes jobs after an epoch: none, median (worse than the median of the others at that epoch) or halving
    (not among the best 1/`prune_factor` at epochs 1, 3, 9, ... times `prune_after`)."""
    prune_after: int = number(1, ge=1, le=100_000)
    """Epochs that every job has."""
    prune_factor: int = number(3, ge=2, le=1000)
    """Of `halving`: one of so many goes on."""
    prune_jobs: int = number(3, ge=1, le=100_000)
    """Jobs that must have reached an epoch before another is ended there."""
    batch_size: int | None = number(None, ge=1, le=100_000)
    """Jobs that a launcher other than `process` gets at a time; null is all of a list, and 4 of a search."""
    max_jobs: int = number(10_000, ge=1, le=MOST_JOBS)
    """Most jobs that a sweep may have, counted before anything starts: points times seeds times folds."""
    skip_invalid: bool = False
    """Goes on without the points that cannot be run; without it, one of them refuses the whole sweep."""


@dataclass
class KerasTunerConfig(GridConfig):
    """A search by an oracle of keras-tuner: lists are choices, interval(A,B) is a range, tag(log,...) its scale."""

    _target_: str = f"{PLUGINS}.KerasTunerSweeper"
    oracle: str = choice("bayesian", ORACLES)
    """random, bayesian (Gaussian process) or hyperband (short trials first; the best go on from their checkpoints)."""
    max_trials: int = number(30, ge=1, le=100_000)
    """Trials of random and bayesian; those of hyperband follow from `trainer.epochs` and `factor`."""
    num_initial_points: int | None = number(None, ge=1, le=100_000)
    """Random trials that bayesian begins with; null is three a parameter."""
    factor: int = number(3, ge=2, le=1000)
    """Of hyperband: one of so many trials goes on, with so many times its epochs."""
    hyperband_iterations: int = number(1, ge=1, le=1000)
    """Times that hyperband is run over."""
    seed: int = number(0, ge=0, le=2**32 - 1)
    """Seed of the oracle."""


@dataclass
class ProcessConfig(Section, key="hydra.launcher"):
    """Each job in a process of its own; a free worker takes the next job at once."""

    _target_: str = f"{PLUGINS}.ProcessLauncher"
    n_workers: int | None = number(None, ge=1, le=1024)
    """Jobs at a time; null is one a GPU, or one on a CPU."""
    threads: int | None = number(None, ge=1, le=4096)
    """Processor threads of a job; null shares the cores among the workers."""
    time_limit: float | None = number(None, gt=0, le=1e9)
    """Seconds that an attempt may take; null has no limit."""
    memory_limit: float | None = number(None, gt=0, le=1e6)
    """GiB that a job may hold in memory; null has no limit."""
    retries: int = number(0, ge=0, le=1000)
    """Times that a failed job is tried again, from its last checkpoint."""
