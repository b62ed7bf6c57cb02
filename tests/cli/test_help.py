"""Help, version and completion, as a user sees them."""

import os
import subprocess
import sys

import pytest

from hmexp.cli import VERBS, main
from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import GROUPS


def test_the_main_page_lists_verbs_groups_and_examples(capsys):
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    for name, verb in VERBS.items():
        assert f"  {name} " in page
        assert verb.help in page
    assert all(group in page for group in GROUPS)
    assert page.count("hmexp -m") == 1
    assert "seed_baseline" in page


@pytest.mark.parametrize("verb", VERBS)
def test_every_key_of_a_verb_has_its_meaning(verb, capsys):
    assert main([verb, "--help"]) == 0
    keys = [line for line in capsys.readouterr().out.splitlines() if "=" in line and line.startswith("  ")]
    keys = [line for line in keys if not line.lstrip().startswith("[")]
    assert keys
    assert [line for line in keys if len(line.split(None, 1)) < 2] == []


MODELS = ("backbone", "cnn", "cnn3", "hub", "imagenet", "resnet", "saved")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("hmexp pro", ["promote"]),
        ("hmexp model=", [f"model={name}" for name in MODELS]),
        ("hmexp trainer.ep", ["trainer.epochs="]),
        ("hmexp runs me", ["metric="]),
        ("hmexp stage data=h", ["data=hm"]),
        ("hmexp experiment=s", ["experiment=seed_baseline"]),
    ],
)
def test_completion(typed, expected, tmp_path):
    env = os.environ | {"COMP_LINE": typed, "COMP_POINT": str(len(typed))}
    command = [sys.executable, "-m", "hmexp", "-sc", "query=bash"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == expected


def test_config_is_shown_and_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["--cfg", "job", "seed=0"]) == 0
    assert "seed: 0" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_presets_of_ones_own(tmp_path, monkeypatch, capsys):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "mine.yaml").write_text("# @package _global_\ntrainer: {epochs: 77}\n")
    other = tmp_path / "conf" / "experiment"
    other.mkdir(parents=True)
    (other / "theirs.yaml").write_text("# @package _global_\ntrainer: {epochs: 66}\n")
    monkeypatch.chdir(tmp_path)
    assert main(["--cfg", "job", "experiment=mine"]) == 0
    assert "epochs: 77" in capsys.readouterr().out
    assert main(["--config-dir", str(tmp_path / "conf"), "--cfg", "job", "experiment=theirs"]) == 0
    assert "epochs: 66" in capsys.readouterr().out
    assert main(["--cfg", "job", "experiment=seed_baseline", "data.root=x"]) == 0
    assert "monitor: val/accuracy" in capsys.readouterr().out


def test_every_option_of_every_group_composes(capsys):
    conf = shipped_dir("conf")
    options = [path.relative_to(conf).with_suffix("") for path in conf.rglob("*/*.yaml")]
    assert {str(option.parent) for option in options} >= {*GROUPS, "debug"}
    for option in options:
        verb = ["promote"] if str(option.parent) == "guard" else []
        assert main([*verb, "--cfg", "job", f"{option.parent}={option.name}"]) == 0, option


def test_a_plugin_brings_its_own_strategy(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_plugin.py").write_text(
        "from dataclasses import dataclass\n"
        "from hydra.core.config_store import ConfigStore\n"
        "from hmexp.config.strategies import MergeConfig\n"
        "@dataclass\nclass Mine(MergeConfig):\n    letters: int = 1\n"
        "ConfigStore.instance().store(group='data/merge', name='mine', node=Mine)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert main(["plugins=[my_plugin]", "data/merge=mine", "data.merge.letters=2", "--cfg", "job"]) == 0
    assert "letters: 2" in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hmexp 0.")
