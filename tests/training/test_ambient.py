"""What a user's home, variables and machine say does not steer a run, or is refused before it costs anything."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

from hmexp.metrics.names import METRICS, better

TRAINING = [
    *("model=cnn", "model.widths=[4]", "model.norm=batch", "data.image_size=16", "data.limit=200", "trainer.epochs=1"),
    "tracking=none",
]


@pytest.mark.slow
def test_keras_own_settings_do_not_steer_a_run(tmp_path, cache, hmexp):
    hostile = {"floatx": "float16", "epsilon": 0.1, "backend": "jax", "image_data_format": "channels_first"}
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "keras.json").write_text(json.dumps(hostile))
    steered = [sys.executable, "-m", "hmexp", *TRAINING, f"hydra.run.dir={tmp_path / 'steered'}"]
    env = os.environ | {"HMEXP_CACHE": str(cache), "KERAS_HOME": str(tmp_path / "home")}
    subprocess.run(steered, env=env, check=True, capture_output=True)
    hmexp(*TRAINING, f"hydra.run.dir={tmp_path / 'plain'}")
    losses = [pd.read_csv(tmp_path / name / "history.csv")["train/loss"].tolist() for name in ("steered", "plain")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize("name", ["loss", "accuracy"])
def test_nan_is_never_better_and_anything_is_better_than_nan(name):
    nan, metric = float("nan"), METRICS[name]
    assert better(metric, 0.5, nan)
    assert not better(metric, nan, 0.5)
    assert not better(metric, nan, nan)


@pytest.mark.slow
def test_an_epoch_of_nan_does_not_stay_the_best(tmp_path):
    import numpy as np

    from hmexp.training.best import Best

    class Nothing:
        def in_place(self):
            from contextlib import nullcontext

            return nullcontext()

    network = SimpleNamespace(weights=[np.zeros(1)])
    best = Best(tmp_path, "val/loss", METRICS["loss"], Nothing())
    best.set_model(SimpleNamespace(network=network))
    for epoch, value in enumerate([float("nan"), 2.0, float("nan"), 1.0, 3.0]):
        best.on_epoch_end(epoch, {"val_loss": value})
    assert (best.epoch, best.value) == (4, 1.0)
