"""The job table, what is made of it, and how SWEEP is found."""

import math
import re

import numpy as np
import pytest
import yaml

from hmexp.config.errors import UserError
from hmexp.config.record import PathsConfig
from hmexp.jobs.table import Job, JobTable
from hmexp.metrics.aggregate import aggregate
from hmexp.metrics.names import METRICS
from hmexp.reports.sweep import importance, parameter_axis, sweep_figures
from hmexp.sweeps.folder import find_sweep, make_folder
from hmexp.sweeps.preset import save_preset
from hmexp.sweeps.summary import aggregates, job_frame, point_frame

OBJECTIVE = "best/val/macro_f1"


def job(number, value=None, point=None, status="finished", **more):
    metrics = {} if value is None else {OBJECTIVE: value, "test/macro_f1": value / 2}
    point = number if point is None else point
    return Job(number, point, {"model.dropout": f"0.{point}"}, status=status, objective=value, metrics=metrics, **more)


def test_a_table_gives_back_what_was_written(tmp_path):
    table = JobTable(tmp_path)
    table.create()
    jobs = [job(0, 0.5, seed=3, words=["seed=3"]), job(1, status="pending", parent=0)]
    table.write(jobs, search={"a": [1, None]}, status="RUNNING")
    jobs[1].status, jobs[1].reason = "failed", 'it\'s "bad"'
    table.write([jobs[1]])
    assert JobTable(tmp_path).jobs() == jobs
    assert JobTable(tmp_path).facts() == {"search": {"a": [1, None]}, "status": "RUNNING"}


def test_points_best_first_with_their_interval():
    jobs = [
        job(0, 0.4, 0),
        job(1, 0.6, 0),
        job(2, 0.7, 1),
        job(3, 0.9, 1),
        job(4, None, 2, "failed"),
        job(5, None, 2, "failed"),
    ]
    table = point_frame(jobs, OBJECTIVE, METRICS["macro_f1"], folds=1)
    assert table["point"].tolist() == [1, 0, 2]
    assert table["runs"].tolist() == ["2 of 2", "2 of 2", "0 of 2"]
    assert table[OBJECTIVE].tolist()[:2] == pytest.approx([0.8, 0.5])
    assert table["status"].tolist() == ["finished", "finished", "failed"]
    # Student's t with one degree of freedom: 12.706 standard errors to each side.
    assert table["high"].iloc[0] - 0.8 == pytest.approx(12.706 * 0.1, rel=1e-3)
    lowest = point_frame(jobs, OBJECTIVE, METRICS["loss"], folds=1)
    assert lowest["point"].tolist() == [0, 1, 2]


def test_single_runs_have_no_interval():
    table = point_frame([job(0, 0.4), job(1, 0.6)], OBJECTIVE, METRICS["macro_f1"], folds=1)
    assert {"std", "low", "high", "runs"}.isdisjoint(table)


def test_folds_share_their_training_rows():
    plain, folded = aggregate([0.5, 0.6, 0.7, 0.8, 0.9]), aggregate([0.5, 0.6, 0.7, 0.8, 0.9], folds=5)
    assert folded.std == plain.std
    assert (folded.high - folded.mean) / (plain.high - plain.mean) == pytest.approx(
        math.sqrt((1 / 5 + 1 / 4) / (1 / 5))
    )
    assert math.isnan(aggregate([0.5]).low)


def test_seeds_of_a_fold_are_no_further_data():
    values = {(0, 0): 0.4, (0, 1): 0.6, (1, 0): 0.7, (1, 1): 0.9}
    jobs = [job(n, v, 0, seed=seed, fold=fold) for n, ((fold, seed), v) in enumerate(values.items())]
    expected = aggregate([0.5, 0.8], folds=2)
    table = point_frame(jobs, OBJECTIVE, METRICS["macro_f1"], folds=2)
    assert table["runs"].tolist() == ["4 of 4"]
    assert table[["low", "high"]].to_numpy()[0].tolist() == pytest.approx([expected.low, expected.high])
    assert aggregates(jobs, folds=2)[f"{OBJECTIVE}/high"] == pytest.approx(expected.high)


def test_every_metric_is_aggregated():
    metrics = aggregates([job(0, 0.4, 0), job(1, 0.6, 0), job(2, None, 0, "failed")], folds=1)
    assert metrics["runs"] == 2
    assert metrics[OBJECTIVE] == pytest.approx(0.5)
    assert metrics["test/macro_f1/std"] == pytest.approx(np.std([0.2, 0.3], ddof=1))


