"""What a sweep leaves in MLflow, with jobs that compute a formula."""

import json

import formula_sweep
import mlflow
import pytest

from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.jobs.table import Job, JobTable
from hmexp.tracking.sweeps import MlflowSweepRecorder

pytestmark = pytest.mark.slow


def test_repeated_points_are_runs_between_the_sweep_and_its_jobs(start_in, tmp_path, monkeypatch):
    words = ["hydra/launcher=basic", "data.limit=60", "data.image_size=8", "model=cnn", "seeds=3", "seed=7"]
    words += ["optimizer.learning_rate=1e-3,3e-3", "model.dropout=0.3"]
    done = start_in("-m", *words, cwd=tmp_path, main=formula_sweep.main).ended()
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "mlruns" / "sweeps").iterdir()
    jobs = JobTable(folder).jobs()
    assert [(job.point, job.seed) for job in jobs] == [(0, 7), (0, 8), (0, 9), (1, 7), (1, 8), (1, 9)]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlruns/mlflow.db")
    runs = mlflow.search_runs(search_all_experiments=True)
    (sweep,) = runs[runs["tags.hmexp.kind"] == "sweep"].to_dict("records")
    points = runs[runs["tags.hmexp.kind"] == "point"].sort_values("params.sweep/optimizer.learning_rate")
    assert points["tags.mlflow.parentRunId"].tolist() == [sweep["run_id"]] * 2
    assert points["metrics.best/val/macro_f1"].tolist() == pytest.approx([jobs[0].objective, jobs[3].objective])
    assert points["metrics.runs"].tolist() == [3, 3]
    assert sweep["params.sweep/optimizer.learning_rate"] == "0.001,0.003"
    assert sweep["metrics.sweep/best"] == pytest.approx(jobs[3].objective)
    assert sweep["metrics.sweep/finished"] == 6
    assert sweep["status"] == "FINISHED"
    (experiment,) = mlflow.MlflowClient().search_experiments(filter_string="name = 'hmexp'")
    view = json.loads(experiment.tags[f"mlflow.sharedViewState.{sweep['run_id']}"])
    assert view["selectedColumns"][-1:] == ["params.`sweep/optimizer.learning_rate`"]
    files = {file.path for file in mlflow.MlflowClient().list_artifacts(sweep["run_id"])}
    assert files >= {"report.html", "table.csv", "jobs.csv", "winner.yaml", "figures"}
    figures = {file.path for file in mlflow.MlflowClient().list_artifacts(sweep["run_id"], "figures")}
    assert {"figures/history.png", "figures/parallel_coordinates.png", "figures/importance.png"} <= figures


def test_a_job_that_is_tried_again_has_one_run(tmp_path):
    recorder = MlflowSweepRecorder(MlflowTracking(), PathsConfig(root=str(tmp_path)), tmp_path, {}, "a command")

    def of_job():
        runs = recorder.client.search_runs([recorder.experiment_id], "tags.`hmexp.job` = '3'")
        return {run.info.run_id: run.data.tags.get("hmexp.failure") for run in runs}

    job = Job(3, 3, {"model.dropout": "0.1"}, reason="killed by SIGKILL")
    first = recorder.failed(job, recorder.run_id, "the last lines")
    assert of_job() == {first: "killed by SIGKILL"}
    assert recorder.failed(job, recorder.run_id, "") == first  # found, where the job does not know it
    recorder.again(job, goes_on=True)
    assert of_job() == {first: None}
    recorder.again(job, goes_on=False)
    assert of_job() == {}
