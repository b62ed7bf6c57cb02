"""The command line against what machines and people do to it: pipes, encodings, passwords, foreign code, full disks."""

import errno
import os
import re
import signal
import socket
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import pytest
from repeated import ALL, repeats

pytestmark = pytest.mark.slow

QUICK = ("model=cnn", "model.widths=[4]", "data.image_size=16", "trainer.epochs=2", "tracking.system_metrics=false")
PASSWORD = "s3cret-Pa55"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "hmexp", *words]


def shell(line: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.replace("hmexp", f"{sys.executable} -m hmexp")],
        cwd=cwd,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", ["--help", "train --help", "--cfg job"])
def test_a_closed_pipe_ends_quietly(tmp_path, words):
    done = shell(f"hmexp {words} | head -1", tmp_path)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["runs", "-m", "limit=1,2"], "-m: expected a verb that sweeps (train), received runs"),
        (["promote", "--multirun"], "--multirun: expected a verb that sweeps"),
        (["evaluate", "hydra.mode=MULTIRUN", "run=latest"], "hydra.mode: expected a verb that sweeps"),
        (["--experimental-rerun", "x.pickle"], "--experimental-rerun: expected rerun=RUN"),
        (["--config-name=x"], "--config-name: expected --config-dir DIR"),
        (["plugins=[no_such_module]"], "plugins: expected modules that can be imported, received no_such_module"),
        (["data.root=a\nb"], "data.root"),
        (["trainer.epochs=\x1b[31mred"], "trainer.epochs"),
        (["run\x1b[2J"], "expected a verb or KEY=VALUE"),
    ],
)
def test_one_line_exit_2_nothing_written(tmp_path, words, said):
    done = subprocess.run(command(*words), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr
    assert not list(tmp_path.iterdir())


def _answers(pid: int) -> bool:
    """Whether a process has a handler for SIGTERM: before that it is not hmexp yet, but Python that starts."""
    if not sys.platform.startswith("linux"):
        time.sleep(1.0)
        return True
    [caught] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")]
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


SIGNALS, MOMENTS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP), (0.0, 0.3, 1.5)


@pytest.mark.parametrize(("number", "after"), product(SIGNALS, MOMENTS) if ALL else zip(SIGNALS, MOMENTS, strict=True))
def test_a_signal_in_the_first_seconds_is_answered_with_what_goes_on(tmp_path, number, after):
    process = subprocess.Popen(
        command("stage", "data.image_size=24"),
        cwd=tmp_path,
        env=os.environ | {"HMEXP_CACHE": str(tmp_path / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not _answers(process.pid):
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said.startswith("hmexp: interrupted; this goes on: ")
    assert said.count("\n") == 1


def test_packages_are_not_hidden_by_the_current_folder(tmp_path):
    for name in ("pandas", "rich", "yaml", "hydra"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    (tmp_path / "mine.py").write_text("import pandas\nprint(pandas.DataFrame.__name__)\n")
    console_script = (
        "import sys; sys.path[:] = [p for p in sys.path if p]; from hmexp.cli import main; sys.exit(main())"
    )
    words = ["plugins=[mine]", "--cfg", "job"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", console_script, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("DataFrame")


def test_asking_git_runs_no_program_of_the_checkouts(tmp_path):
    from hmexp.runner.environment import git_state

    checkout = tmp_path / "checkout"
    checkout.mkdir()
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)

    def git(*words: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", "-C", str(checkout), *identity, *words], check=True, capture_output=True)

    git("init")
    (checkout / "a.txt").write_text("one\n")
    git("add", ".")
    git("commit", "-m", "one")
    (checkout / ".gitattributes").write_text("*.txt filter=trap diff=trap\n")
    (checkout / "a.txt").write_text("two\n")
    for key in ("core.fsmonitor", "diff.external", "diff.trap.textconv", "diff.trap.command", "filter.trap.clean"):
        git("config", key, str(trap))
    (tmp_path / "sprung").unlink(missing_ok=True)
    state = git_state(checkout)
    assert state["dirty"] == "true"
    assert not (tmp_path / "sprung").exists()


def test_a_full_disk_is_said_with_the_place_and_the_bytes(tmp_path):
    from hmexp.process import full_disk

    try:
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "not" / "there"))
        except OSError as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError as error:
        said = full_disk(error)
    assert said is not None
    assert str(tmp_path) in said
    assert re.search(r"\(\d[\d.,]* \w+ free\)", said)
    assert full_disk(ValueError("other")) is None


@pytest.mark.parametrize("encoding", repeats("ascii", "latin-1", "utf-8"))
def test_names_that_the_terminal_cannot_show_do_not_end_the_work(tmp_path, encoding):
    from PIL import Image

    for label in ("Été", "日本", "\x1b[31mred"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(8):
            Image.new("RGB", (16, 16), (number * 30, 0, 0)).save(tmp_path / "pictures" / label / f"{number}.png")
        (tmp_path / "pictures" / label / "brökén.png").write_bytes(b"\x89PNG")
    words = (*QUICK, "data=folder", f"data.root={tmp_path / 'pictures'}", "tracking=none", "data.max_bad_fraction=0.5")
    own = [word for word in words if not word.startswith("tracking.")]
    env = os.environ | {"PYTHONIOENCODING": encoding, "HMEXP_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(command(*own), cwd=tmp_path, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"\x1b[31m" not in done.stdout


@pytest.fixture
def mlflow_server(tmp_path):
    """Starts an MLflow server on its own database, as often as asked; the address has a password in it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = tmp_path / "server"
    store.mkdir()
    running = []

    def start() -> str:
        words = [
            "--backend-store-uri",
            f"sqlite:///{store}/mlflow.db",
            "--artifacts-destination",
            str(store / "artifacts"),
        ]
        env = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        command = [sys.executable, "-m", "mlflow", "server", *words, "--port", str(port), "--workers", "1"]
        running.append(
            subprocess.Popen(
                command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
        )
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return f"http://anna:{PASSWORD}@127.0.0.1:{port}"
            time.sleep(0.2)
        raise TimeoutError("the server did not start")

    def stop() -> None:
        os.killpg(running[-1].pid, signal.SIGKILL)
        running[-1].wait()

    yield start, stop, store
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_server_that_goes_away_does_not_end_the_run_and_a_password_is_written_nowhere(
    tmp_path, start_in, hmexp_in, mlflow_server
):
    from mlflow import MlflowClient

    start, stop, store = mlflow_server
    uri = start()
    root = tmp_path / "root"
    root.mkdir()
    job = start_in(*QUICK, "trainer.epochs=12", f"tracking.uri={uri}", cwd=root)
    job.reach(lambda: list(root.glob("mlruns/jobs/*/history.csv")))
    stop()
    ended = job.ended(300)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    assert said.count("not recorded in MLflow") >= 1
    assert "Traceback" not in said
    start()
    done = hmexp_in("runs", f"tracking.uri={uri}", cwd=root)
    assert "the record of" in done.stdout
    client = MlflowClient(uri.replace(f"anna:{PASSWORD}@", ""))
    [run] = client.search_runs([client.get_experiment_by_name("hmexp").experiment_id])
    assert run.info.status == "FINISHED"
    assert len(client.get_metric_history(run.info.run_id, "val/loss")) == 12
    assert len(run.outputs.model_outputs) == 1
    written = [path for folder in (root, store) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in written if PASSWORD.encode() in path.read_bytes()] == []
    assert PASSWORD not in said + done.stdout + done.stderr
