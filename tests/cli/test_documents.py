"""The commands that the documents show are commands: each is composed as it stands."""

import re
import shlex
from pathlib import Path

import pytest

from hmexp.cli import main

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/sweeps.md", "docs/python.md")
NAMED = re.compile(r"\b(RUN|SWEEP|latest)\b|\bresume=|experiment=winner|plugins=")
"""Commands that go on from something, or need a package of one's own."""


def commands() -> list[str]:
    found = []
    for name in DOCUMENTS:
        text = (CHECKOUT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        for block in re.findall(r"```bash\n(.*?)```", text, re.DOTALL):
            for line in block.splitlines():
                for part in line.split("#")[0].split("&&"):
                    words = part.strip()
                    if words.startswith(("hmexp ", "python -m hmexp ")) and not NAMED.search(words):
                        found.append(" ".join(words.split()))
    return sorted(set(found))


def test_there_are_commands_to_check():
    assert len(commands()) > 15


@pytest.mark.parametrize(
    "command", [command for command in commands() if " -m " not in command.removeprefix("python -m")]
)
def test_every_command_of_the_documents_is_composed(command, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for folder in ("PICTURES", "CATALOGUE"):
        (tmp_path / folder).mkdir()
    words = shlex.split(command.removeprefix("python -m "))[1:]
    assert main([*words, "--cfg", "job"]) == 0, capfd.readouterr().err
