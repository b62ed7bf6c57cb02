"""Killed between any two durable writes, or at any moment, a run goes on to the very same weights, history and record.

`HMEXP_FAULTS=all` tries every durable write of a training instead of one (some 240, two hours), and a moment by the
clock, on JAX too; without it, JAX's runs are cut and resumed in `tests/training/test_on_device.py`.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from repeated import ALL, repeats

pytestmark = pytest.mark.slow
DRIVER = Path(__file__).with_name("driver.py")
SAME = ("weights", "history", "series", "points", "metrics", "files", "status")
FIRST_WRITES = 10
"""Those before it make folders; a run killed there is begun anew."""


@pytest.fixture
def pictures(tmp_path):
    """Three classes of small pictures, fifty each."""
    noise = np.random.default_rng(0)
    for name, colour in {"dark": (0, 0, 0), "light": (120, 120, 120), "red": (140, 0, 0)}.items():
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for number in range(50):
            picture = noise.integers(0, 90, (20, 20, 3)) + np.array(colour)
            Image.fromarray(picture.astype(np.uint8)).save(folder / f"{number}.png")
    return tmp_path


def outcomes(folder: Path, backend: str, points: list[str]) -> list[dict]:
    env = os.environ | {"HMEXP_CACHE": str(folder / "cache"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(DRIVER), str(folder), backend, *points]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def writes_of_a_training(folder: Path, backend: str) -> int:
    """How many durable writes a run makes whose store is there."""
    return len(outcomes(folder, backend, ["none", "none"])[1]["writes"])


@pytest.mark.parametrize("backend", repeats("tensorflow", "jax"))
def test_a_killed_run_goes_on_to_the_very_same_result(pictures, backend):
    pytest.importorskip(backend)
    writes = range(FIRST_WRITES, writes_of_a_training(pictures, backend)) if ALL else [200]
    points = [str(write) for write in writes]
    moment = f"after:{random.uniform(0.0, 3.0):.2f}"
    whole, *resumed = outcomes(pictures, backend, ["again", *points, *([moment] if ALL else [])])
    assert whole["codes"] == [0]
    assert whole["points"]["train/loss"] == whole["history"].count("\n") - 1, "a point an epoch"
    for found in resumed:
        assert found["codes"][-1] == 0, found
        different = [name for name in SAME if found[name] != whole[name]]
        assert not different, (found["point"], different)
    killed = [found["point"] for found in resumed if found["codes"][0] == -9]
    assert set(points) <= set(killed), "each was killed where it was to be"
