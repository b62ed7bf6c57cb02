"""Compiled programs on the disk: whole, bounded, and nobody else's."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from hmexp.training.backends import programs
from hmexp.training.backends.programs import ProgramCache, private_folder


@pytest.fixture
def folder(tmp_path):
    return private_folder(tmp_path / "cache", "jax")


def used(folder, key, seconds):
    os.utime(folder / f"{key}.program", (seconds, seconds))


def test_what_one_process_keeps_another_one_reads(folder):
    ProgramCache(folder).put("step", b"code")
    assert ProgramCache(folder).get("step") == b"code"
    assert ProgramCache(folder).get("other") is None
    assert [path.name for path in folder.iterdir()] == ["step.program"]


def test_the_folder_is_its_owners_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        folder = private_folder(tmp_path, "jax")
    finally:
        os.umask(before)
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert private_folder(tmp_path, "jax") == folder


@pytest.mark.parametrize("mode", [0o770, 0o701, 0o702])
def test_a_folder_that_others_may_enter_is_left_alone(folder, mode, caplog, tmp_path):
    folder.parent.chmod(mode)
    with caplog.at_level("WARNING", logger="hmexp"):
        assert private_folder(tmp_path / "cache", "jax") is None
    assert "others may read or write it" in caplog.text
    assert folder.parent.stat().st_mode & 0o777 == mode


def test_a_folder_of_somebody_else_is_left_alone(folder, caplog, tmp_path, monkeypatch):
    if os.getuid() == 0:
        os.chown(folder.parent, 12345, 12345)
    else:
        other = folder.parent.stat().st_uid + 1
        folder.parent.rename(folder.parent.with_name(f"jax-{other}"))
        monkeypatch.setattr(os, "getuid", lambda: other)
    with caplog.at_level("WARNING", logger="hmexp"):
        assert private_folder(tmp_path / "cache", "jax") is None
    assert "it belongs to somebody else" in caplog.text


def test_a_link_is_left_alone(folder, tmp_path, caplog):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.rmdir()
    folder.parent.rmdir()
    folder.parent.symlink_to(elsewhere)
    assert private_folder(tmp_path / "cache", "jax") is None
    assert not list(elsewhere.iterdir())


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert private_folder(tmp_path / "cache", "jax") is None


def test_what_was_not_used_for_longest_goes_first(folder, monkeypatch):
    cache = ProgramCache(folder)
    for number, key in enumerate("abcd"):
        cache.put(key, bytes(30))
        used(folder, key, 1000 + number)
    assert cache.get("a") is not None, "used now"
    monkeypatch.setattr(programs, "MAX_BYTES", 100)
    ProgramCache(folder)
    assert sorted(path.stem for path in folder.iterdir()) == ["a", "d"]
    assert ProgramCache(folder).get("a") == bytes(30)


def test_a_program_with_data_inside_is_not_kept(folder, monkeypatch):
    monkeypatch.setattr(programs, "MAX_PROGRAM", 10)
    ProgramCache(folder).put("step", bytes(11))
    assert not list(folder.iterdir())


def test_what_a_killed_process_was_writing_goes_in_time(folder):
    old, new = folder / "old.partial", folder / "new.partial"
    for path, seconds in ((old, 10_000), (new, 90_000)):
        path.write_bytes(b"half")
        os.utime(path, (seconds, seconds))
    ProgramCache(folder)
    assert [path.name for path in folder.iterdir()] == ["new.partial"]


def test_a_full_disk_is_no_error(folder):
    cache = ProgramCache(folder)
    folder.rmdir()
    cache.put("step", b"code")
    assert cache.get("step") is None


@pytest.mark.slow
def test_a_second_process_compiles_nothing_that_the_first_one_did(cache, tmp_path):
    words = ["data.image_size=16", "data.limit=200", "model=cnn", "model.widths=[4]", "tracking=none", "backend=jax"]
    words += ["debug=profile", "trainer.probe_steps=10", f"paths.cache={tmp_path / 'cache'}"]
    compiled = []
    for number in range(2):
        root = tmp_path / str(number)
        command = [sys.executable, "-m", "hmexp", *words, f"paths.root={root}", f"seed={number}"]
        subprocess.run(command, check=True, capture_output=True)
        (table,) = root.glob("mlruns/jobs/*/programs.csv")
        programs = pd.read_csv(table)
        compiled.append(set(programs["name"][programs["programs"] > programs["read"]]))
    assert {"train_step", "test_step"} <= compiled[0]
    assert compiled[1] <= {"one_more"}, "which asks whether programs can be read at all"
