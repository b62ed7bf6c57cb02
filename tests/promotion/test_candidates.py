"""Which run challenges the champion, and what is said of the others."""

import pytest
from made_runs import METRIC, run

from hmexp.config.errors import UserError
from hmexp.metrics.names import METRICS
from hmexp.promotion.candidates import best_run, newest_run, unfit


def best(*runs, fits=lambda run: "", metric="macro_f1"):
    return best_run(runs, f"best/val/{metric}", METRICS[metric], fits)


def test_the_best_by_the_direction_of_the_metric():
    assert best(run("a", 0.5), run("b", 0.7)).run.info.run_id == "b"
    losses = [run(name, metrics={"best/val/loss": loss}) for name, loss in (("a", 0.5), ("b", 0.7))]
    assert best(*losses, metric="loss").run.info.run_id == "a"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (run("x", 0.9, status="KILLED"), "did not finish"),
        (run("x", 0.9, status="RUNNING"), "did not finish"),
        (run("x", 0.9, tags={"hmexp.pruned": "hopeless"}), "did not finish"),
        (run("x", 0.9, **{"data.limit": "300"}), "saw a part of the data only"),
        (run("x", 0.9, **{"trainer.limit_batches": "10"}), "saw a part of the data only"),
        (run("x", 0.9, **{"trainer.mode": "overfit"}), "saw a part of the data only"),
        (run("x"), "without best/val/macro_f1"),
        (run("x", float("nan")), "no number"),
        (run("x", float("inf")), "no number"),
    ],
)
def test_runs_that_may_not_challenge_are_named(other, why):
    choice = best(other, run("good", 0.1))
    assert choice.run.info.run_id == "good"
    [line] = choice.words()
    assert line.startswith("left out: 1 ")
    assert why in line
    assert "(x)" in line
    with pytest.raises(UserError, match=f"run: expected a finished run with {METRIC}, received none .*{why}"):
        newest_run([other], METRIC)


def test_sweeps_and_points_are_not_even_named():
    assert best(run("s", 0.9, tags={"hmexp.kind": "sweep"}), run("a", 0.1)).words() == []


def test_a_tie_is_said_and_the_newest_taken():
    choice = best(run("new", 0.5), run("old", 0.5))
    assert choice.run.info.run_id == "new"
    assert choice.words() == ["tied with old; the newest is taken, run=RUN takes another"]


def test_none_that_fits():
    runs = [run(f"{number}" * 8, 0.5) for number in range(5)]
    with pytest.raises(UserError, match=r"received 5 elsewhere \(00000000, 11111111, 22222222, and 2 more\)"):
        best(*runs, fits=lambda run: "elsewhere")


def test_the_newest_that_may():
    assert (
        newest_run([run("debug", 0.9, **{"data.limit": "9"}), run("a", 0.1), run("b", 0.2)], METRIC).info.run_id == "a"
    )
    with pytest.raises(UserError, match="train first"):
        newest_run([], METRIC)


def test_a_whole_run_may():
    assert unfit(run("a", 0.5, **{"data.limit": "null", "trainer.mode": "fit"}), METRIC) == ""
