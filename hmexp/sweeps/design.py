"""What a sweep is to do with each point: how often, compared by what, ended early by what."""

from dataclasses import dataclass
from itertools import product

from hmexp.config.errors import UserError, require
from hmexp.config.sweep import GridConfig
from hmexp.config.verbs import RunConfig
from hmexp.jobs.table import Job
from hmexp.metrics.names import Metric, parse_best
from hmexp.sweeps.search import Point
from hmexp.sweeps.space import words_of
from hmexp.training.pruner import PruningRule


@dataclass(frozen=True)
class Replicate:
    """One of the runs of a point."""

    seed: int | None
    fold: int | None

    def words(self, folds: int) -> list[str]:
        """The words that make it differ."""
        seed = [] if self.seed is None else [f"seed={self.seed}"]
        return seed if self.fold is None else [*seed, f"data.split.folds={folds}", f"data.split.fold={self.fold}"]


@dataclass(frozen=True)
class Design:
    """What a sweep is to do.

    Attributes:
        fixed: Words that all jobs share.
        seeds: Runs of each point with another seed.
        folds: Of a cross-validation; 1 for none.
        first_seed: `seed` of the first run.
        objective: `best/val/...` that jobs are compared by.
        metric: Of the objective.
        rule: When a job is pruned; None for never.
        retries: Times that a failed job is tried again.
        skip_invalid: Whether points that cannot be run are left out.
    """

    fixed: tuple[str, ...]
    seeds: int
    folds: int
    first_seed: int
    objective: str
    metric: Metric
    rule: PruningRule | None
    retries: int
    skip_invalid: bool = False

    @property
    def replicates(self) -> list[Replicate]:
        """The runs of every point."""
        seeds = [None] if self.seeds == 1 else [self.first_seed + number for number in range(self.seeds)]
        folds = [None] if self.folds == 1 else list(range(self.folds))
        return [Replicate(seed, fold) for seed, fold in product(seeds, folds)]

    @property
    def repeats(self) -> bool:
        """Whether a point has several runs."""
        return self.seeds * self.folds > 1

    def jobs(self, number: int, point: Point) -> list[Job]:
        """The jobs of a point, which are numbered one after another."""
        runs = self.replicates
        return [
            Job(
                number=number * len(runs) + place,
                point=number,
                parameters=dict(point.parameters),
                words=replicate.words(self.folds),
                parent=None if point.parent is None else point.parent * len(runs) + place,
                seed=replicate.seed,
                fold=replicate.fold,
            )
            for place, replicate in enumerate(runs)
        ]

    def words(self, job: Job) -> tuple[str, ...]:
        """All words of a job's configuration."""
        single = ["seeds=1", "folds=1"] if self.repeats else []
        return (*self.fixed, *words_of(job.parameters), *job.words, *single)


def make_design(cfg: GridConfig, base: RunConfig, fixed: tuple[str, ...], varied: set[str], retries: int) -> Design:
    """The design that a configuration asks for.

    Args:
        cfg: The `hydra.sweeper` section.
        base: The configuration of the first point.
        fixed: Words that all jobs share.
        varied: Keys of the space.
        retries: Of the launcher.

    Raises:
        UserError: An objective that will not exist, or a seed that is varied twice.
    """
    objective = cfg.objective or f"best/{base.trainer.monitor}"
    metric = parse_best("hydra.sweeper.objective", objective)
    for key, number in (("seed", base.seeds), ("data.split.fold", base.folds)):
        if number > 1 and key in varied:
            raise UserError(f"{key}: expected one value where the sweep repeats points itself, received several")
    repeated = base.seeds * base.folds > 1
    expected = "none where points are repeated, whose runs would be judged by each other"
    require(cfg.prune == "none" or not repeated, "hydra.sweeper.prune", expected, cfg.prune)
    rule = None
    if cfg.prune != "none":
        rule = PruningRule(cfg.prune, cfg.prune_after, cfg.prune_factor, cfg.prune_jobs, metric.higher_is_better)
    own = tuple(word for word in fixed if not word.startswith(("resume=", "seeds=", "folds=")))
    return Design(own, base.seeds, base.folds, base.seed, objective, metric, rule, retries, cfg.skip_invalid)


def check_num_jobs(num_points: int, design: Design, max_jobs: int) -> None:
    """Refuse a sweep of more jobs than `hydra.sweeper.max_jobs`, by arithmetic alone.

    Raises:
        UserError: It would have more.
    """
    each = design.seeds * design.folds
    received = f"{num_points * each:,} (points: {num_points:,}, seeds: {design.seeds:,}, folds: {design.folds:,})"
    require(num_points * each <= max_jobs, "hydra.sweeper.max_jobs", f"at most {max_jobs:,} jobs", received)
