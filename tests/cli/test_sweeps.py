"""Sweeps as a user types them: real jobs in processes of their own."""

import os
import re
import signal
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from repeated import ALL, repeats

from hmexp.jobs.table import JobTable

pytestmark = pytest.mark.slow
SMALL = [
    *("model=cnn", "model.widths=[4,8]", "data.image_size=16", "data.limit=200", "trainer.epochs=2"),
    "tracking.system_metrics=false",
]
TROUBLE = '''
"""A network that raises, dies, hangs or eats memory while it is built, by its dropout."""
import os, signal, time

from hmexp.config.model import CnnConfig
from hmexp.models.build import build_cnn, build_model


def build(cfg, image_size, num_classes):
    if cfg.dropout == 0.11:
        raise ValueError("this network cannot be built")
    if cfg.dropout == 0.12:
        os.kill(os.getpid(), signal.SIGKILL)
    if cfg.dropout == 0.13:
        time.sleep(10_000)
    held = [bytearray(200 * 2**20) for _ in range(100 * (cfg.dropout == 0.14)) if not time.sleep(0.05)]
    return build_cnn(cfg, image_size, num_classes)


build_model.register(CnnConfig, build)
'''


def sweep_dir(root: Path) -> Path:
    (folder,) = (root / "mlruns" / "sweeps").iterdir()
    return folder


def mlflow_runs(root: Path) -> pd.DataFrame:
    import mlflow

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlruns/mlflow.db")
        return mlflow.search_runs(search_all_experiments=True)


def wait_for(condition, seconds: float = 120) -> None:
    deadline = time.time() + seconds
    while not condition() and time.time() < deadline:
        time.sleep(0.05)
    assert condition()


def test_each_job_fails_alone(hmexp, tmp_path):
    (tmp_path / "trouble.py").write_text(TROUBLE)
    limits = ["hydra.launcher.n_workers=2", "hydra.launcher.time_limit=60", "hydra.launcher.memory_limit=2.5"]
    values = "model.dropout=0.13,0.1,0.11,0.12,0.14,1.5"  # the one that hangs keeps one worker busy
    done = hmexp("-m", *SMALL, "plugins=[trouble]", values, *limits, "hydra.sweeper.skip_invalid=true", code=1)
    assert done.stderr == "hmexp: error: 4 of 6 jobs failed: 0, 2, 3, 4\n"  # the plugin imports TensorFlow
    jobs = JobTable(sweep_dir(tmp_path)).jobs()
    reasons = [
        *("over hydra.launcher.time_limit=60 s", "", "this network cannot be built (exit 1)", "killed by SIGKILL"),
        *("out of memory: ", "model.dropout: expected a share from 0 to below 1, received 1.5"),
    ]
    for job, reason in zip(jobs, reasons, strict=True):
        assert job.reason.startswith(reason)
        assert job.status == ("skipped" if "1.5" in reason else "failed" if reason else "finished")
        if job.status == "failed":
            assert reason in (sweep_dir(tmp_path) / str(job.number) / "log").read_text()
            assert f"job {job.number} failed" in done.stdout
    assert "ValueError: this network cannot be built" in (sweep_dir(tmp_path) / "2" / "log").read_text()
    runs = mlflow_runs(tmp_path)
    (parent,) = runs[runs["tags.hmexp.kind"] == "sweep"].itertuples()
    children = runs[runs["tags.mlflow.parentRunId"] == parent.run_id].set_index("tags.hmexp.job").sort_index()
    assert children["status"].tolist() == ["FAILED", "FINISHED", "FAILED", "FAILED", "FAILED"]
    assert children["params.sweep/model.dropout"].tolist() == ["0.13", "0.1", "0.11", "0.12", "0.14"]
    assert parent.status == "FAILED"
    table = hmexp("runs", "sweep=latest").stdout
    assert table.count("failed") == 4 + 1
    assert table.count("skipped") == 1
    assert hmexp("-m", "model.dropout=1.5,1.6", code=2).stderr.count("model.dropout: expected a share") == 2
    assert sweep_dir(tmp_path)


def test_killed_and_gone_on_with(hmexp, start_in, tmp_path):
    words = [*SMALL, "optimizer.learning_rate=1e-3,3e-3", "hydra.launcher.n_workers=2", "trainer.epochs=20"]
    for number in range(2 if ALL else 1):
        sweep = start_in("-m", *words, *(["resume=latest"] if number else []), cwd=tmp_path)
        sweep.reach(lambda: list(tmp_path.glob(f"mlruns/sweeps/*/{number}/history.csv")))  # noqa: B023
        time.sleep(0.5)
        assert sweep.ended_by(signal.SIGKILL).returncode == -signal.SIGKILL
    folder = sweep_dir(tmp_path)
    before = {path.parent.name: len(pd.read_csv(path)) for path in folder.glob("*/history.csv")}
    refused = hmexp("-m", *words, "model.kernel=5", "resume=latest", code=2)
    assert f"resume: expected the sweep {folder.name}, received model.kernel=5 (was 3)" in refused.stderr
    hmexp("-m", "resume=latest")  # its words are known
    jobs = JobTable(folder).jobs()
    assert [job.status for job in jobs] == ["finished"] * 2
    for job in jobs:
        history = pd.read_csv(folder / str(job.number) / "history.csv")
        assert history["epoch"].tolist() == list(range(1, 21))
        log = (folder / str(job.number) / "log").read_text()
        trained = re.findall(r"epoch (\d+)/20 ", log)
        assert len(trained) <= 20 + 3, "epochs that were done were trained again"
    assert before
    wait_for(lambda: str(tmp_path) not in {process.info["cwd"] for process in psutil.process_iter(["cwd"])})
    runs = mlflow_runs(tmp_path)
    assert (runs["status"] == "FINISHED").all()
    assert len(runs) == 1 + 2


