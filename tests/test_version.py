"""One version, wherever it stands."""

import re
import tomllib
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[1]


def test_the_citation_and_the_changelog_are_of_this_version():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((CHECKOUT / "CITATION.cff").read_text(encoding="utf-8"))
    newest = re.search(r"^## (\S+) \((\S+)\)$", (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert citation["version"] == newest[1] == project["version"]
    assert citation["date-released"].isoformat() == newest[2]
    assert citation["license"] == project["license"]
