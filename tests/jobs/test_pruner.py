import pytest

from hmexp.jobs.table import JobTable
from hmexp.jobs.trial import TablePruner
from hmexp.training.pruner import PruningRule


def rule(kind="median", after=1, factor=3, jobs=2, higher_is_better=True):
    return PruningRule(kind, after, factor, jobs, higher_is_better)


def curve(number, *values):
    return [(number, epoch, value) for epoch, value in enumerate(values, 1)]


OTHERS = [*curve(0, 0.2, 0.5, 0.4), *curve(1, 0.3, 0.6, 0.7), *curve(2, 0.1, 0.3, 0.8)]


def test_the_median_of_the_best_so_far():
    assert rule().should_prune(9, 2, [*OTHERS, *curve(9, 0.1, 0.45)])
    assert not rule().should_prune(9, 2, [*OTHERS, *curve(9, 0.1, 0.55)])
    assert not rule().should_prune(9, 2, [*OTHERS, *curve(9, 0.55, 0.1)])  # its best so far counts, not its last


def test_equal_is_not_worse():
    assert not rule().should_prune(9, 1, [*OTHERS, *curve(9, 0.2)])


def test_lower_can_be_better():
    assert rule(higher_is_better=False).should_prune(9, 1, [*OTHERS, *curve(9, 0.9)])
    assert not rule(higher_is_better=False).should_prune(9, 1, [*OTHERS, *curve(9, 0.05)])


def test_nobody_is_judged_too_early_or_alone():
    assert not rule(after=3).should_prune(9, 2, [*OTHERS, *curve(9, 0.0, 0.0)])
    assert not rule(jobs=4).should_prune(9, 2, [*OTHERS, *curve(9, 0.0, 0.0)])
    assert not rule().should_prune(9, 4, [*OTHERS, *curve(9, 0.0, 0.0, 0.0, 0.0)])  # no other has been there


def test_halving_looks_at_its_rungs_only():
    reached = [*OTHERS, *curve(9, 0.0, 0.0, 0.0)]
    halving = rule("halving", after=1, factor=3)
    assert [bool(halving.should_prune(9, epoch, reached)) for epoch in (1, 2, 3)] == [True, False, True]
    assert "is number 4 of 4 at epoch 1, of which 1 go on" in halving.should_prune(9, 1, reached)
    assert not halving.should_prune(9, 1, [*OTHERS, *curve(9, 0.9)])


@pytest.mark.parametrize("kind", ["median", "halving"])
def test_through_the_job_table(tmp_path, kind):
    JobTable(tmp_path).create()
    for number, epoch, value in OTHERS:
        JobTable(tmp_path).add_epoch(number, epoch, value)
    pruner = TablePruner(tmp_path, 9, "val/macro_f1", rule(kind))
    assert pruner.should_prune(1, 0.01)
    pruner.should_prune(1, 0.02)  # a run that goes on tells an epoch again
    assert [row for row in JobTable(tmp_path).epochs() if row[0] == 9] == [(9, 1, 0.02)]


def test_what_was_before_the_pictures_grew_does_not_count(tmp_path):
    JobTable(tmp_path).create()
    for number, epoch, value in OTHERS:
        JobTable(tmp_path).add_epoch(number, epoch, value)
    pruner = TablePruner(tmp_path, 9, "val/macro_f1", rule())
    pruner.should_prune(1, 0.9)
    assert not pruner.should_prune(2, 0.1)
    assert pruner.should_prune(2, 0.1, since=2)


def test_a_value_that_is_no_number_decides_nothing(tmp_path):
    JobTable(tmp_path).create()
    assert TablePruner(tmp_path, 0, "val/loss", rule()).should_prune(1, float("nan")) == ""
    assert JobTable(tmp_path).epochs() == []
