"""Damaged tables, presets and pictures are read, or refused in a line: a few, or 1,000 under `HMEXP_FAULTS=all`.

They are read in a process of their own, many one after another, so that one that kills it is found and named.
"""

import json
import random
import shlex
import shutil

import numpy as np
import pytest
from file_tries import run_tries
from mutated_files import preset
from PIL import Image
from repeated import ALL
from tries import attempt

pytestmark = pytest.mark.slow
SEED = 20261126
COUNTS = {"table": (20, 1000), "preset": (20, 1000), "picture": (200, 1000), "folder": (2, 60)}
COMMANDS = 200 if ALL else 4
PLACES = ("experiments/mine.yaml", "mine/experiment/mine.yaml", "mine/model/mine.yaml", "mine/optimizer/mine.yaml")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """The pictures of the thirty articles of the tables."""
    folder, noise = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    (folder / "010").mkdir()
    for number in range(30):
        picture = noise.integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(picture).save(folder / "010" / f"01{number:08d}.png")
    return folder


@pytest.mark.parametrize("kind", COUNTS)
def test_damaged_files_are_read_or_refused(kind, pictures, server, tmp_path):
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in pictures.rglob("*.png")}
    output, numbers = tmp_path / "output", range(COUNTS[kind][ALL])
    process = server.Process(target=run_tries, args=(kind, SEED, numbers, tmp_path, pictures, output))
    process.start()
    process.join()
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert process.exitcode == 0, f"the process ended with {process.exitcode} at {lines[-1]}"
    said = {line["number"]: line["said"] for line in lines if "said" in line}
    faults = [f"{number}: {text}" for number, text in said.items() if text.startswith("fault")]
    assert not faults, "\n\n".join(faults)
    assert len(said) == len(numbers)
    assert sum(text.startswith("fine") for text in said.values()) > len(numbers) // 20, "some are read"
    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in pictures.rglob("*.png")}
    assert after == before, "the pictures are as they were"


def test_damaged_configs_are_read_or_refused_by_the_command(server, cache, tmp_path):
    found = []
    for number in range(COMMANDS):
        draw = random.Random(f"{SEED}:command:{number}")
        cwd, output, place = tmp_path / f"{number}", tmp_path / f"{number}_output", PLACES[number % len(PLACES)]
        path = cwd / place
        path.parent.mkdir(parents=True)
        output.mkdir()
        content = preset(draw)
        path.write_bytes(content)
        words = [f"{path.parent.name.removesuffix('s')}=mine", *(["--config-dir", "mine"] if "mine/" in place else [])]
        tried = attempt(server, words, cwd, output, cache, stops=True, limit=120)
        if tried.faults() or path.read_bytes() != content:
            found.append(
                f"{number}: hmexp {shlex.join(words)}\n  {tried.faults()}\n{tried.stderr[-3000:]}\n{content!r}"
            )
        shutil.rmtree(cwd)
    assert not found, "\n\n".join(found)
