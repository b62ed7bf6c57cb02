"""What killed commands leave goes when nobody works on it; what is not hmexp's stays, and is named."""

from pathlib import Path

import pytest
from filelock import FileLock
from made_folders import EVERYTHING, age, cleaned, made_run, made_sweep, tree

from hmexp.cli import main


@pytest.fixture
def jobs(tmp_path) -> Path:
    folder = tmp_path / "mlruns" / "jobs"
    folder.mkdir(parents=True)
    return folder


def left(path: Path, days: float = 30) -> Path:
    """A folder, or by its ending a file, that a killed command left."""
    if path.suffix:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * 100)
    else:
        path.mkdir(parents=True)
        (path / "file").write_text("x" * 100)
    age(path, days)
    return path


def removed(tmp_path, **config) -> set[str]:
    return {item.name for item in cleaned(tmp_path, **config).removed}


def test_what_killed_commands_left_goes(jobs, tmp_path):
    names = ["mlflow.db.broken-2026-01-01_00-00-00", "mlflow.db.new-0123", "mlflow.db.new-0123.whole"]
    for name in names:
        left(tmp_path / "mlruns" / name)
    left(jobs / ".new-0123")
    (jobs / "empty").mkdir()
    (jobs / "empty" / "run.lock").touch()
    age(jobs, 30)
    for name in (
        "sample/1.partial/x.jpg",
        "precision/a.partial",
        "models/tmpabcd1234/model.keras",
        "embeddings/0.parts/plan.json",
    ):
        left(tmp_path / "cache" / name)
    age(tmp_path / "cache", 30)
    gone = {
        *names,
        "jobs/.new-0123",
        "jobs/empty",
        "sample/1.partial",
        "precision/a.partial",
        "models/tmpabcd1234",
        "embeddings/0.parts",
    }
    assert removed(tmp_path, kinds=["runs"]) == set()
    assert removed(tmp_path) == gone
    assert list(jobs.iterdir()) == []


def test_what_is_fresh_or_at_work_stays(jobs, tmp_path):
    for folder in (jobs / ".new-0123", tmp_path / "cache" / "sample" / "1.partial"):
        folder.mkdir(parents=True)
        (folder / "file").touch()
    (tmp_path / "mlruns" / "mlflow.db.new-0123").touch()
    (jobs / "empty").mkdir()
    assert removed(tmp_path, **EVERYTHING) == set(), "it may be in the making"
    age(jobs, 30)
    age(tmp_path / "cache", 30)
    with FileLock(jobs / ".new-0123" / "run.lock"), FileLock(tmp_path / "cache" / "sample" / "1.lock"):
        assert removed(tmp_path) == {"jobs/empty"}
    assert removed(tmp_path) == {"jobs/.new-0123", "sample/1.partial"}


def test_what_is_in_the_cache_for_good_and_what_is_not_hmexps_stays(jobs, tmp_path):
    made_run(jobs / "finished", "FINISHED")
    made_sweep(tmp_path / "mlruns" / "sweeps" / "grid", "FINISHED")
    for name in (
        "models/0123.keras",
        "precision/0123.json",
        "embeddings/0/card.json",
        "sample/0/articles.csv",
        "mine/notes.txt",
        "stores/a.txt",
    ):
        left(tmp_path / "cache" / name)
    for name in ("notes.txt", "0/meta.yaml", ".trash/1/meta.yaml", "jobs/mine/data.csv", "jobs/todo.txt", "mlflow.db"):
        left(tmp_path / "mlruns" / name)
    age(tmp_path, 30)
    before = tree(tmp_path)
    assert removed(tmp_path, **EVERYTHING) == set()
    assert tree(tmp_path) == before


def test_the_command_says_what_goes_what_stays_and_how(jobs, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HMEXP_CACHE", str(tmp_path / "cache"))
    made_run(jobs / "pruned", "FINISHED", pruned="epoch 3: 0.1 is below\x1b[2J the median")
    made_run(jobs / "failed")
    made_run(jobs / "killed", "KILLED")
    for number in range(7):
        left(tmp_path / "mlruns" / f"note {number}.txt")
    before = tree(tmp_path)
    words = ["clean", "states=[failed,pruned]", "yes=false"]
    assert main(words) == 0
    said = capfd.readouterr().out
    assert tree(tmp_path) == before
    assert "runs: 2, 2." in said
    assert "pruned: epoch 3" in said
    assert "\x1b[2J" not in said
    assert "stays: run jobs/killed, 1." in said
    assert said.count("note ") == 5
    assert "and 2 more" in said
    assert "python -m hmexp clean 'states=[failed,pruned]' yes=true" in said
    assert main([*words[:2], "yes=true"]) == 0
    said = capfd.readouterr().out
    assert "removed 2 runs: 2." in said
    assert {path.name for path in jobs.iterdir()} == {"killed"}
    assert main([*words[:2], "yes=true"]) == 0
    assert "removed nothing" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (
            "kinds=[run]",
            "kinds: expected one of runs, stores, leftovers, checkpoints, received run (did you mean runs?)",
        ),
        ("kinds=[]", "kinds: expected some of runs, stores, leftovers, checkpoints, received none"),
        ("states=[finished]", "states: expected one of failed, pruned, killed, received finished"),
        ("older_than=-1", "older_than: expected a number from 0 to 36500, received -1.0"),
        ("older_than=nan", "older_than: expected a number from 0 to 36500, received nan"),
        ("yes=please", "yes: "),
        ("older=3", "older: expected a key"),
    ],
)
def test_wrong_input_is_one_line_and_removes_nothing(jobs, tmp_path, monkeypatch, capfd, word, said):
    monkeypatch.chdir(tmp_path)
    made_run(jobs / "failed")
    assert main(["clean", "yes=true", word]) == 2
    error = capfd.readouterr().err
    assert error.startswith(f"hmexp: error: {said}")
    assert error.count("\n") == 1
    assert (jobs / "failed").is_dir()


def test_where_nothing_is_nothing_is_made(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HMEXP_CACHE", str(tmp_path / "cache"))
    assert main(["clean", "yes=true"]) == 0
    assert "removed nothing" in capfd.readouterr().out
    assert list(tmp_path.iterdir()) == []
