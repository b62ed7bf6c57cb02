"""The verb that CONTRIBUTING adds is one, with what it says to write."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).resolve().parents[2]
IMPORTS = """\
from hmexp.catalogue.read import read_catalogue
from hmexp.config.invocation import Invocation
from hmexp.config.verbs import CountConfig
from hmexp.console import log


"""


def added(file: Path, text: str, before: str) -> None:
    """Put text before the first place of a file where `before` stands."""
    head, place, tail = file.read_text(encoding="utf-8").partition(before)
    assert place
    file.write_text(head + text + place + tail, encoding="utf-8")


def test_the_verb_of_contributing_works(tmp_path, cache, sample):
    for name in ("hmexp", "hydra_plugins", "conf", "experiments"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    section = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## A verb", 1)[1]
    code = "\n".join(re.findall(r"```(?:python|text)\n(.*?)```", section, re.DOTALL))
    schema, function, entry = (re.split(r"^# hmexp/\S+.*\n", code, flags=re.MULTILINE))[1:]
    assert len(code.splitlines()) < 22
    added(tmp_path / "hmexp/config/verbs.py", schema, "@dataclass\nclass RollbackConfig")
    (tmp_path / "hmexp/catalogue/count.py").write_text(IMPORTS + function, encoding="utf-8")
    added(tmp_path / "hmexp/verbs.py", f"    {entry}", ")\nVERBS")
    added(tmp_path / "hmexp/config/schemas.py", '    "count": verbs.CountConfig,\n', '    "doctor"')
    conf = (CHECKOUT / "conf/clean.yaml").read_text(encoding="utf-8").replace("schema/clean", "schema/count")
    (tmp_path / "conf/count.yaml").write_text(conf.replace("tracking: mlflow", "data: sample"), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "HMEXP_CACHE": str(cache)}
    command = [sys.executable, "-m", "hmexp"]
    done = subprocess.run([*command, "count"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^ +795 Garment Upper body$", done.stdout, re.MULTILINE), done.stdout
    page = subprocess.run([*command, "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True).stdout
    assert "articles of each class" in page
