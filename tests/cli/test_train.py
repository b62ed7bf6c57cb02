"""The main job as a user types it."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_networks import small_network
from repeated import repeats

pytestmark = pytest.mark.slow
SMALL = [
    "data.image_size=32",
    "model=cnn",
    "model.widths=[8,16]",
    "trainer.epochs=2",
    "tracking.system_metrics=false",
]


def job_dir(root: Path) -> Path:
    (folder,) = (root / "mlruns" / "jobs").iterdir()
    return folder


@pytest.fixture(scope="module")
def trained(cache, made_once) -> Path:
    """The folder in which one small run was made, from a preset that fixes nothing else."""

    def make(folder: Path) -> None:
        env = os.environ | {"HMEXP_CACHE": str(cache), "TF_CPP_MIN_LOG_LEVEL": "2", "COLUMNS": "120"}
        command = [sys.executable, "-m", "hmexp", *SMALL]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "stdout").write_text(done.stdout)

    return made_once("trained", make)


def test_the_job_folder_explains_itself(trained):
    folder = job_dir(trained)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    expected = {
        "config.yaml", "log", "history.csv", "manifest.parquet", "strategy.json", "quarantine.csv", "environment.txt",
        "predictions.parquet", "metrics.json", "report.html", "model/model.keras", "model/card.json",
        ".hydra/config.yaml", ".hydra/overrides.yaml", "run.json", "figures/curves.png",
        "figures/confusion_test.png", "figures/per_class_f1_test.png", "figures/class_distribution.png",
        "figures/sample_pictures.png", "figures/worst_mistakes_test.png", "figures/model.png",
    }  # fmt: skip
    assert expected <= names, expected - names


def test_history_predictions_and_metrics_agree(trained):
    folder = job_dir(trained)
    history = pd.read_csv(folder / "history.csv")
    metrics = json.loads((folder / "metrics.json").read_text())
    predictions = pd.read_parquet(folder / "predictions.parquet")
    manifest = pd.read_parquet(folder / "manifest.parquet")
    assert history["epoch"].tolist() == [1, 2]
    best = history.loc[history["val/macro_f1"].idxmax()]
    assert metrics["best/epoch"] == best["epoch"]
    for name in ("macro_f1", "accuracy", "balanced_accuracy", "loss", "ece", "top3_accuracy"):
        assert metrics[f"best/val/{name}"] == pytest.approx(best[f"val/{name}"], abs=2e-4), name
    test = predictions[predictions["split"] == "test"]
    assert (test["target"] == test["predicted"]).mean() == pytest.approx(metrics["test/accuracy"], abs=1e-6)
    assert set(test["article_id"]) == set(manifest.loc[manifest["split"] == "test", "article_id"])
    assert np.allclose(test.filter(like="p/").sum(axis=1), 1, atol=1e-5)


def test_quarantine_and_missing_pictures_are_reported(trained):
    quarantine = pd.read_csv(job_dir(trained) / "quarantine.csv")
    assert len(quarantine) == 2
    output = (trained / "stdout").read_text()
    assert "in quarantine" in output
    assert "without a picture" in output


def test_the_first_lines_say_what_will_happen(trained):
    output = (trained / "stdout").read_text()
    (model,) = [line for line in output.splitlines() if line.startswith("model ")]
    begin = output.partition("What became")[0]
    _, there, rest = begin.partition("sample: 1,991 rows, 9 classes\nstarting tensorflow\n")
    assert there
    facts = [line[:10].strip() for line in rest.splitlines()]
    assert facts == ["data", "model", "device", "pictures", "training", "kept", "goes to", "recorded"]
    assert "1,585 in train, 204 in val, 202 in test; 9 classes, 32x32 pixels" in output
    assert re.fullmatch(r"model     cnn: [\d,]+ parameters, about [\d.]+ [kM]B to train it", model)
    assert "device    cpu, float32, tensorflow" in output
    assert "2 epochs, 50 steps of 32 pictures each, adam, learning rate 0.001" in output
    assert f"goes to   {job_dir(trained)}\n" in output


def test_a_pipe_has_plain_lines_and_the_log_has_them_all(trained):
    output = (trained / "stdout").read_text()
    written = (job_dir(trained) / "log").read_text()
    assert "\x1b" not in output
    assert "…" not in output
    lines = [line for line in output.splitlines() if line]
    assert not [line for line in lines if line.endswith(" ")]
    assert not [line for line in lines if line not in written]
    assert "DEBUG XLA: off" in written
    assert "XLA" not in output


def test_the_record_in_mlflow(trained):
    from hmexp.config.record import MlflowTracking, PathsConfig
    from hmexp.tracking.runs import all_runs
    from hmexp.tracking.store import open_store

    cfg = MlflowTracking()
    client = open_store(cfg, PathsConfig(root=str(trained)))
    (run,) = all_runs(client, cfg)
    assert run.info.status == "FINISHED"
    assert run.data.params["model.widths"] == "[8, 16]"
    assert run.data.params["data.balance.cap"] == "5000"
    assert {"hmexp.command", "hmexp.host", "hmexp.job_dir", "hmexp.data_digest", "version.keras"} <= set(run.data.tags)
    assert "best/val/macro_f1" in run.data.metrics
    assert "test/f1/garment_upper_body" in {name.lower() for name in run.data.metrics}
    assert [m.step for m in client.get_metric_history(run.info.run_id, "val/macro_f1")] == [1, 2]
    artifacts = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {
        "config.yaml",
        "manifest.parquet",
        "strategy.json",
        "history.csv",
        "figures",
        "report.html",
    } <= artifacts
    assert len(run.inputs.dataset_inputs) == 3


def test_the_verbs_that_read_the_record(trained, hmexp):
    assert "1 run by best/val/macro_f1" in hmexp("runs", cwd=trained).stdout
    assert "version 1 is the champion now" in hmexp("promote", cwd=trained).stdout
    assert "champion already" in hmexp("promote", "run=latest", cwd=trained).stdout
    assert "earlier champion" in hmexp("rollback", cwd=trained, code=2).stderr


def test_the_same_seed_gives_the_same_weights_and_another_one_does_not(hmexp, tmp_path):
    words = [
        *SMALL,
        "trainer.epochs=1",
        "data.limit=200",
        "deterministic=true",
        "tracking=none",
        "model.dropout=0.2",
    ]
    words.remove("tracking.system_metrics=false")
    hashes = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        hmexp(*words, f"seed={seed}", f"paths.root={tmp_path / name}")
        history = pd.read_csv(job_dir(tmp_path / name) / "history.csv")
        hashes.append(tuple(history[["train/loss", "val/loss"]].iloc[0]))
    assert hashes[0] == hashes[1] != hashes[2]


def test_tracking_none_writes_no_mlflow(hmexp, tmp_path):
    hmexp("debug=fast", "data.image_size=16", "tracking=none", "trainer.precision=mixed_bfloat16")
    assert [path.name for path in (tmp_path / "mlruns").iterdir()] == ["jobs"]


def test_a_loss_that_is_no_number_fails_the_run_plainly(hmexp, tmp_path):
    done = hmexp(*SMALL, "optimizer=sgd", "optimizer.learning_rate=1e12", "data.limit=200", code=1)
    assert "the loss became" in done.stderr
    assert "Traceback" not in done.stderr
    from hmexp.config.record import MlflowTracking, PathsConfig
    from hmexp.tracking.runs import all_runs
    from hmexp.tracking.store import open_store

    cfg = MlflowTracking()
    client = open_store(cfg, PathsConfig(root=str(tmp_path)))
    (run,) = all_runs(client, cfg)
    assert run.info.status == "FAILED"
    assert "traceback.txt" in {item.path for item in client.list_artifacts(run.info.run_id)}


@pytest.mark.parametrize(
    ("number", "code", "status"),
    [(signal.SIGKILL, -9, "RUNNING"), *repeats((signal.SIGTERM, 130, "KILLED"), (signal.SIGINT, 130, "KILLED"))],
)
def test_interrupted_runs_and_those_that_died(number, code, status, start_in, tmp_path, hmexp):
    job = start_in(*SMALL, "trainer.epochs=500", cwd=tmp_path)
    job.reach(lambda: list(tmp_path.glob("mlruns/jobs/*/history.csv")))
    done = job.ended_by(number)
    assert done.returncode == code, done.stderr
    from hmexp.config.record import MlflowTracking, PathsConfig
    from hmexp.tracking.runs import all_runs
    from hmexp.tracking.store import open_store

    cfg = MlflowTracking()
    client = open_store(cfg, PathsConfig(root=str(tmp_path)))
    assert all_runs(client, cfg)[0].info.status == status
    hmexp("runs")
    assert all_runs(client, cfg)[0].info.status == "KILLED"


def test_two_runs_at_once_on_nothing_but_the_sample(start_in, sample, tmp_path):
    words = ["model=cnn", "model.widths=[4]", "data.image_size=16", "trainer.epochs=1"]
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "sample").symlink_to(sample.parent)
    jobs = [start_in(*words, cwd=tmp_path, cache=tmp_path / "cache").ended for _ in range(2)]
    assert [end().returncode for end in jobs] == [0, 0]
    assert len(list((tmp_path / "mlruns" / "jobs").iterdir())) == 2
    assert len([path for path in (tmp_path / "cache" / "stores").iterdir() if path.is_dir()]) == 1


PLAIN = "trainer.precision=float32"
"""Where `auto` would time both on every size of picture, most of a minute; test_precision.py tries it."""
SMALLER = {
    "seed_baseline": ["data.balance.cap=50", "data.image_size=16"],
    "fast_short": ["data.image_size=32", "model.widths=[8,16]", PLAIN],
    "fast": ["data.image_size=48", "trainer.image_sizes=[32,48]", "model.widths=[8,16]", PLAIN],
    "best": ["data.image_size=48", "trainer.image_sizes=[32,48]", "model.widths=[8,16]", PLAIN],
    "metric": ["data.image_size=32", "model.widths=[8,16]", PLAIN],
    "probe": ["data.image_size=16", "model.name=NETWORK.keras"],
    "finetune": ["data.image_size=32", "trainer.image_sizes=[16,32]", "model.name=NETWORK.keras"],
}


def test_the_presets_are_all_tried():
    shipped = {path.stem for path in (Path(__file__).parents[2] / "experiments").glob("*.yaml")}
    assert shipped == set(SMALLER)


@pytest.mark.parametrize("preset", SMALLER)
def test_every_preset_runs(preset, hmexp, sample, tmp_path):
    where = [f"data.root={sample}"] if preset == "seed_baseline" else ["data=hm", f"data.root={sample}"]
    if preset in ("probe", "finetune"):
        small_network().save(tmp_path / "NETWORK.keras")
    hmexp(f"experiment={preset}", *where, *SMALLER[preset], "debug=fast", "tracking=none")


@pytest.mark.parametrize(
    ("mode", "says"),
    [("lr_find", "try optimizer.learning_rate="), ("profile", "waiting for input"), ("overfit", "overfit: accuracy")],
)
def test_debug_modes_say_what_they_found(mode, says, hmexp, tmp_path):
    words = ["data.image_size=16", "model=cnn", "model.widths=[8]", "trainer.probe_steps=20", "tracking=none"]
    said = hmexp(f"debug={mode}", *words, *(["trainer.stop_after=2"] if mode == "overfit" else [])).stdout
    assert says in said and "repeat" in said
    expected = {"lr_find": "figures/lr_find.png", "profile": "profile.csv", "overfit": "report.html"}[mode]
    assert (job_dir(tmp_path) / expected).is_file()
    assert mode != "profile" or any((job_dir(tmp_path) / "trace").rglob("*.pb"))


@pytest.mark.parametrize("mode", ["lr_find", "overfit"])
def test_debug_modes_go_with_presets(mode, hmexp, tmp_path):
    """`best` sets keys of its schedule and holds back what it learns from in every way."""
    words = ["model.widths=[4]", "trainer.probe_steps=10", "trainer.stop_after=1", "trainer.image_sizes=[8]", PLAIN]
    hmexp("experiment=best", f"debug={mode}", *words, "data.image_size=16", "data.limit=300", "tracking=none")
    config = (job_dir(tmp_path) / "config.yaml").read_text()
    assert ("warmup_epochs" in config) == (mode == "overfit")
    assert ("mixup: 0.0" in config) == (mode == "overfit")


def test_a_sweep_runs_each_job_and_records_it(hmexp, tmp_path):
    hmexp("-m", "debug=fast", "data.image_size=16", "model.dropout=0.0,0.5", "tracking.system_metrics=false")
    (sweep,) = (tmp_path / "mlruns" / "sweeps").iterdir()
    assert {path.name for path in sweep.iterdir() if path.is_dir()} == {"0", "1", "experiment", "figures"}
    assert (sweep / "1" / "report.html").is_file()
    record = (sweep / "0" / "metrics.json").read_bytes()
    again = ["-m", "debug=fast", "data.image_size=16", "model.dropout=0.2", f"hydra.sweep.dir={sweep}"]
    assert "hydra.sweep.dir: expected a new folder" in hmexp(*again, code=2).stderr
    assert (sweep / "0" / "metrics.json").read_bytes() == record


def test_class_names_may_hold_any_character(hmexp, tmp_path):
    from PIL import Image

    names = ["Men's, Women's", "A ${x_}$", "Tops [red]", "Söcke & Co: b"]
    for number, name in enumerate([*names, "Strümpfe & Co: a"]):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for shade in range(20):
            Image.new("RGB", (20, 20), (50 * number, shade, 90)).save(tmp_path / "pictures" / name / f"{shade}.png")
    words = ["data=folder", "data.root=pictures", "debug=fast", "data.image_size=16", "tracking.system_metrics=false"]
    merge = ["data/merge=map", """data.merge.mapping={"Strümpfe & Co: a": Socks $[new]$}"""]
    said = hmexp(*words, *merge).stdout
    log = (job_dir(tmp_path) / "log").read_text()
    assert all(name in said and name in log for name in [*names, "Socks $[new]$"])


@pytest.mark.realdata
def test_the_photographs_in_folders(photographs, hmexp, tmp_path):
    hmexp("data=folder", f"data.root={photographs}", "debug=fast", "data.image_size=32")
    manifest = pd.read_parquet(job_dir(tmp_path) / "manifest.parquet")
    assert manifest["label"].nunique() == 10
    assert (manifest["split"] == manifest["image"].str.split("/").str[0].replace("validation", "val")).all()