def test_folders_never_collide_and_are_found(tmp_path):
    paths = PathsConfig(root=str(tmp_path))
    wanted = paths.mlruns / "sweeps" / "2026-01-01_00-00-00"
    folders = [make_folder(wanted, own=True) for _ in range(3)]
    assert len(set(folders)) == 3
    for begun, (folder, status) in enumerate(zip(folders, ("FAILED", "RUNNING", "FINISHED"), strict=True)):
        JobTable(folder).create()
        JobTable(folder).write(begun=begun, status=status, run_id=f"{begun}abcdef0")
    assert find_sweep(paths, "sweep", "latest") == folders[2]
    assert find_sweep(paths, "resume", "latest") == folders[1]
    assert find_sweep(paths, "resume", "0abcdef") == folders[0]
    assert find_sweep(paths, "resume", str(folders[2])) == folders[2]
    assert find_sweep(paths, "resume", folders[2].name) == folders[2]
    with pytest.raises(
        UserError, match=r"sweep: expected the name of a sweep.*received 2026-01-01_00-00-01, which fits 0"
    ):
        find_sweep(paths, "sweep", "2026-01-01_00-00-01")
    with pytest.raises(UserError, match=r"hydra\.sweep\.dir: expected a new folder"):
        make_folder(folders[0], own=False)


def test_the_preset_of_the_best_point(tmp_path):
    (tmp_path / "3" / ".hydra").mkdir(parents=True)
    data = {"root": None, "split": {"seed": 0, "folds": 5, "fold": 2}}
    config = {
        "data": data,
        "model": {"widths": [8, 16]},
        "trainer": {"epochs": 9, "stop_after": 3},
        "plugins": ["mine"],
    }
    config |= {"paths": {"root": "/x"}, "tracking": {"uri": None}, "fork": "/y", "rerun": None, "seeds": 1, "folds": 1}
    (tmp_path / "3" / "config.yaml").write_text(yaml.safe_dump(config))
    choices = {
        "choices": {"model": "cnn", "data/merge": "none", "tracking": "mlflow", "experiment": "fast", "stored": "x"}
    }
    (tmp_path / "3" / ".hydra" / "hydra.yaml").write_text(yaml.safe_dump(choices))
    path = save_preset(tmp_path, tmp_path / "3", truncated=True, header="The best.")
    text = path.read_text()
    assert re.match(r"# @package _global_\n# The best\.\n", text)
    assert yaml.safe_load(text) == {
        "defaults": [{"override /data/merge": "none"}, {"override /model": "cnn"}, "_self_"],
        "data": {"root": None, "split": {"seed": 0, "folds": None, "fold": 0}},
        "model": {"widths": [8, 16]},
        "trainer": {"epochs": 9, "stop_after": None},
        "plugins": ["mine"],
    }


def test_a_table_of_a_sweep_that_never_began_is_no_sweep(tmp_path):
    paths = PathsConfig(root=str(tmp_path))
    for number in range(2):
        folder = paths.mlruns / "sweeps" / str(number)
        folder.mkdir(parents=True)
        JobTable(folder).create()
    JobTable(folder).write(begun=1.0, status="RUNNING")
    assert find_sweep(paths, "resume", "latest") == folder
    with pytest.raises(UserError, match="fits 0 sweeps"):
        find_sweep(paths, "sweep", str(folder.parent / "0"))


def test_a_seed_that_is_varied_stays_in_the_table():
    jobs = [Job(number, number, {"seed": str(number)}, status="finished", objective=0.5) for number in range(2)]
    assert job_frame(jobs, OBJECTIVE)["seed"].tolist() == ["0", "1"]


@pytest.fixture
def many():
    rng = np.random.default_rng(0)
    jobs = []
    for number in range(40):
        rate, name, noise = 10 ** rng.uniform(-4, -1), rng.choice(["a", "b"]), rng.normal(0, 0.01)
        value = 0.8 - 0.1 * (math.log10(rate) + 2.5) ** 2 + noise
        parameters = {"optimizer.learning_rate": f"{rate:.4g}", "model": name, "seed": "1"}
        parameters |= {"model.widths": "[8]"} if name == "a" else {}
        jobs.append(Job(number, number, parameters, status="finished", objective=value, seconds=float(number + 1)))
    jobs[3].status, jobs[3].objective = "failed", None
    return job_frame(jobs, OBJECTIVE)


def test_axes_know_numbers_logarithms_and_names(many):
    rate, name = parameter_axis(many, "optimizer.learning_rate"), parameter_axis(many, "model")
    assert rate.log
    assert not rate.ticks
    assert [label for _, label in name.ticks] == ["a", "b"]
    assert np.isnan(parameter_axis(many, "model.widths").values).any()


def test_importance_finds_what_matters(many):
    done = many[many[OBJECTIVE].notna()]
    table = importance([parameter_axis(done, key) for key in ("model", "optimizer.learning_rate")], done[OBJECTIVE])
    assert table["parameter"].tolist() == ["optimizer.learning_rate", "model"]
    assert table["importance"].iloc[0] > 0.9
    assert table["importance"].sum() == pytest.approx(1.0)


@pytest.mark.parametrize("rows", [40, 1])
def test_figures_of_many_jobs_and_of_one(many, rows):
    keys = ["optimizer.learning_rate", "model", "model.widths", "seed"]
    figures = sweep_figures(many.head(rows), keys, OBJECTIVE, higher_is_better=True)
    wanted = (
        {"history", "parallel_coordinates", "importance", "parameters", "time"} if rows > 1 else {"history", "time"}
    )
    assert set(figures) == wanted
    for figure in figures.values():
        figure.canvas.draw()