def test_ctrl_c_saves_every_job_and_says_how_to_go_on(start_in, tmp_path):
    words = [*SMALL, "model.dropout=0.1,0.2", "hydra.launcher.n_workers=2", "trainer.epochs=5000"]
    sweep = start_in("-m", *words, cwd=tmp_path)
    sweep.reach(lambda: len(list(tmp_path.glob("mlruns/sweeps/*/*/history.csv"))) == 2)
    done = sweep.ended_by(signal.SIGINT)
    said = done.stdout + done.stderr
    assert done.returncode == 130, said
    folder = sweep_dir(tmp_path)
    assert f"python -m hmexp -m resume={folder}" in said
    assert "No job finished" in (folder / "report.html").read_text()
    assert [job.status for job in JobTable(folder).jobs()] == ["pending"] * 2
    assert all(list(folder.glob(f"{number}/checkpoints/epoch-*")) for number in range(2))
    runs = mlflow_runs(tmp_path)
    assert set(runs["status"]) == {"KILLED"}


def test_folds_are_summarised(hmexp, tmp_path):
    hmexp("-m", *SMALL, "folds=2", "hydra.launcher.n_workers=2")
    folder = sweep_dir(tmp_path)
    jobs = JobTable(folder).jobs()
    assert [(job.point, job.fold) for job in jobs] == [(0, 0), (0, 1)]
    assert not [path for path in folder.glob("*/log") if "staging" in path.read_text()]  # the sweep did that once
    manifests = [pd.read_parquet(folder / str(number) / "manifest.parquet") for number in range(2)]
    val = [set(manifest.loc[manifest["split"] == "val", "article_id"]) for manifest in manifests]
    assert val[0].isdisjoint(val[1])
    runs = mlflow_runs(tmp_path)
    (parent,) = runs[runs["tags.hmexp.kind"] == "sweep"].to_dict("records")
    assert (runs["tags.mlflow.parentRunId"] == parent["run_id"]).sum() == 2
    assert parent["metrics.best/val/macro_f1"] == pytest.approx(sum(job.objective for job in jobs) / 2)
    assert parent["metrics.best/val/macro_f1/low"] <= parent["metrics.best/val/macro_f1"]
    assert "95 % interval" in hmexp("runs", f"sweep={folder.name}").stdout
    assert "2 runs by best/val/macro_f1" in hmexp("runs").stdout, "the sweep is no run to choose"
    again = hmexp("--config-dir", str(folder), "experiment=winner", "--cfg", "job")
    assert "  - 4\n  - 8\n" in again.stdout
    assert hmexp("seeds=3", code=2).stderr.startswith("hmexp: error: seeds: expected -m before seeds=...")


def test_hyperband_with_pruning_and_a_space_in_a_preset(hmexp, tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "search.yaml").write_text(
        "# @package _global_\ndefaults:\n  - override /model: cnn\n  - override /hydra/sweeper: keras_tuner\n"
        "data: {image_size: 16, limit: 200}\ntrainer: {epochs: 2}\n"
        "hydra:\n  mode: MULTIRUN\n  sweeper:\n    oracle: hyperband\n    factor: 2\n    prune: median\n"
        "    params:\n      model.depth: 1,2\n      optimizer.learning_rate: tag(log,interval(1e-4,1e-2))\n"
        '    when:\n      model.depth:\n        1: {model.widths: "[4],[8]"}\n'
        '        2: {model.widths: "[4,8],[8,8]"}\n'
    )
    hmexp("experiment=search", "tracking.system_metrics=false", "hydra.launcher.n_workers=2")
    folder = sweep_dir(tmp_path)
    jobs = JobTable(folder).jobs()
    assert [job.parameters["trainer.stop_after"] for job in jobs].count("1") == 2
    assert "trainer.stop_after" in pd.read_csv(folder / "table.csv")
    (child,) = [job for job in jobs if job.parent is not None]
    assert "starts from" in (folder / str(child.number) / "log").read_text()
    assert pd.read_csv(folder / str(child.number) / "history.csv")["epoch"].tolist()[0] == 1
    assert {job.status for job in jobs} <= {"finished", "pruned"}
    assert all(("," in job.parameters["model.widths"]) == (job.parameters["model.depth"] == "2") for job in jobs)
    page = (folder / "report.html").read_text()
    assert page.count('class="plot"') >= 3
    assert 'href="1/report.html"' in page
    assert "http" not in page.replace("http-equiv", "")


