import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from hmexp.config.errors import UserError
from hmexp.config.invocation import split_flags
from hmexp.config.sweep import GridConfig, KerasTunerConfig, ProcessConfig
from hmexp.metrics.names import METRICS
from hmexp.sweeps.design import Design, check_num_jobs, make_design
from hmexp.sweeps.launch import Launch
from hmexp.sweeps.search import Point


def test_pruning_and_repeated_points_do_not_go_together():
    base = SimpleNamespace(trainer=SimpleNamespace(monitor="val/macro_f1"), seeds=2, folds=1, seed=0)
    with pytest.raises(UserError, match=r"hydra\.sweeper\.prune: expected none where points are repeated"):
        make_design(GridConfig(prune="median"), base, (), set(), 0)


def design(seeds=1, folds=1, first_seed=0):
    return Design(("model=cnn",), seeds, folds, first_seed, "best/val/macro_f1", METRICS["macro_f1"], None, 0)


def test_seeds_and_folds_of_a_point():
    both = design(seeds=2, folds=3, first_seed=5)
    jobs = both.jobs(2, Point({"model.dropout": "0.1", "trainer.stop_after": "3"}, parent=1))
    assert [job.number for job in jobs] == list(range(12, 18))
    assert [job.parent for job in jobs] == list(range(6, 12))  # the same seed and fold of the parent point
    assert [(job.seed, job.fold) for job in jobs] == [(5, 0), (5, 1), (5, 2), (6, 0), (6, 1), (6, 2)]
    assert both.words(jobs[-1]) == (
        *(
            "model=cnn",
            "model.dropout=0.1",
            "trainer.stop_after=3",
            "seed=6",
            "data.split.folds=3",
            "data.split.fold=2",
        ),
        *("seeds=1", "folds=1"),
    )


def test_single_runs_have_nothing_added():
    (job,) = design().jobs(4, Point({"model.dropout": "0.1"}))
    assert (job.number, job.seed, job.fold) == (4, None, None)
    assert design().words(job) == ("model=cnn", "model.dropout=0.1")


def test_what_a_job_is_started_with():
    words = ("experiment=fast", "model.dropout=0.1", "trainer.stop_after=3", "paths.root=/r", "tracking=none")
    fresh = Launch(3, Path("/s/3"), words)
    assert fresh.command() == [*words, "hydra.run.dir='/s/3'", "hydra.mode=RUN"]
    assert fresh.overrides() == [*words, "hydra.sweep.subdir=3"]
    forked = Launch(3, Path("/s/3"), words, parent=Path("/s/1"))
    kept = ["trainer.stop_after=3", "paths.root=/r", "tracking=none"]  # all else is stored in the parent
    assert forked.command() == ["fork=/s/1", *kept, "hydra.run.dir='/s/3'", "hydra.mode=RUN"]
    assert forked.overrides()[-1] == "fork='/s/1'"
    again = Launch(3, Path("/s/3"), words, parent=Path("/s/1"), goes_on=True)
    assert again.command() == ["resume=/s/3", "hydra.mode=RUN"]
    assert again.overrides()[-1] == "resume='/s/3'"


def test_flags_that_jobs_need():
    words = ["--config-dir", "/c", "-m", "model=cnn", "--config-dir=/d", "seed=1,2"]
    assert split_flags(words) == (("--config-dir", "/d"), ("model=cnn", "seed=1,2"))


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: GridConfig(prune="medan"), "did you mean median"),
        (lambda: GridConfig(prune_factor=1), "hydra.sweeper.prune_factor: expected a whole number from 2 to 1000"),
        (lambda: ProcessConfig(time_limit=0), "hydra.launcher.time_limit: expected null or a number above 0"),
        (lambda: ProcessConfig(retries=-1), "hydra.launcher.retries"),
        (lambda: ProcessConfig(n_workers=10**9), "hydra.launcher.n_workers: expected null or a whole number from 1 to"),
        (
            lambda: ProcessConfig(memory_limit=math.nan),
            "hydra.launcher.memory_limit: expected null or a number",
        ),
        (lambda: ProcessConfig(time_limit=math.inf), "hydra.launcher.time_limit: expected null or a number above 0"),
        (lambda: GridConfig(max_jobs=0), "hydra.sweeper.max_jobs: expected a whole number from 1 to 1000000"),
        (lambda: GridConfig(max_jobs=10**9), "hydra.sweeper.max_jobs: expected a whole number from 1 to 1000000"),
        (lambda: KerasTunerConfig(max_trials=10**9), "hydra.sweeper.max_trials: expected a whole number from 1 to"),
        (lambda: KerasTunerConfig(factor=10**9), "hydra.sweeper.factor: expected a whole number from 2 to 1000"),
        (lambda: KerasTunerConfig(seed=2**32), "hydra.sweeper.seed: expected a whole number from 0 to"),
    ],
)
def test_settings_are_checked(make, line):
    with pytest.raises(UserError, match=line):
        make()


@pytest.mark.parametrize(
    ("points", "runs", "received"),
    [
        (11, {}, r"11 \(points: 11, seeds: 1, folds: 1\)"),
        (1, {"seeds": 10**9}, r"1,000,000,000 \(points: 1, seeds: 1,000,000,000, folds: 1\)"),
        (3, {"seeds": 2, "folds": 2}, "12 "),
        (1, {"folds": 10**18}, "1,000,000,000,000,000,000 "),
    ],
)
def test_jobs_are_counted_before_there_are_any(points, runs, received):
    with pytest.raises(UserError, match=rf"hydra\.sweeper\.max_jobs: expected at most 10 jobs, received {received}"):
        check_num_jobs(points, design(**runs), 10)


def test_as_many_jobs_as_allowed():
    check_num_jobs(5, design(seeds=2), 10)
