"""The commands that the documents show do what they are shown for: each is run, on the sample, with a champion."""

import json
import re
import shlex
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from test_documents import ALL, WITHOUT_TUTORIAL, commands, is_sweep, words_of

pytestmark = pytest.mark.slow
ELSEWHERE = re.compile(r"NETWORK|EfficientNet|hub|kaggle|runner=ray|MODEL_FOLDER|0\.0\.0\.0|0108775015")
"""Weights, servers, machines and articles that are not here."""
OTHERS = ("serve", "ui", "promote guard", "promote run=latest")
"""They wait for requests, or depend on which model is better: tests/serving, tests/promotion, test_tutorial.py."""
ONE_EACH = (
    *("clean", "embed", "evaluate run=latest", "explore data=hm data.root=CATALOGUE pictures=false", "fetch zip"),
    *("predict source", "promote history", "report run=RUN", "runs metric", "similar image"),
)
"""Without HMEXP_DOCUMENTS=all, which takes minutes, a command of each verb."""
FIRST, LAST = ("promote run=RUN force=true", "evaluate"), ("rollback", "clean")


def verbs() -> list[str]:
    """The commands that train nothing, in an order in which they can be typed."""
    found = commands(WITHOUT_TUTORIAL, every=True)
    kept = [command for command in found if "=" not in words_of(command)[0] and not is_sweep(command)]
    kept = [command for command in kept if not begins(command, OTHERS) and not ELSEWHERE.search(command)]
    kept = [command for command in kept if ALL or begins(command, ONE_EACH)]
    return sorted(kept, key=lambda command: (begins(command, LAST), *(not begins(command, (each,)) for each in FIRST)))


def begins(command: str, starts: Sequence[str]) -> bool:
    return command.removeprefix("hmexp ").startswith(tuple(starts))


@pytest.fixture
def world(promoted, sample, hmexp_in, tmp_path):
    """A folder with a champion, what the commands name, and a sweep where all of them are run."""
    shutil.copytree(promoted, tmp_path, dirs_exist_ok=True, symlinks=True)
    if ALL:
        small = ("model=cnn", "model.widths=[4]", "data.image_size=16", "tracking.system_metrics=false")
        hmexp_in("-m", *small, "trainer.epochs=1", "seed=1,2", cwd=tmp_path)
    (tmp_path / "CATALOGUE").symlink_to(sample)
    pictures = sorted((sample / "images").rglob("*.jpg"))
    for number, picture in enumerate(pictures[:40]):
        folder = tmp_path / "PICTURES" / f"class {number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, folder)
    shutil.copy(pictures[50], tmp_path / "PICTURE.jpg")
    with zipfile.ZipFile(tmp_path / "CATALOGUE.zip", "w") as archive:
        archive.write(sample / "articles.csv", "articles.csv")
        for picture in pictures[:30]:
            archive.write(picture, picture.relative_to(sample))
    return tmp_path


def made_real(command: str, root: Path) -> list[str]:
    """The words of a command, with names of this folder in place of those that stand for any."""
    [job] = (root / "mlruns").glob("sweeps/*/0" if ALL else "jobs/*")
    run = json.loads((job / "run.json").read_text())["run_id"][:8]
    found = sorted((job / "evaluations").glob("*"))
    said = command.replace("mlruns/jobs/RUN/evaluations/NAME", str(found[0].relative_to(root)) if found else "")
    said = re.sub(r"\bFOLDER\b", "CATALOGUE/images", said.replace("compare=RUN,RUN", f"compare={run},latest"))
    return shlex.split(re.sub(r"\bRUN\b", run, said))[1:]


def test_each_does_what_it_is_shown_for(world, hmexp_in):
    typed = verbs()
    assert len(typed) > (30 if ALL else 9)
    for command in typed:
        refused = command == "hmexp promote"  # there are too few articles
        done = hmexp_in(*made_real(command, world), cwd=world, code=1 if refused else 0)
        assert done.stdout.strip(), command


def test_every_verb_is_shown():
    from hmexp.verbs import VERBS

    assert set(VERBS) - {"train"} <= {words_of(command)[0] for command in commands(every=True)}