def test_hopeless_jobs_are_pruned_in_lists(hmexp, tmp_path):
    rates = "optimizer.learning_rate=5e-3,3e-3,1e-9"
    words = ["trainer.epochs=6", "data.limit=600", "hydra.sweeper.prune=halving", "hydra.sweeper.prune_jobs=2"]
    words += ["hydra.sweeper.prune_after=3", "hydra.sweeper.prune_factor=2", "hydra/launcher=basic"]
    hmexp("-m", *SMALL, *words, rates)
    folder = sweep_dir(tmp_path)
    good, _, hopeless = JobTable(folder).jobs()
    assert good.status == "finished"
    assert hopeless.status == "pruned"
    assert "go on" in hopeless.reason
    assert len(pd.read_csv(folder / "2" / "history.csv")) == 3
    assert hopeless.metrics["best/val/macro_f1"] == hopeless.objective
    runs = mlflow_runs(tmp_path).set_index("tags.hmexp.job")
    assert runs.loc["2", "tags.hmexp.pruned"] == hopeless.reason
    assert runs.loc["2", "metrics.best/val/macro_f1"] == hopeless.objective
    assert "pruned" in hmexp("runs").stdout


LAUNCHERS = {
    "joblib": ["hydra.launcher.n_jobs=2"],
    "submitit_local": [],
    "ray": ["+hydra.launcher.ray.init.num_cpus=2", "+hydra.launcher.ray.init.include_dashboard=false"],
}


@pytest.mark.parametrize("launcher", ["ray", *repeats("joblib", "submitit_local")])
def test_other_launchers(launcher, hmexp, tmp_path, monkeypatch):
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.removesuffix('_local')}_launcher")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("HOME", str(tmp_path))  # Ray writes a token there
    (tmp_path / "trouble.py").write_text(TROUBLE)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    words = [f"hydra/launcher={launcher}", *LAUNCHERS[launcher], "plugins=[trouble]", "model.dropout=0.1,0.11"]
    done = hmexp("-m", *SMALL, *words, code=1)
    first, second = JobTable(sweep_dir(tmp_path)).jobs()
    assert (first.status, second.status) == ("finished", "failed")
    assert "this network cannot be built" in second.reason
    assert "1 of 2 jobs failed: 1" in done.stderr
    runs = mlflow_runs(tmp_path)
    assert sorted(runs["status"]) == ["FAILED", "FAILED", "FINISHED"]
    assert runs["tags.mlflow.parentRunId"].notna().sum() == 2


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["hydra/sweeper=keras_tunr"], "did you mean keras_tuner?"),
        (["hydra/sweeper=keras_tuner"], "hydra/sweeper: expected something to search"),
        (["hydra/sweeper=keras_tuner", "hydra.sweeper.oracle=bayes", "seed=1,2"], "did you mean bayesian?"),
        (
            ["hydra.sweeper.objective=test/accuracy", "seed=1,2"],
            "hydra.sweeper.objective: expected one of best/val/loss",
        ),
        (["hydra.sweeper.prune=medan", "seed=1,2"], "did you mean median?"),
        (["model.dropout=interval(0,0.5)"], "model.dropout: expected a list, a range or a glob"),
        (["hydra.launcher.n_workers=0", "seed=1,2"], "hydra.launcher.n_workers: expected null or a whole number"),
        (["hydra.launcher.workers=2", "seed=1,2"], "hydra.launcher.workers: expected a key of the configuration"),
        (["seeds=2", "seed=1,2"], "seed: expected one value where the sweep repeats points itself"),
        (["resume=latest", "seed=1,2"], "resume: expected the name of a sweep, latest"),
        (["modl.dropout=0.1,0.2"], "modl"),
        (["trainer.mode=lr_find", "seed=1,2"], "trainer.mode: expected fit or overfit in a sweep, received lr_find"),
        (["tracking.uri=http://127.0.0.1:9", "seed=1,2"], "tracking.uri: expected an MLflow store that answers"),
        (
            ["hydra/sweeper=keras_tuner", "hydra.sweeper.oracle=hyperband", "trainer.epochs=2,4"],
            "trainer.epochs: expected one value under hyperband",
        ),
        (["seeds=0"], "seeds: expected a whole number from 1 to 1000, received 0"),
        (["trainer.batch_size=8,x"], "received x (hydra.sweeper.skip_invalid=true goes on with the rest)"),
        (["seeds=1000000000"], "seeds: expected a whole number from 1 to 1000, received 1000000000"),
        (["model.dropout=range(0,1000000000)"], "model.dropout: expected at most 10,000 values"),
        (
            ["hydra/sweeper=keras_tuner", "hydra.sweeper.max_trials=100000", "model.dropout=interval(0,0.5)"],
            "hydra.sweeper.max_jobs: expected at most 10,000 jobs, received 100,000",
        ),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(words, line, hmexp, tmp_path):
    done = hmexp("-m", *words, code=2)
    assert line in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
