"""How long a run is: epochs, steps at most, or minutes that the first steps are timed for."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from hmexp.config.compose import compose_words
from hmexp.config.errors import UserError
from hmexp.config.schemas import to_config
from hmexp.config.training import TrainerConfig
from hmexp.config.verbs import RunConfig
from hmexp.runner.modes import of_length

WORDS = ("data.image_size=16", "data.limit=200", "model=cnn", "model.widths=[4]", "model.head=gap", "tracking=none")


def job(root: Path) -> Path:
    (folder,) = (root / "mlruns" / "jobs").iterdir()
    return folder


def test_another_length_leaves_the_rest():
    cfg = TrainerConfig(epochs=120, stop_after=50, max_steps=900, image_sizes=[8, 16], batch_size=7)
    shorter = cfg.of_length(10)
    assert (shorter.epochs, shorter.stop_after, shorter.last_epoch, shorter.batch_size) == (10, 10, 10, 7)
    assert [phase.first for phase in shorter.phases] == [0, 5]
    assert cfg.of_length(300).last_epoch == 50


def test_minutes_take_the_place_of_epochs():
    assert TrainerConfig(epochs=5, stop_after=8, minutes=1).of_length(20).last_epoch == 8
    with pytest.raises(UserError, match=r"trainer\.stop_after"):
        TrainerConfig(epochs=5, stop_after=8)


def test_what_counts_epochs_is_shorter_where_there_are_fewer():
    own = ["trainer.epochs=15", "trainer.image_sizes=null", "model.freeze_epochs=3", "schedule.warmup_epochs=1.0"]
    composed = compose_words(["experiment=finetune", "model.weights=imagenet", *own])
    config = to_config(composed.tree, RunConfig)
    assert (config.trainer.epochs, config.model.freeze_epochs, config.schedule.warmup_epochs) == (15, 3, 1.0)
    shorter = of_length(config, 2)
    assert (shorter.trainer.epochs, shorter.model.freeze_epochs) == (2, 1)
    assert shorter.schedule.warmup_epochs == pytest.approx(2 / 15)
    longer = of_length(config, 60)
    assert (longer.trainer.epochs, longer.model.freeze_epochs, longer.schedule.warmup_epochs) == (60, 3, 1.0)


@pytest.mark.slow
def test_a_limit_of_steps_gives_a_large_catalogue_fewer_epochs(hmexp_in, tmp_path):
    said = hmexp_in(*WORDS, "trainer.epochs=50", "trainer.max_steps=20", "trainer.batch_size=16", cwd=tmp_path).stdout
    epochs, steps = map(int, re.search(r"max_steps=20: (\d+) of 50 epochs, as each has (\d+) steps", said).groups())
    assert 0 < epochs == round(20 / steps) < 50
    assert len(pd.read_csv(job(tmp_path) / "history.csv")) == epochs


@pytest.mark.slow
def test_minutes_are_laid_over_epochs_once(hmexp_in, tmp_path):
    words = (*WORDS, "trainer.minutes=0.03", "schedule=cosine", "trainer.image_sizes=[8,16]", "trainer.limit_batches=3")
    said = hmexp_in(*words, cwd=tmp_path).stdout
    epochs = int(re.search(r"trainer\.minutes=0\.03: (\d+) epochs of ", said).group(1))
    folder = job(tmp_path)
    assert len(pd.read_csv(folder / "history.csv")) == epochs
    record = json.loads((folder / "run.json").read_text())
    assert record["epochs"] == epochs
    (folder / "run.json").write_text(json.dumps(record | {"status": "KILLED", "epochs": epochs + 2}))
    said = hmexp_in("resume=latest", cwd=tmp_path).stdout
    assert "timed in" not in said
    assert len(pd.read_csv(folder / "history.csv")) == epochs + 2, "what was decided, whatever the time is now"
