"""The commands that the documents show do what they are shown for: each verb's run, on the sample, with a champion."""

import json
import os
import re
import shlex
import shutil
import zipfile
from pathlib import Path

import pytest
from test_documents import CHECKOUT, WITHOUT_TUTORIAL, commands, is_sweep, words_of

pytestmark = pytest.mark.slow
ELSEWHERE = re.compile(
    r"NETWORK|EfficientNet|hub|kaggle|runner=ray|MODEL_FOLDER|0\.0\.0\.0"  # weights, servers and machines that are not here
)
SERVE = ("serve", "ui")  # they wait for requests: tests/serving, and test_tutorial.py
LAST = ("rollback", "clean")
ALL = os.environ.get("HMEXP_DOCUMENTS") == "all"
LONG = ("export", "recommend", "doctor", "explore data=hm", "embed evaluate", "embed run")
"""Minutes in all, and run by the tests of these verbs too: HMEXP_DOCUMENTS=all."""


def verbs() -> list[str]:
    found = commands(WITHOUT_TUTORIAL, every=True)
    kept = [command for command in found if "=" not in words_of(command)[0] and not is_sweep(command)]
    kept = [command for command in kept if words_of(command)[0] not in SERVE and not ELSEWHERE.search(command)]
    if not ALL:
        kept = [command for command in kept if not command.startswith(tuple(f"hmexp {each}" for each in LONG))]
    return sorted(kept, key=lambda command: words_of(command)[0] in LAST)


@pytest.fixture(scope="module")
def world(promoted, sample, hmexp_in, tmp_path_factory):
    """A folder with two versions, a run that is no version, an evaluation, a sweep, and what the commands name."""
    root = tmp_path_factory.mktemp("world")
    shutil.copytree(promoted, root, dirs_exist_ok=True, symlinks=True)
    small = ("model=cnn", "model.widths=[4]", "data.image_size=16", "tracking.system_metrics=false")
    hmexp_in("-m", *small, "trainer.epochs=1", "seed=1,2", cwd=root)
    hmexp_in(*small, "trainer.epochs=2", "seed=3", "name=second", cwd=root)
    hmexp_in("promote", "run=second", "force=true", "reason=so that there is a version before", cwd=root)
    hmexp_in("evaluate", "run=second", cwd=root)
    (root / "CATALOGUE").symlink_to(sample)
    pictures = sorted((sample / "images").rglob("*.jpg"))
    for number, picture in enumerate(pictures[:40]):
        folder = root / "PICTURES" / f"class {number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, folder)
    shutil.copy(pictures[50], root / "PICTURE.jpg")
    with zipfile.ZipFile(root / "CATALOGUE.zip", "w") as archive:
        archive.write(sample / "articles.csv", "articles.csv")
        for picture in pictures[:30]:
            archive.write(picture, picture.relative_to(sample))
    return root


def made_real(command: str, root: Path) -> list[str]:
    """The words of a command, with names of this folder in place of those that stand for any."""
    [job] = (root / "mlruns" / "jobs").glob("*second")
    [evaluation] = (job / "evaluations").iterdir()
    ids = json.loads((job / "run.json").read_text())["run_id"]
    said = command.replace("jobs/RUN/evaluations/NAME", f"jobs/{job.name}/evaluations/{evaluation.name}")
    said = re.sub(r"\bFOLDER\b", "CATALOGUE/images", re.sub(r"\bRUN\b", ids[:8], said))
    said = said.replace("compare=" + f"{ids[:8]},{ids[:8]}", f"compare={ids[:8]},latest")
    return shlex.split(said)[1:]


@pytest.mark.parametrize("command", verbs())
def test_it_does_what_it_is_shown_for(command, world, hmexp_in, tmp_path):
    done = hmexp_in(*made_real(command, world), cwd=world)
    assert done.stdout.strip() or done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_every_verb_is_shown():
    from hmexp.verbs import VERBS

    shown = {words_of(command)[0] for command in commands(every=True)}
    assert set(VERBS) - shown <= {"train"}
    assert (CHECKOUT / "docs" / "commands.md").read_text(encoding="utf-8").count("| `") >= len(VERBS)
