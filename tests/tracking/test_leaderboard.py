"""The leaderboard: one list for each data, repeats as one row, the best and not the last epoch."""

import math

import pytest
from made_runs import METRIC, run
from mlflow.entities import Metric

from hmexp.config.errors import UserError
from hmexp.tracking.leaderboard import comparison, leaderboard, sorted_by, standings


class History:
    """A client that knows one run's history."""

    def __init__(self, values=()):
        self.values = values

    def get_metric_history(self, run_id, name):
        assert name == "val/macro_f1"
        return [Metric(name, value, 0, step) for step, value in enumerate(self.values, start=1)]


def table(*runs, columns=(), metric=METRIC, history=()):
    return leaderboard(standings(History(history), runs, metric), metric, columns)


def test_runs_on_other_data_are_never_ranked_in_one_list():
    found = table(run("a", 0.9, digest="e" * 32, started=1), run("b", 0.5, started=3), run("c", 0.7, started=2, x="1"))
    assert found["run_id"].tolist() == ["c", "b", "a"], "the data of the newest run first, the best first within it"
    assert found["data"].tolist() == ["d" * 32, "d" * 32, "e" * 32]


def test_seeds_of_a_setup_are_one_row_with_mean_and_interval():
    setup = {"optimizer.learning_rate": "0.01"}
    seeds = [run(f"s{seed}", value, seed=str(seed), **setup) for seed, value in enumerate([0.6, 0.7, 0.8])]
    found = table(*seeds, run("other", 0.75))
    assert found["run_id"].tolist() == ["other", "s2"], "ranked by the mean 0.7, and named by the best of them"
    row = found.iloc[1]
    assert (row["runs"], row[METRIC]) == (3, pytest.approx(0.7))
    half = 4.302653 * 0.1 / math.sqrt(3)  # Student's t with two degrees of freedom
    assert (row["low"], row["high"]) == (pytest.approx(0.7 - half, abs=1e-5), pytest.approx(0.7 + half, abs=1e-5))
    assert row["seconds"] == 180
    assert math.isnan(found.iloc[0]["low"])


@pytest.mark.parametrize(
    "other",
    [{"digest": "e" * 32}, {"model.dropout": "0.5"}, {"tags": {"hmexp.choice.model": "resnet"}}, {"status": "KILLED"}],
)
def test_what_is_no_repeat_is_a_row_of_its_own(other):
    assert len(table(run("a", 0.5), run("b", 0.6, seed="1", **other))) == 2


@pytest.mark.parametrize("places", [{"paths.root": "/b"}, {"tracking.uri": "http://b"}, {"data.root": "/moved"}])
def test_a_run_at_another_place_is_a_repeat(places):
    assert table(run("a", 0.5), run("b", 0.6, seed="1", **places))["runs"].tolist() == [2]


def test_folds_are_one_row():
    folds = [run(f"f{n}", 0.5 + n / 10, digest=f"{n}" * 32, **_fold(n)) for n in range(3)]
    found = table(*folds)
    assert found["runs"].tolist() == [3]
    wider = found.iloc[0]["high"] - found.iloc[0]["low"]
    seeds = table(*(run(f"s{n}", 0.5 + n / 10, seed=str(n)) for n in range(3))).iloc[0]
    assert wider > seeds["high"] - seeds["low"], "folds share most of train"


def _fold(number):
    return {"data.split.folds": "3", "data.split.fold": str(number)}


@pytest.mark.parametrize(
    ("metric", "values", "best"), [(METRIC, [0.2, 0.6, 0.4], 0.6), ("best/val/loss", [3, 1, 2], 1)]
)
def test_a_killed_run_shows_the_best_of_its_history(metric, values, best):
    client = History(values)
    client.get_metric_history = lambda run_id, name: [Metric(name, value, 0, 0) for value in values]
    found = leaderboard(standings(client, [run("k", status="KILLED")], metric), metric)
    assert found[metric].tolist() == [best]
    assert found["state"].tolist() == ["KILLED"]
    assert found["epochs"].tolist() == [3]


def test_the_history_of_a_run_of_this_machine_is_read_from_its_folder(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,val/macro_f1\n1,0.3\n2,0.8\n3,0.5\n")
    assert table(run("k", status="RUNNING", tags={"hmexp.job_dir": str(tmp_path)}))[METRIC].tolist() == [0.8]


def test_of_pictures_that_grow_only_the_last_size_counts(tmp_path):
    rows = "1,32,0.9\n2,48,0.4\n3,48,0.6\n"
    (tmp_path / "history.csv").write_text(f"epoch,val_image_size,val/macro_f1\n{rows}")
    found = table(run("k", status="RUNNING", tags={"hmexp.job_dir": str(tmp_path)}))
    assert found[METRIC].tolist() == [0.6]
    assert found["epochs"].tolist() == [3]


def test_runs_without_any_value_come_last_and_nan_is_no_best():
    found = table(run("none", status="FAILED"), run("a", 0.1), run("b", float("nan"), x="1"))
    assert found["run_id"].tolist()[0] == "a"
    assert len(found) == 3


def test_a_loss_is_ranked_the_other_way():
    runs = [run("a", metrics={"best/val/loss": 0.9}), run("b", metrics={"best/val/loss": 0.1}, seed="1", x="1")]
    assert table(*runs, metric="best/val/loss")["run_id"].tolist() == ["b", "a"]


def test_sweeps_and_points_stand_for_others_and_pruned_runs_are_named():
    point, pruned = {"hmexp.kind": "point"}, {"hmexp.pruned": "below the median"}
    found = table(run("a", 0.9, tags=point), run("b", 0.5), run("c", 0.4, status="KILLED", tags=pruned))
    assert found["state"].tolist() == ["FINISHED", "PRUNED"]


def test_columns_are_metrics_params_or_the_tables_own():
    runs = [run("a", 0.5, metrics={"test/ece": 0.1}), run("b", 0.7, metrics={"test/ece": 0.3}, seed="1")]
    found = table(*runs, columns=["name", "test/ece", "optimizer.learning_rate"])
    assert found.iloc[0][["name", "test/ece", "optimizer.learning_rate"]].tolist() == ["run b", 0.2, "0.001"]
    with pytest.raises(UserError, match=r"received test/ec \(did you mean test/ece\?\)"):
        table(*runs, columns=["test/ec"])


def test_sorted_within_the_data():
    found = table(run("a", 0.9, started=5), run("b", 0.8, started=9, x="1"), run("c", 0.1, digest="e" * 32, started=7))
    assert sorted_by(found, "-started")["run_id"].tolist() == ["b", "a", "c"]
    assert sorted_by(found, "started")["run_id"].tolist() == ["a", "b", "c"]
    with pytest.raises(UserError, match=r"sort: expected one of run_id, .*received startd \(did you mean started\?\)"):
        sorted_by(found, "startd")


def test_two_runs_side_by_side():
    one = run("a", 0.5, **{"model.norm": "batch", "paths.root": "/a"})
    other = run("b", 0.6, metrics={"test/accuracy": 0.9}, tags={"hmexp.choice.model": "resnet"}, seed="1")
    settings, metrics = comparison([one, other])
    assert settings.to_numpy().tolist() == [["model", "cnn", "resnet"], ["model.norm", "batch", ""], ["seed", "0", "1"]]
    assert metrics["metric"].tolist() == [METRIC, "test/accuracy"]
    assert metrics.iloc[0].tolist() == [METRIC, 0.5, 0.6]
    assert comparison([one, one])[0].empty


def test_no_runs():
    assert table().empty
