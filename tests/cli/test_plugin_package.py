"""A package of a user's own: built, installed and trained with, as CONTRIBUTING.md says."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plugin"
SMALL = ("data.image_size=32", "data.limit=200", "trainer.epochs=3", "tracking=none")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the package installed into it, from a wheel."""
    source, site = tmp_path_factory.mktemp("source") / "plugin", tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLE, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(site), str(source)], check=True, timeout=120)
    return site


@pytest.mark.slow
def test_its_options_and_its_preset_are_in_the_help(site, hmexp_in):
    page = " ".join(hmexp_in("--help", "plugins=[shop_plugin]", cwd=site).stdout.partition("GROUP=OPTION")[2].split())
    for group, option in {
        "data/merge": "initial",
        "model": "mlp",
        "callbacks": "stop_at",
        "experiment": "shop",
    }.items():
        names = re.search(rf"{group} ((?:\w+, )*\w+)", page)
        assert option in names[1].split(", ")
    keys = hmexp_in("train", "--help", "plugins=[shop_plugin]", "experiment=shop", cwd=site).stdout
    assert "  model.width=64 " in keys and "  trainer.epochs=3 " in keys


@pytest.mark.slow
def test_a_package_brings_a_model_a_strategy_and_a_callback(hmexp_in, site):
    words = ["plugins=[shop_plugin]", "model=mlp", "model.width=8", "data/merge=initial", "callbacks=[stop_at]"]
    hmexp_in(*words, "callbacks.stop_at.accuracy=0.01", *SMALL, cwd=site)
    [job_dir] = (site / "mlruns" / "jobs").iterdir()
    assert "_mlp_width-8_merge-initial" in job_dir.name
    assert len((job_dir / "history.csv").read_text().splitlines()) == 2, "the callback ended it after an epoch"
    classes = json.loads((job_dir / "model" / "card.json").read_text())["classes"]
    assert all(len(name) == 1 for name in classes)

    hmexp_in(
        "plugins=[shop_plugin]",
        "experiment=shop",
        *SMALL,
        "trainer.epochs=1",
        f"paths.root={site / 'preset'}",
        cwd=site,
    )
    [of_preset] = (site / "preset" / "mlruns" / "jobs").iterdir()
    assert "width: 64" in (of_preset / "config.yaml").read_text()

    refused = hmexp_in(f"rerun={job_dir.name}", cwd=site, code=2)
    assert "plugins: expected plugins=[shop_plugin]" in refused.stderr
    hmexp_in(f"rerun={job_dir.name}", "plugins=[shop_plugin]", "tracking=none", cwd=site)
    hmexp_in(f"rerun={job_dir.name}", "plugins=[shop_plugin]", "callbacks=[]", "tracking=none", cwd=site)
    _, again, without = sorted((site / "mlruns" / "jobs").iterdir(), key=lambda folder: folder.stat().st_mtime)
    assert len((again / "history.csv").read_text().splitlines()) == 2, "it has the callback and its value"
    assert len((without / "history.csv").read_text().splitlines()) == 4


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["callbacks=[tensorbord]"], "expected one of tensorboard, received tensorbord (did you mean tensorboard?)"),
        (["callbacks=null"], "callbacks: expected names of options in brackets, which --help lists, received null"),
        (["callbacks=[[tensorboard]]"], "callbacks: expected names of options in brackets"),
        (["callbacks.tensorboard.histogram_freq=1"], "(choose it with callbacks=[tensorboard])"),
        (["callbacks=[tensorboard]", "callbacks.tensorboard.hist=1"], "did you mean callbacks.tensorboard.histogram"),
        (["model=null"], "model: expected the name of an option, which --help lists, received null"),
    ],
)
def test_callbacks_that_are_none(words, line, tmp_path, monkeypatch, capsys):
    from hmexp.cli import main

    monkeypatch.chdir(tmp_path)
    assert main([*words, "--cfg", "job"]) == 2
    assert line in capsys.readouterr().err
