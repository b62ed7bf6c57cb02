"""Whatever is typed ends with 0 or with one line and 2: a few mistyped commands, or 1,000 under `HMEXP_FAULTS=all`."""

import shlex
import shutil

import numpy as np
import pytest
from command_lines import TINY, Line, command_line
from PIL import Image
from repeated import ALL
from tries import attempt

pytestmark = pytest.mark.slow
SEED = 20261126
COUNT = 1000 if ALL else 16
LIMIT = 120.0
"""Seconds; a refused command takes a third of one."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Three classes of ten small pictures."""
    folder, noise = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for label in ("a", "b", "c"):
        (folder / label).mkdir()
        for number in range(10):
            Image.fromarray(noise.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / label / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def recorded(pictures, hmexp_in, tmp_path_factory):
    """A folder with a finished run."""
    folder = tmp_path_factory.mktemp("recorded")
    hmexp_in(*Line(TINY, real=True, recorded=False).filled(pictures), cwd=folder)
    return folder


@pytest.mark.parametrize("part", range(10 if ALL else 1))
def test_whatever_is_typed_ends_well(part, pictures, server, cache, tmp_path, request):
    recorded = request.getfixturevalue("recorded") if ALL else None
    found = []
    for number in range(part * COUNT // 10 if ALL else 0, (part + 1) * COUNT // 10 if ALL else COUNT):
        line = command_line(SEED, number)
        cwd, output = tmp_path / f"{number}", tmp_path / f"{number}_output"
        output.mkdir()
        if line.recorded and recorded:
            shutil.copytree(recorded, cwd)
        else:
            cwd.mkdir()
        words = line.filled(pictures)
        tried = attempt(server, words, cwd, output, cache, stops=not line.real, limit=LIMIT)
        if tried.faults():
            found.append(f"{number}: hmexp {shlex.join(words)[:2000]}\n  {tried.faults()}\n{tried.stderr[-3000:]}")
        shutil.rmtree(cwd)
    assert not found, "\n\n".join(found)
