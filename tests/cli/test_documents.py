"""The commands that the documents show are commands: each is composed as it stands."""

import json
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from hmexp.cli import main

ALL = os.environ.get("HMEXP_DOCUMENTS") == "all"
CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (CHECKOUT / "docs").glob("*.md")))
WITHOUT_TUTORIAL = tuple(name for name in DOCUMENTS if name != "docs/tutorial.md")
"""Its commands run in test_tutorial.py; its first training is short on purpose."""
NAMED = re.compile(r"\b(RUN|SWEEP|latest)\b|\bresume=|against=|experiment=winner|plugins=")
"""Commands that go on from something, or need a package of one's own."""


def commands(documents: Sequence[str] = DOCUMENTS, every: bool = False) -> list[str]:
    """The commands of documents; with `every` those too that go on from something."""
    found = []
    for name in documents:
        text = (CHECKOUT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL):
            for line in block.splitlines():
                for part in line.split("#")[0].split("&&"):
                    words = part.strip()
                    if words.startswith(("hmexp ", "python -m hmexp ")) and (every or not NAMED.search(words)):
                        found.append(" ".join(words.split()))
    return sorted(set(found))


def test_there_are_commands_to_check():
    assert len(commands()) > 15


def words_of(command: str) -> list[str]:
    return shlex.split(command.removeprefix("python -m "))[1:]


def is_sweep(command: str) -> bool:
    return "-m" in words_of(command)


def trains(command: str) -> bool:
    """Whether it is one training on the sample, with the backend that the tests' processes are forked with.

    Without HMEXP_DOCUMENTS=all, one of a network that is chosen: what decides whether it learns.
    """
    words = words_of(command)
    left_out = ("data=", "debug=", "backend=", "experiment=", "callbacks=", "-")
    chosen = ALL or any(word.startswith("model=") for word in words)
    return chosen and all("=" in word and not word.startswith(left_out) for word in words)


@pytest.mark.parametrize("command", [command for command in commands() if not is_sweep(command)])
def test_every_command_of_the_documents_is_composed(command, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for folder in ("PICTURES", "CATALOGUE"):
        (tmp_path / folder).mkdir()
    assert main([*words_of(command), "--cfg", "job"]) == 0, capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in commands() if is_sweep(command) and "ray" not in command])
def test_every_sweep_of_the_documents_is_planned(command, hmexp, tmp_path):
    """The command is read, its space composed and checked; then the bound on jobs stops it."""
    few = ["hydra.sweeper.max_jobs=1", "data.image_size=32", "tracking=none"]
    refused = hmexp(*words_of(command), *few, code=2)
    assert "hydra.sweeper.max_jobs" in refused.stderr, refused.stderr
    assert not (tmp_path / "mlruns" / "sweeps").exists()


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in commands(WITHOUT_TUTORIAL) if trains(command)])
def test_every_training_of_the_documents_learns(command, hmexp, tmp_path):
    words = words_of(command)
    hmexp(*words, "data.image_size=32", "data.limit=1000", "trainer.stop_after=4", "tracking=none")
    [job_dir] = (tmp_path / "mlruns" / "jobs").iterdir()
    metrics = json.loads((job_dir / "metrics.json").read_text())
    classes = json.loads((job_dir / "model" / "card.json").read_text())["classes"]
    assert metrics["best/val/balanced_accuracy"] > 2 / len(classes), "twice of what guessing reaches"
