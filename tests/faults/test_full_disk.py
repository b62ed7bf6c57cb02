"""A disk that is full, or may only be read: one line with the place, exit 1, and the command that goes on does."""

import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SMALL = [
    *("data.image_size=16", "data.limit=200", "model=cnn", "model.widths=[4]", "trainer.epochs=2"),
    "tracking.system_metrics=false",
]


def limited(limit: int, words: list[str]) -> int:
    """Run hmexp where no file may grow beyond so many bytes."""
    from hmexp.cli import main

    sys.dont_write_bytecode = True  # a file of it would end at the limit, and be read the next time
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return main(words)


def goes_on(done, place):
    """The words of the command that goes on, from the line that says that a disk is full."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    line = done.stderr.splitlines()[-1]
    assert re.search(
        r"expected room to write, received .*\(\d[\d.,]* \w+ free\): make some; then this goes on: ", line
    ), line
    assert str(place) in line
    return shlex.split(line.partition("this goes on: python -m hmexp ")[2])


@pytest.mark.parametrize("limit", [20_000, 400_000])
def test_staging_goes_on_when_there_is_room(hmexp, start_in, tmp_path, sample, limit):
    shutil.copytree(sample, tmp_path / "cache" / "sample" / sample.name)
    words = ("stage", "data.image_size=24", f"paths.cache={tmp_path / 'cache'}")
    done = start_in(*words, cwd=tmp_path, main=partial(limited, limit)).ended()
    hmexp(*goes_on(done, tmp_path))
    assert len(list((tmp_path / "cache" / "stores").glob("*/store.json"))) == 1


def mounted(folder: Path, size: str) -> bool:
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True)
    return made.returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 2.5 MB, on which MLflow's database and a little more have room."""
    folder = tmp_path / "small"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or not mounted(folder, "2500k"):
        pytest.skip("needs the right to mount a disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_run_goes_on_when_there_is_room(small_disk, hmexp_in):
    again = goes_on(hmexp_in(*SMALL, cwd=small_disk, code=1), small_disk)
    assert again[0].startswith("resume="), "it had begun"
    subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
    hmexp_in(*again, cwd=small_disk)
    [job_dir] = (small_disk / "mlruns" / "jobs").iterdir()
    assert '"status": "FINISHED"' in (job_dir / "run.json").read_text()


def test_what_only_reads_works_where_nothing_can_be_written(small_disk, hmexp_in):
    subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
    hmexp_in(*SMALL, cwd=small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = hmexp_in("runs", cwd=small_disk)
    assert "1 run by best/val/macro_f1" in done.stdout
    assert done.stderr == ""
    said = hmexp_in("evaluate", "run=latest", "split=val", cwd=small_disk).stdout
    assert "may only be read" in said
    assert "macro_f1" in said
    refused = hmexp_in(*SMALL, cwd=small_disk, code=1).stderr
    assert refused.count("\n") == 1, refused
    assert "expected a place that can be written, received a Read-only file system" in refused
