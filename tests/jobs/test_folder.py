"""A run's folder: whole or not there, one process at a time, and found by any of its names."""

import json
import os
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from hmexp.config.errors import UserError
from hmexp.config.invocation import Invocation
from hmexp.config.record import PathsConfig
from hmexp.config.training import TrainerConfig
from hmexp.jobs.find import all_jobs, find_job
from hmexp.jobs.folder import JobFolder, JobRecord, is_running, read_record


@pytest.fixture
def paths(tmp_path) -> PathsConfig:
    return PathsConfig(root=str(tmp_path))


def made(paths: PathsConfig, run_id: str = "", **invocation) -> Path:
    invoked = Invocation("hmexp", choices=(("model", "cnn"),), **invocation)
    with JobFolder.create(paths, TrainerConfig(), invoked, JobRecord(run_id, paths.root)) as folder:
        assert is_running(folder.path)
    assert not is_running(folder.path)
    return folder.path


def test_a_folder_that_has_its_name_is_whole_and_two_of_a_second_are_two(paths):
    one, two = made(paths), made(paths)
    assert one != two
    for folder in (one, two):
        assert {path.name for path in folder.iterdir()} >= {"run.json", "config.yaml", ".hydra", "run.lock", "log"}
        assert read_record(folder).run_id == folder.name


def test_what_a_kill_leaves_has_no_name_and_is_swept(paths):
    def killed(folder: Path) -> None:
        raise KeyboardInterrupt

    created = JobFolder.create(paths, TrainerConfig(), Invocation("hmexp"), JobRecord("", ""), killed)
    with pytest.raises(KeyboardInterrupt), created:
        pass
    assert all_jobs(paths) == []
    [left] = (paths.mlruns / "jobs").iterdir()
    made(paths)
    assert left.is_dir(), "it may be one that is being made"
    old = time.time() - 7200
    os.utime(left, (old, old))
    made(paths)
    assert not left.exists()


def test_a_given_folder_is_taken_once(paths, tmp_path):
    given = tmp_path / "mine" / "run"
    made(paths, job_dir=given)
    with pytest.raises(UserError, match=r"hydra\.run\.dir: expected a new folder, received .* which has a run"):
        made(paths, job_dir=given)


@pytest.mark.parametrize("given", ["/dev/null", "/dev/null/run", "x" * 300, "a\0b"])
def test_a_place_that_no_folder_can_have_is_said_in_a_line(paths, tmp_path, given):
    with pytest.raises(UserError, match=r"hydra\.run\.dir: expected"):
        made(paths, job_dir=tmp_path / given)


def test_of_two_that_reopen_a_run_the_second_is_refused_and_reads_what_the_first_wrote(paths):
    job_dir = made(paths, "abcdef0123")
    with JobFolder.reopen(job_dir) as folder:
        with pytest.raises(UserError, match=r"resume: expected a run that has stopped, received .* which is running"):
            JobFolder.reopen(job_dir).__enter__()
        folder.record.status = "FINISHED"
        folder.save()
    with pytest.raises(UserError, match="resume: expected a run that did not finish"):
        JobFolder.reopen(job_dir).__enter__()


def test_whether_a_run_lives_is_right_whoever_else_asks(paths):
    """Asking must not look like running, and must not keep the run itself from starting."""
    job_dir = made(paths)
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            is_running(job_dir)

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        assert not any(is_running(job_dir) for _ in range(300))
        for _ in range(20):
            with JobFolder.reopen(job_dir):
                pass
        with FileLock(job_dir / "run.lock", timeout=2):
            assert all(is_running(job_dir) for _ in range(300))
    finally:
        stop.set()
        for asker in askers:
            asker.join()


def test_a_run_is_found_by_each_of_its_names(paths, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = made(paths, "aaaaaa111")
    two = made(paths, "aaaaaa222")
    record = read_record(two)
    record.status = "FINISHED"
    record.save(two)
    for name in ("aaaaaa111", "aaaaaa1", one.name, str(one), f"./mlruns/jobs/{one.name}"):
        assert find_job(paths, "run", name).path == one
    assert find_job(paths, "run", "latest").path == two
    assert find_job(paths, "resume", "latest").path == one, "the newest that did not finish"
    for name, said in [
        ("aaaaaa", "fits 2 runs"),
        ("aaa", "at least 6"),
        ("nobody", "fits 0 runs"),
        ("x" * 5000, "fits 0"),
    ]:
        with pytest.raises(UserError, match=said):
            find_job(paths, "run", name)
    with pytest.raises(UserError, match="expected the folder of a run"):
        find_job(paths, "run", "./mlruns")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"null",
        b'{"run_id": 7, "root": ""}',
        b'{"root": ""}',
        b"\xff\xfe",
        b'{"run_id": "a", "root": null}',
    ],
)
def test_a_damaged_folder_is_skipped_with_a_warning_and_named_where_it_is_asked_for(paths, content, caplog):
    good = made(paths, "good00")
    bad = paths.mlruns / "jobs" / "bad"
    bad.mkdir()
    (bad / "run.json").write_bytes(content)
    with caplog.at_level("WARNING", logger="hmexp"):
        assert [job.path for job in all_jobs(paths)] == [good]
    assert "left out:" in caplog.text
    assert str(bad / "run.json") in caplog.text
    assert find_job(paths, "run", "good00").path == good
    with pytest.raises(UserError, match=r"run: .*run\.json: expected"):
        find_job(paths, "run", str(bad))


def test_a_record_of_a_later_version_is_read(paths):
    job_dir = made(paths, "later0")
    content = json.loads((job_dir / "run.json").read_text())
    (job_dir / "run.json").write_text(json.dumps(content | {"invented": [1]}))
    assert find_job(paths, "run", "later0").record.run_id == "later0"
