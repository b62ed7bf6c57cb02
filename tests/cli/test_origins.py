"""`resume=`, `rerun=`, `fork=` and `evaluate`, as a user types them."""

import json
import os
import re
import shutil
import signal
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest

from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.tracking.store import open_store

pytestmark = pytest.mark.slow
SMALL = [
    *("data.image_size=32", "data.limit=400", "model=cnn", "model.widths=[8,16]", "model.dropout=0.2"),
    *("trainer.epochs=3", "trainer.stop_after=2", "tracking.system_metrics=false", "tracking.name=the first"),
]


def jobs(root: Path) -> list[Path]:
    return sorted((root / "mlruns" / "jobs").iterdir())


@pytest.fixture(scope="module")
def trained(hmexp_in, tmp_path_factory) -> Path:
    """The folder in which one small run was made."""
    root = tmp_path_factory.mktemp("trained")
    hmexp_in(*SMALL, cwd=root)
    return root


def test_ctrl_c_saves_says_how_to_go_on_and_that_works(start_in, tmp_path, hmexp):
    job = start_in(*SMALL, "trainer.epochs=400", "trainer.stop_after=400", cwd=tmp_path)
    job.reach(lambda: list(tmp_path.glob("mlruns/jobs/*/history.csv")))
    done = job.ended_by(signal.SIGINT)
    said = done.stdout + done.stderr
    assert done.returncode == 130, said
    assert "interrupted: saving" in said
    (command,) = re.findall(r"python -m hmexp (resume=\w+)", said)
    (folder,) = jobs(tmp_path)
    done = len(pd.read_csv(folder / "history.csv"))
    refused = hmexp(command, "trainer.epochs=5", "trainer.stop_after=5", code=2)
    assert "trainer.epochs=5 (was 400)" in refused.stderr
    assert "fork=" in refused.stderr
    # Near its end, so that it ends soon: the schedule and all else stay.
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("stop_after: 400", f"stop_after: {done + 1}"))
    said = hmexp(command).stdout
    assert "goes on with" in said
    assert pd.read_csv(folder / "history.csv")["epoch"].tolist() == list(range(1, done + 2))
    assert "did (rerun=" in hmexp("resume=" + folder.name, code=2).stderr.replace("which did (", "did (")


