"""The Trainer: history, best epoch, early stopping, a schedule that truncation does not move."""

import numpy as np
import pandas as pd
import pytest

from hmexp.config.errors import RunError
from hmexp.config.model import CnnConfig
from hmexp.config.training import AdamConfig, TrainerConfig
from hmexp.training.interruption import Interruption

pytestmark = pytest.mark.slow
NUM = 64
ADAM = AdamConfig()


class Events:
    """A recorder that remembers its epochs."""

    def __init__(self) -> None:
        self.epochs: list[tuple[int, dict[str, float]]] = []

    def epoch(self, epoch, metrics) -> None:
        self.epochs.append((epoch, dict(metrics)))


@pytest.fixture
def fit(tmp_path):
    """Trains a small network on pictures whose class is their brightness."""
    import keras
    import tensorflow as tf

    from hmexp.models.build import build_model
    from hmexp.training.optimizer import build_optimizer
    from hmexp.training.trainer import Batches, Trainer

    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, NUM)
    pictures = (rng.integers(0, 60, (NUM, 16, 16, 3)) + 150 * targets[:, None, None, None]).astype(np.uint8)
    data = tf.data.Dataset.from_tensor_slices((pictures, targets)).batch(16)

    def run(cfg: TrainerConfig, optimizer: AdamConfig = ADAM, interruption: Interruption | None = None):
        keras.utils.set_random_seed(0)
        model = build_model(CnnConfig(widths=[4]), 16, 2)
        events = Events()
        trainer = Trainer(
            cfg, build_optimizer(optimizer, 4, cfg.epochs), tmp_path, events, interruption or Interruption()
        )
        result = trainer.fit(model, Batches(data.repeat(), data, 4, 4))
        return model, result, events, (pictures, targets)

    return run


def test_history_events_and_best_epoch_agree(fit, tmp_path):
    model, result, events, (pictures, targets) = fit(TrainerConfig(epochs=3, monitor="val/loss"))
    history = pd.read_csv(tmp_path / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3] == [epoch for epoch, _ in events.epochs]
    assert set(events.epochs[0][1]) == {
        f"{split}/{name}"
        for split in ("train", "val")
        for name in ("loss", "accuracy", "balanced_accuracy", "macro_f1", "top3_accuracy", "ece")
    }
    assert result.best_epoch == history.loc[history["val/loss"].idxmin(), "epoch"]
    logits = np.asarray(model.predict(pictures, verbose=0), dtype=np.float64)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(NUM), targets]
    assert losses.mean() == pytest.approx(result.best_value, abs=1e-4), "the model has its best epoch's weights"


def test_early_stopping_keeps_the_best_epoch(fit):
    _, result, _, _ = fit(TrainerConfig(epochs=40, monitor="val/accuracy", early_stopping=2))
    assert result.stopped_early
    assert len(result.history) == result.best_epoch + 2


def test_stop_after_does_not_move_the_schedule(fit):
    cosine = AdamConfig(schedule="cosine")
    whole = fit(TrainerConfig(epochs=4), cosine)[1].history
    cut = fit(TrainerConfig(epochs=4, stop_after=2), cosine)[1].history
    assert len(cut) == 2
    assert cut["train/loss"].tolist() == pytest.approx(whole["train/loss"][:2].tolist(), rel=1e-4)


def test_a_loss_that_is_no_number_says_what_to_change(fit):
    with pytest.raises(RunError, match=r"epoch 1, step \d+: lower optimizer\.learning_rate \(1e\+18\)"):
        fit(TrainerConfig(epochs=3), AdamConfig(learning_rate=1e18))


def test_an_interruption_that_was_swallowed_ends_the_run_at_the_next_step(fit):
    interruption = Interruption()
    interruption.requested = True
    with pytest.raises(KeyboardInterrupt):
        fit(TrainerConfig(epochs=1), interruption=interruption)
