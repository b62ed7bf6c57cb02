"""The losses of the first 10 steps against a stored table: a change of the code that is no change of the training.

A step an epoch, so that each row of `history.csv` is the loss of one step; every epoch begins with another batch. To
renew the table after a change that is meant to move it: `python tests/training/test_golden_losses.py`.
"""

import json
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

import pandas as pd
import pytest

TABLE = Path(__file__).with_name("golden_losses.json")
TOLERANCE = 5e-3
"""Relative. Other processors and kernels move a loss by up to 8e-4, another order of the batches by 0.1."""
SHARED = (
    *("data=sample", "data.image_size=48", "data/split=random", "data/balance=none", "trainer.batch_size=16"),
    *(
        "trainer.epochs=20",
        "trainer.stop_after=10",
        "trainer.limit_batches=1",
        "optimizer.learning_rate=1e-3",
        "tracking=none",
    ),
)
TRAININGS = {"cnn3": ("model=cnn3",), "resnet": ("model=resnet", "model.widths=[16,32,64]", "augment=light")}
BACKENDS = ("tensorflow", "jax")
COLUMNS = ("train/loss", "val/loss")


def words_of(model: str, backend: str, job_dir: Path) -> list[str]:
    return [*SHARED, *TRAININGS[model], f"backend={backend}", f"hydra.run.dir={job_dir}"]


def train_anew(*words: str) -> None:
    """Train in a new process, since Keras takes one backend a process."""
    subprocess.run([sys.executable, "-m", "hmexp", *words], check=True, capture_output=True)


def losses_of(job_dir: Path) -> dict[str, list[float]]:
    history = pd.read_csv(job_dir / "history.csv")
    return {name: history[name].round(6).tolist() for name in COLUMNS}


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("model", TRAININGS)
def test_the_first_steps_are_those_of_the_table(cache, monkeypatch, hmexp, tmp_path, model, backend):
    monkeypatch.setenv("HMEXP_CACHE", str(cache))
    stored = json.loads(TABLE.read_text())[f"{backend}/{model}"]
    train = hmexp if backend == "tensorflow" else train_anew
    train(*words_of(model, backend, tmp_path / "job"))
    found = losses_of(tmp_path / "job")
    for name in COLUMNS:
        assert len(found[name]) == 10
        assert found[name] == pytest.approx(stored[name], rel=TOLERANCE)


if __name__ == "__main__":
    table = {}
    with tempfile.TemporaryDirectory() as scratch:
        for one, other in product(BACKENDS, TRAININGS):
            place = Path(scratch) / f"{one}-{other}"
            train_anew(*words_of(other, one, place))
            table[f"{one}/{other}"] = losses_of(place)
    TABLE.write_text(json.dumps(table, indent=1) + "\n")