def test_other_data_is_refused_with_the_difference(trained, hmexp, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(trained, root)
    (folder,) = jobs(root)
    record = folder / "run.json"
    record.write_text(record.read_text().replace("FINISHED", "KILLED").replace(str(trained), str(root)))
    manifest = pd.read_parquet(folder / "manifest.parquet")
    manifest.iloc[1:].to_parquet(folder / "manifest.parquet")
    record.write_text(re.sub(r'"data_digest": "\w+"', '"data_digest": "0123"', record.read_text()))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    refused = hmexp(f"resume={folder}", "tracking=none", code=2)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert f"1 articles added ({manifest['article_id'].iloc[0]}, ...)" in refused.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["resume=latest"], "which fits 0 runs that did not finish"),
        (["resume=abc"], "at least 6 characters), received abc"),
        (["rerun=abcdef0"], "which fits 0 runs"),
        (["fork=./nowhere"], "expected the folder of a run"),
        (["rerun=latest", "fork=latest"], "rerun and fork: expected one of them"),
        (["rerun=latest", "experiment=seed_baseline"], "expected no preset on top of a stored run"),
        (["rerun=latest", "trainer.epoch=5"], "did you mean trainer.epochs?"),
        (["fork=latest"], "trainer.stop_after: expected more than the 2 epochs that"),
        (["fork=latest", "trainer.stop_after=3", "model.widths=[8,8]"], "fork: expected the network of"),
        (["fork=latest", "trainer.stop_after=3", "data/merge=none"], "fork: expected the classes of"),
        (["evaluate", "split=tst", "run=latest"], "did you mean test?"),
        (["evaluate"], "run: expected a run id"),
        (["evaluate", "run=latest", "data.slices=[colour]"], "did you mean colour_group_name?"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_what_is_refused_is_said_in_a_line(trained, hmexp, words, line):
    before = jobs(trained)
    refused = hmexp(*words, cwd=trained, code=2)
    assert line in refused.stderr
    assert refused.stderr.count("\n") == 1, refused.stderr
    assert jobs(trained) == before


def test_rerun_repeats_with_overrides_and_says_what_differs(trained, hmexp):
    said = hmexp(
        "rerun=latest", "seed=1", "tracking=none", "paths.root=again", f"rerun={jobs(trained)[0]}", cwd=trained
    )
    assert "config: seed=1 (was 0)" in said.stdout
    assert "packages: as then" in said.stdout
    (folder,) = jobs(trained / "again")
    config = (folder / "config.yaml").read_text()
    assert "dropout: 0.2" in config
    assert "seed: 1" in config


def test_flags_may_stand_among_the_words_that_go_on_top(trained, hmexp):
    said = hmexp("rerun=latest", "-cd", ".", "seed=7", "--cfg", "job", "model.dropout=0.3", cwd=trained)
    assert "seed: 7" in said.stdout
    assert "dropout: 0.3" in said.stdout
    assert "  - 16\n" in said.stdout, "the widths of the run"


def test_what_repeats_a_run_names_it_exactly(tmp_path, monkeypatch):
    from hmexp.jobs.folder import JobRecord
    from hmexp.runner.resume import Origin, named_exactly

    monkeypatch.chdir(tmp_path)
    job_dir = tmp_path / "mlruns" / "jobs" / "one"
    job_dir.mkdir(parents=True)
    (job_dir / "run.json").write_text(json.dumps(asdict(JobRecord("4e71aa", str(tmp_path)))))
    run = "python -m hmexp"
    assert named_exactly(f"{run} seed=1", Origin()) == f"{run} seed=1"
    assert named_exactly(f"{run} resume=latest", Origin("resume", job_dir)) == f"{run} rerun=4e71aa"
    fork = named_exactly(f"{run} 'fork=latest' 'model.widths=[1,2]'", Origin("fork", job_dir))
    assert fork == f"{run} fork=4e71aa 'model.widths=[1,2]'"
    elsewhere = named_exactly(f"{run} rerun={job_dir} paths.root=other", Origin("rerun", job_dir))
    assert elsewhere == f"{run} rerun={job_dir} paths.root=other", "the id would not be found there"


def test_a_rerun_may_have_another_model(trained, hmexp, tmp_path):
    words = ["model=resnet", "model.widths=[8,8]", "tracking=none", "trainer.stop_after=1"]
    hmexp(f"rerun={jobs(trained)[0]}", *words)
    assert "norm_momentum" in (jobs(tmp_path)[0] / "config.yaml").read_text()


def test_fork_starts_from_the_checkpoint_of_another_run(trained, hmexp, tmp_path):
    said = hmexp(f"fork={jobs(trained)[0]}", "trainer.stop_after=3", "tracking=none").stdout
    assert "config: trainer.stop_after=3 (was 2)" in said
    assert "epoch 3/3" in said
    assert "epoch 1/3" not in said
    parent = pd.read_csv(jobs(trained)[0] / "history.csv")
    child = pd.read_csv(jobs(tmp_path)[0] / "history.csv")
    assert child["epoch"].tolist() == [1, 2, 3]
    assert child["train/loss"][:2].tolist() == pytest.approx(parent["train/loss"].tolist())


def test_a_fork_that_dies_at_once_goes_on_from_what_it_started_with(trained, hmexp, start_in, tmp_path):
    job = start_in(f"fork={jobs(trained)[0]}", "trainer.stop_after=3", "tracking=none", cwd=tmp_path)
    job.reach(lambda: list(tmp_path.glob("mlruns/jobs/*/run.json")))
    assert job.ended_by(signal.SIGKILL).returncode == -signal.SIGKILL
    said = hmexp("resume=latest").stdout
    assert "epoch 1/3" not in said
    assert re.search(r"^training  epoch 3 of \d+, \d+ steps of \d+ pictures, adam", said, re.MULTILINE), said
    parent = pd.read_csv(jobs(trained)[0] / "history.csv")
    child = pd.read_csv(jobs(tmp_path)[0] / "history.csv")
    assert child["epoch"].tolist() == [1, 2, 3]
    assert child["train/loss"][:2].tolist() == pytest.approx(parent["train/loss"].tolist())


def test_evaluate_finds_the_figures_of_the_training_again(trained, hmexp):
    run = jobs(trained)[0]
    said = hmexp("evaluate", f"run={run}", "split=val", f"against={run}", cwd=trained).stdout
    recorded = pd.read_json(run / "metrics.json", typ="series")
    (folder,) = (run / "evaluations").iterdir()
    intervals = pd.read_csv(folder / "intervals_val.csv").set_index("metric")
    for name in ("accuracy", "macro_f1", "loss"):
        assert intervals.loc[name, "value"] == pytest.approx(recorded[f"best/val/{name}"], abs=1e-5)
        assert intervals.loc[name, "low"] <= intervals.loc[name, "value"] <= intervals.loc[name, "high"]
    assert "no difference" in said
    client = open_store(MlflowTracking(), PathsConfig(str(trained)))
    record = client.get_run(json.loads((run / "run.json").read_text())["run_id"])
    told = record.data.metrics["evaluate/sample/val/accuracy"]
    assert told == pytest.approx(recorded["best/val/accuracy"])
    artifacts = [file.path for file in client.list_artifacts(record.info.run_id, f"evaluations/{folder.name}")]
    assert f"evaluations/{folder.name}/report.html" in artifacts
    assert record.data.tags["mlflow.user"]
    assert record.data.tags["mlflow.source.name"] == "hmexp"
    assert record.data.tags["mlflow.note.content"].startswith("`python -m hmexp ")
    page = (folder / "report.html").read_text()
    assert page.count("<img") >= 8
    assert "http" not in page.replace("http-equiv", "")
    assert re.search(r"Only .* has these right: 0", page)
    os.utime(folder / "report.html", (0, 0))
    hmexp("report", f"run={folder}", cwd=trained)
    assert (folder / "report.html").read_text() == page, "drawn again, it is the same page"


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a file system that cannot be written")
def test_evaluate_of_a_run_that_may_only_be_read_says_its_figures(trained, hmexp, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(trained, root)
    [run] = [folder for folder in jobs(root) if "cnn" in folder.name][:1]
    shutil.rmtree(run / "evaluations", ignore_errors=True)
    (run / "evaluations").symlink_to("/sys")  # where even root makes no folder
    said = hmexp("evaluate", f"run={run}", "split=val", cwd=root).stdout
    assert "may only be read" in said
    assert "macro_f1" in said


def test_evaluate_on_another_catalogue_names_unknown_classes(trained, hmexp, tmp_path):
    from PIL import Image

    for name in ("Shoes", "Hats"):
        (tmp_path / "other" / name).mkdir(parents=True)
        for number in range(12):
            Image.new("RGB", (40, 40), (number * 20, 90, 90)).save(tmp_path / "other" / name / f"{number}.png")
    words = ["evaluate", f"run={jobs(trained)[0]}", "data=folder", f"data.root={tmp_path / 'other'}", "split=all"]
    refused = hmexp(*words, code=2)
    assert "received Hats" in refused.stderr
    (tmp_path / "other" / "Hats").rename(tmp_path / "other" / "Swimwear")
    refused = hmexp(*words, "data.image_size=180", code=2)
    assert "data.image_size: expected 32, as the model takes it, received 180" in refused.stderr
    assert "24 pictures" in hmexp(*words).stdout
    for path in (tmp_path / "other" / "Swimwear").iterdir():
        path.unlink()
    assert "12 pictures" in hmexp(*words).stdout, "one class is enough to be evaluated on"


def test_evaluate_warns_of_pictures_that_the_model_learned_from(trained, hmexp):
    run = jobs(trained)[0]
    assert "learned from" not in hmexp("evaluate", f"run={run}", cwd=trained).stdout
    said = hmexp("evaluate", f"run={run}", "data.split.seed=7", cwd=trained).stdout
    assert re.search(r"learned from \d+ of these \d+ pictures: its figures are too good", said)
    newest = max((run / "evaluations").iterdir())
    assert "its figures are too good" in (newest / "report.html").read_text()


def test_models_of_other_picture_sizes_are_put_side_by_side(trained, hmexp, tmp_path):
    first = jobs(trained)[0]
    hmexp(f"rerun={first}", "data.image_size=24", "data.resize=pad", "trainer.stop_after=1", "tracking=none")
    (second,) = jobs(tmp_path)
    folders = []
    for one, other in ((first, second), (second, first)):
        hmexp("evaluate", f"run={one}", f"against={other}", "split=val", cwd=trained)
        folders.append(max((one / "evaluations").iterdir()))
    forward, back = (pd.read_csv(folder / "comparison.csv").set_index("metric") for folder in folders)
    assert forward.loc["accuracy", "a"] == back.loc["accuracy", "b"]
    recorded = pd.read_json(second / "metrics.json", typ="series")
    assert forward.loc["accuracy", "b"] == pytest.approx(recorded["best/val/accuracy"], abs=1e-5)
