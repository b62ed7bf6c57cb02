"""Help, version and completion, as a user sees them."""

import os
import subprocess
import sys
from inspect import get_annotations

import pytest

from hmexp.cli import VERBS, main
from hmexp.config.compose import compose_words
from hmexp.config.keys import keys_of_options
from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import GROUPS
from hmexp.config.schemas import VERBS as SCHEMAS


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
def test_every_key_of_a_verb_has_its_meaning(verb):
    groups = keys_of_options(SCHEMAS[VERBS[verb].schema])
    assert groups[0].keys
    assert [key.path for group in groups for key in group.keys if not key.meaning] == []
    assert [group.option for group in groups if not group.summary] == []


@pytest.mark.parametrize("verb", VERBS)
def test_a_verbs_page_begins_with_its_own_keys_and_shows_what_the_command_sets(verb, capsys):
    assert main([verb, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert " ".join(" ".join(lines).split()).startswith(f"{verb}: {VERBS[verb].help}")
    schema = SCHEMAS[VERBS[verb].schema]
    own = [name for name in get_annotations(schema) if name not in GROUPS and name != "paths"]
    shown = [line.split("=")[0].strip() for line in lines[lines.index("Keys") + 1 :] if line.startswith("  ")]
    assert shown[0].partition(".")[0] == own[0]


def test_the_page_shows_the_chosen_options_and_all_of_them_when_asked(capsys):
    assert main(["model=resnet", "experiment=fast", "trainer.epochs=7", "--help"]) == 0
    page = capsys.readouterr().out
    assert "[model=resnet]" in page
    assert "  trainer.epochs=7 " in page
    assert "[model=cnn]" not in page
    assert main(["train", "--help", "all"]) == 0
    page = capsys.readouterr().out
    options = [f"{group}={name}" for group, names in GROUPS.items() for name in names if name != "default"]
    assert [option for option in options if f"[{option}]" not in page.replace("=[", "=").replace("]]", "]")] == []
    assert "hydra.sweeper.prune" in page
    assert main(["model=resnt", "--help"]) == 2
    assert "did you mean resnet?" in capsys.readouterr().err


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_pages_are_wrapped_to_the_terminal(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["stage", "--help", "all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    long = [line for line in lines if len(line) > min(columns, 120) and " " in line.strip()[:columns]]
    assert [line for line in long if "=" not in line.split()[0]] == []


def test_what_is_ones_own_is_listed(tmp_path, monkeypatch, capsys):
    (tmp_path / "listed_plugin.py").write_text(
        "from dataclasses import dataclass\n"
        "from hydra.core.config_store import ConfigStore\n"
        "from hmexp.config.strategies import MergeConfig\n"
        "@dataclass\nclass Listed(MergeConfig):\n    letters: int = 1\n"
        "ConfigStore.instance().store(group='data/merge', name='listed', node=Listed)\n"
    )
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "ours.yaml").write_text("# @package _global_\ntrainer: {epochs: 77}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert main(["plugins=[listed_plugin]", "--help"]) == 0
    page = " ".join(capsys.readouterr().out.partition("GROUP=OPTION")[2].split())
    assert "listed" in page.partition("data/merge")[2].partition("data/")[0]
    assert "ours" in page.partition("experiment ")[2]
    assert main(["train", "plugins=[listed_plugin]", "data/merge=listed", "--help"]) == 0
    assert "  data.merge.letters=1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("lr=0.1", "optimizer.learning_rate"),
        ("epochs=5", "trainer.epochs"),
        ("max_epochs=5", "trainer.epochs"),
        ("batch=32", "trainer.batch_size"),
        ("dropout=0.3", "model.dropout"),
        ("image_size=64", "data.image_size"),
        ("optimizer.lr=1", "optimizer.learning_rate"),
        ("trainer.lr=1", "optimizer.learning_rate"),
        ("root=x", "data.root"),
        ("gpu=0", "trainer.device"),
        ("early-stopping=3", "trainer.early_stopping"),
        ("model.widhts=[4]", "model.widths"),
        ("--batch-size=5", "trainer.batch_size=5"),
        ("--seed=5", "seed=5"),
    ],
)
def test_likely_words_lead_to_the_key(word, key, capsys):
    assert main([word]) == 2
    assert f"(did you mean {key}?)" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["entirely=5", "--foo", "x=1"])
def test_nothing_is_suggested_for_what_is_like_nothing(word, capsys):
    assert main([word]) == 2
    assert "did you mean" not in capsys.readouterr().err


def test_several_values_for_one_say_both_ways(capsys):
    assert main(["model.widths=32,64"]) == 2
    assert "(a list is model.widths=[32,64]; a sweep over them has -m)" in capsys.readouterr().err


MODELS = ("backbone", "cnn", "cnn3", "hub", "imagenet", "resnet", "saved")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("hmexp pro", ["promote"]),
        ("hmexp model=", [f"model={name}" for name in MODELS]),
        ("hmexp trainer.ep", ["trainer.epochs="]),
        ("hmexp runs me", ["metric="]),
        ("hmexp stage data=h", ["data=hm"]),
        ("hmexp experiment=s", ["experiment=seed_baseline"]),
        ("hmexp backend=", ["backend=tensorflow", "backend=jax", "backend=torch"]),
        ("hmexp trainer.precision=mixed_b", ["trainer.precision=mixed_bfloat16"]),
        (
            "hmexp model=resnet model.norm=",
            ["model.norm=none", "model.norm=batch", "model.norm=layer", "model.norm=group"],
        ),
        ("hmexp deterministic=", ["deterministic=true", "deterministic=false"]),
        ("hmexp evaluate split=", ["split=train", "split=val", "split=test", "split=all"]),
        ("hmexp evaluate run=", ["run=latest", "run=2026-02-02_cnn3", "run=2026-01-01_cnn"]),
        ("hmexp resume=2026-01", ["resume=2026-01-01_cnn"]),
    ],
)
def test_completion(typed, expected, tmp_path):
    for name in ("2026-01-01_cnn", "2026-02-02_cnn3"):
        (tmp_path / "mlruns" / "jobs" / name).mkdir(parents=True)
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


def test_every_option_of_every_group_composes():
    conf = shipped_dir("conf")
    options = [path.relative_to(conf).with_suffix("") for path in conf.rglob("*/*.yaml")]
    assert {str(option.parent) for option in options} >= {*GROUPS, "debug"}
    for option in options:
        compose_words([f"{option.parent}={option.name}"], "promote" if str(option.parent) == "guard" else "train")


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
