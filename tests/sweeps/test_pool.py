"""Processes of jobs, forked and fresh ones."""

import signal
import time

import pytest

from hmexp.config.sweep import ProcessConfig
from hmexp.sweeps.launch import Launch
from hmexp.sweeps.pool import ProcessPool

pytestmark = pytest.mark.slow


def test_a_job_is_an_ordinary_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leaver.py").write_text(
        "import atexit, pathlib\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "atexit.register(pathlib.Path('left').touch)\n"
        "pool = ProcessPoolExecutor(1)\n"
        "assert pool.submit(abs, -3).result() == 3\n"
    )
    pool = ProcessPool(ProcessConfig(n_workers=2), "tensorflow")
    (tmp_path / "0").mkdir()
    (tmp_path / "1").mkdir()
    pool.take(Launch(0, tmp_path / "0", ("plugins=[leaver]", "--help")))
    pool.take(
        Launch(1, tmp_path / "1", ("modl=cnn",), backend="jax")
    )  # not what the server has imported: a new process
    assert (pool.free, sorted(pool.running)) == (0, [0, 1])
    ended = []
    deadline = time.monotonic() + 120
    while len(ended) < 2 and time.monotonic() < deadline:
        ended += pool.poll()
        time.sleep(0.05)
    assert {end.number: (end.code, end.reason) for end in ended} == {0: (0, ""), 1: (2, "")}
    assert "trainer.epochs" in (tmp_path / "0" / "output.txt").read_text()
    assert (tmp_path / "left").is_file()
    assert "did you mean model?" in (tmp_path / "1" / "output.txt").read_text()
    assert pool.free == 2


def test_a_job_is_killed_with_what_it_has_started(tmp_path, monkeypatch):
    (tmp_path / "helper.py").write_text(
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('pids', 'w').write(f'{os.getpid()} {child.pid} \\n')\n"
        "time.sleep(600)\n"
    )
    monkeypatch.chdir(tmp_path)
    pool = ProcessPool(ProcessConfig(time_limit=0.5), "tensorflow")
    pool.take(Launch(0, tmp_path, ("plugins=[helper]",)))
    deadline = time.monotonic() + 120
    while not (tmp_path / "pids").is_file() or not (tmp_path / "pids").read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.6)
    ended = []
    while not ended and time.monotonic() < deadline:
        ended = pool.poll()
        time.sleep(0.05)
    assert ended[0].reason == "over hydra.launcher.time_limit=0.5 s"
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        assert not alive(pid)


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])  # forked, and from nothing
def test_a_job_that_is_only_just_born_is_interrupted(tmp_path, monkeypatch, backend):
    monkeypatch.chdir(tmp_path)
    pool = ProcessPool(ProcessConfig(n_workers=3), "tensorflow")
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        pool.take(Launch(number, tmp_path / str(number), ("debug=fast",), backend=backend))
        pool.interrupt()
        time.sleep(0.01 * number)
    ended = []
    deadline = time.monotonic() + 120
    while len(ended) < 3 and time.monotonic() < deadline:
        ended += pool.poll()
        time.sleep(0.05)
    assert {end.reason for end in ended} == {"interrupted"}
    assert all(end.code in (-signal.SIGTERM, 130) for end in ended), "none had to be killed"


def alive(pid):
    """Whether a process is there and is no zombie; it gets a moment to end."""
    import psutil

    for _ in range(50):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return False
        time.sleep(0.1)
    return True
