"""What a sweep does with its jobs, whatever runs them."""

import io
import json
import os
import re
import signal
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from filelock import FileLock
from hydra.core.utils import JobReturn, JobStatus
from rich.console import Console

from hmexp.config.errors import UserError
from hmexp.console import bar_line, bars
from hmexp.jobs.table import Job, JobTable
from hmexp.metrics.names import METRICS
from hmexp.sweeps.closing import close
from hmexp.sweeps.design import Design
from hmexp.sweeps.identity import check_stopped
from hmexp.sweeps.launch import Batches
from hmexp.sweeps.results import recorded_seconds
from hmexp.sweeps.search import Grid
from hmexp.sweeps.space import Parameter
from hmexp.sweeps.sweep import Sweep
from hmexp.sweeps.view import View
from hmexp.tracking.sweeps import NoSweepRecorder
from hmexp.training.interruption import Interruption

OBJECTIVE = "best/val/macro_f1"


def fail(number):
    return JobReturn(status=JobStatus.FAILED, _return_value=ValueError(f"no luck with {number}"))


@pytest.fixture
def make(tmp_path):
    """A sweep over two dropouts in batches of two, and the numbers of the jobs that it has launched."""
    JobTable(tmp_path).create()

    def run(launch=fail):
        launched = []

        def launch_batch(words, first):
            launched.extend(range(first, first + len(words)))
            return [launch(number) for number in range(first, first + len(words))]

        design = Design((), 1, 1, 0, OBJECTIVE, METRICS["macro_f1"], None, 0)
        grid = Grid((Parameter("model.dropout", ("0.1", "0.2")),))
        parts = [NoSweepRecorder(), lambda words: SimpleNamespace(backend="tensorflow"), View(), Interruption()]
        return Sweep(tmp_path, design, grid, Batches(launch_batch, 2), *parts), launched

    return run


def test_on_a_terminal_a_sweep_has_the_bar_and_its_running_jobs_below(make, monkeypatch):
    drawing = io.StringIO()
    terminal = Console(file=drawing, force_terminal=True, width=60, no_color=True, _environ={"TERM": "xterm"})
    for module in (bar_line, bars):
        monkeypatch.setattr(module, "console", terminal)

    def launch(number):
        bars._display.progress.refresh()
        return fail(number)

    sweep, _ = make(launch)
    sweep.run()
    drawn = [re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", line).strip() for line in drawing.getvalue().splitlines()]
    assert [line for line in drawn if re.fullmatch(r"sweep .*  0% 0 of 2", line)], drawn
    assert "job  what         epoch  val/macro_f1  s an epoch" in drawn
    assert {"0    dropout=0.1", "1    dropout=0.2"} <= set(drawn)
    assert [line for line in drawn if line.endswith("100% 2 of 2 2 failed")], drawn
    assert max(map(len, drawn)) < 60
    assert bars._display.progress is None


def leave_run(folder, status="FINISHED", begun=0.0):
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text(json.dumps({"run_id": folder.name, "root": "/", "status": status, "begun": begun}))
    (folder / "metrics.json").write_text(json.dumps({OBJECTIVE: 0.5}))


def test_a_sweep_in_which_nothing_finished_has_its_page(make, tmp_path):
    sweep, _ = make()
    sweep.run()
    close(sweep, "FAILED")
    assert [job.reason for job in JobTable(tmp_path).jobs()] == [f"ValueError: no luck with {n}" for n in range(2)]
    page = (tmp_path / "report.html").read_text()
    assert "No job finished" in page
    assert "no luck with 1" in page
    assert not (tmp_path / "experiment").exists()


def test_what_cannot_be_run_is_skipped(make, tmp_path):
    def check(words):
        if "model.dropout=0.2" in words:
            raise UserError("no luck with 0.2")
        return SimpleNamespace(backend="tensorflow")

    def finish(number):
        leave_run(tmp_path / str(number))
        return JobReturn(status=JobStatus.COMPLETED)

    sweep, launched = make(finish)
    sweep.check, sweep.design = check, replace(sweep.design, skip_invalid=True)
    sweep.run()
    assert launched == [0]
    assert [(job.status, job.reason) for job in sweep.jobs] == [("finished", ""), ("skipped", "no luck with 0.2")]
    assert not (tmp_path / "1").exists()


def test_ctrl_c_does_not_wait_for_a_batch(make, tmp_path):
    def launch(number):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
        raise AssertionError("the batch was waited for")

    sweep, _ = make(launch)
    with sweep.interruption.listening(), pytest.raises(KeyboardInterrupt):
        sweep.run()
    assert [job.status for job in JobTable(tmp_path).jobs()] == ["pending"] * 2


def test_a_run_that_ended_while_nobody_looked_is_kept(make, tmp_path):
    jobs = [Job(number, number, {"model.dropout": f"0.{number + 1}"}, status="pending") for number in range(2)]
    JobTable(tmp_path).write(jobs)
    leave_run(tmp_path / "0", begun=time.time() - 100)
    sweep, launched = make()
    sweep.run()
    first, second = JobTable(tmp_path).jobs()
    assert (first.status, first.objective) == ("finished", 0.5)
    assert first.seconds == pytest.approx(100, abs=5)
    assert (second.status, launched) == ("failed", [1])


def test_seconds_of_a_run_are_those_of_its_last_start(tmp_path):
    assert recorded_seconds(tmp_path) == 0
    leave_run(tmp_path, begun=time.time() - 7)
    assert recorded_seconds(tmp_path) == pytest.approx(7, abs=1)


def test_a_sweep_waits_for_jobs_that_it_cannot_end(tmp_path):
    JobTable(tmp_path).create()
    JobTable(tmp_path).write([Job(0, 0, status="running"), Job(1, 1, status="running", pid=1)])
    for number in range(2):
        leave_run(tmp_path / str(number), "RUNNING")
    check_stopped(tmp_path)
    with FileLock(tmp_path / "1" / "run.lock"):  # this machine's: it is told to end
        check_stopped(tmp_path)
    expected = "resume: expected a sweep whose jobs have stopped, received .*, whose job 0 still runs"
    with FileLock(tmp_path / "0" / "run.lock"), pytest.raises(UserError, match=expected):
        check_stopped(tmp_path)
