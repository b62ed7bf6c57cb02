"""A sweep that is killed at random moments and goes on: nothing is lost, nothing that had ended is done again.

`HMEXP_FAULTS=all` kills larger sweeps, of each kind, more often.
"""

import random
import re
import signal
import time
from functools import partial
from pathlib import Path

import formula_sweep
import pytest
from repeated import ALL, repeats

from hmexp.jobs.table import JobTable
from hmexp.sweeps.search import num_hyperband_trials

pytestmark = pytest.mark.slow
EPOCHS = 4 if ALL else 2
SMALL = [
    *("hydra/launcher=basic", "tracking=none", "data.limit=60", "data.image_size=8", "model=cnn", "model.widths=[4]"),
    f"trainer.epochs={EPOCHS}",
]
KILLS = 5 if ALL else 1
TRIALS = 8 if ALL else 4
RATES = "optimizer.learning_rate=1e-3,2e-3,3e-3" if ALL else "optimizer.learning_rate=1e-3,2e-3"
TUNER = [
    *("hydra/sweeper=keras_tuner", "hydra.sweeper.batch_size=2", f"hydra.sweeper.max_trials={TRIALS}"),
    *("optimizer.learning_rate=tag(log,interval(1e-4,1e-2))", "model.dropout=interval(0,0.5)"),
]
SWEEPS = {
    "lists": ["hydra.sweeper.batch_size=2", RATES, "model.dropout=0.1,0.2,0.3"],
    "bayesian": [*TUNER, "hydra.sweeper.oracle=bayesian", "hydra.sweeper.num_initial_points=2"],
    "hyperband": [*TUNER, "hydra.sweeper.oracle=hyperband", "hydra.sweeper.factor=2"],
}
EXPECTED = {"lists": 9 if ALL else 6, "bayesian": TRIALS, "hyperband": num_hyperband_trials(EPOCHS, factor=2)}


@pytest.fixture
def start(start_in, tmp_path):
    return partial(start_in, "-m", *SMALL, cwd=tmp_path, main=formula_sweep.main)


def said(root: Path) -> list[str]:
    path = root / "executed.log"
    return path.read_text().splitlines() if path.is_file() else []


@pytest.mark.parametrize("kind", repeats("hyperband", "bayesian", "lists"))
def test_killed_at_random_moments(kind, start, tmp_path):
    rng = random.Random(kind)
    sweep = start(*SWEEPS[kind])
    for _ in range(KILLS):
        due = len(said(tmp_path)) + rng.randint(1, 3)
        sweep.reach(lambda due=due: len(said(tmp_path)) >= due)
        time.sleep(rng.random() * 0.04)
        assert sweep.ended_by(signal.SIGKILL).returncode == -signal.SIGKILL
        sweep = start(*SWEEPS[kind], "resume=latest")
    done = sweep.ended(120)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (tmp_path / "mlruns" / "sweeps").iterdir()
    jobs = JobTable(folder).jobs()
    assert {job.status for job in jobs} == {"finished"}
    assert len(jobs) == EXPECTED[kind]
    assert len({tuple(job.parameters.items()) for job in jobs}) == len(jobs)
    ended: set[str] = set()
    for line in said(tmp_path):
        number = line.split()[1]
        assert not (line.startswith("begin") and number in ended), "a job that had ended was done again"
        ended |= {number} if line.startswith("end") else set()
    assert ended == {str(job.number) for job in jobs}
    if kind == "hyperband":
        check_forks(folder, said(tmp_path))


def check_forks(folder: Path, lines: list[str]) -> None:
    """Every job with a parent started from that parent's checkpoint, with the same parameters and more epochs."""
    jobs = JobTable(folder).jobs()
    children = [job for job in jobs if job.parent is not None]
    assert children
    for child in children:
        parent = jobs[child.parent]
        fewer, more = (job.parameters["trainer.stop_after"] for job in (parent, child))
        assert int(fewer) < int(more)
        assert child.parameters == parent.parameters | {"trainer.stop_after": more}
        begun = [line for line in lines if line.startswith(f"begin {child.number} ")]
        forked, resumed = (re.search(rf"{word}=(\w+)", begun[0])[1] for word in ("fork", "resume"))
        assert forked == str(child.parent) or resumed == "True"


def test_another_space_or_other_settings_are_refused(start, tmp_path):
    first = start(*SWEEPS["lists"])
    first.reach(lambda: len(said(tmp_path)) >= 3)
    first.ended_by(signal.SIGKILL)
    before = said(tmp_path)
    other = ["model.dropout=0.1,0.2", "model.kernel=5", "hydra.sweeper.prune=median", SWEEPS["lists"][1]]
    output = start(SWEEPS["lists"][0], *other, "resume=latest").ended().stderr
    lines = ["model.dropout=0.1,0.2 (was 0.1,0.2,0.3)", "model.kernel=5 (was 3)"]
    lines.append("hydra.sweeper.prune=median (was none)")
    for line in [*lines, "order=model.dropout, optimizer.learning_rate (was optimizer.learning_rate, model.dropout)"]:
        assert line in output
    (folder,) = (tmp_path / "mlruns" / "sweeps").iterdir()
    digests = JobTable(folder).facts()["digests"]
    JobTable(folder).write(digests=dict.fromkeys(digests, "0123"))
    output = start(*SWEEPS["lists"], "resume=latest").ended().stderr
    assert f"expected the data of {folder.name} (0123), received" in output
    assert said(tmp_path) == before
