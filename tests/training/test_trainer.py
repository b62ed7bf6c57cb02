"""The Trainer: history, best epoch, early stopping, a schedule that truncation does not move."""

import re
import shutil
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from hmexp.config.augment import AugmentConfig
from hmexp.config.errors import RunError
from hmexp.config.loss import CrossEntropyConfig
from hmexp.config.model import CnnConfig, FineTuning, ModelConfig
from hmexp.config.optimizer import AdamConfig, SgdConfig
from hmexp.config.schedule import ConstantSchedule, CosineSchedule, PlateauSchedule, StepSchedule
from hmexp.config.training import TrainerConfig
from hmexp.training.interruption import Interruption

pytestmark = pytest.mark.slow
NUM = 64


def diverging(learning_rate: float) -> AdamConfig:
    """A learning rate that no configuration may have, so that the loss is no number at once."""
    cfg = AdamConfig()
    cfg.learning_rate = learning_rate
    return cfg


ADAM = AdamConfig()
CONSTANT = ConstantSchedule()
MODEL = CnnConfig(widths=[4])


class Events:
    """A recorder that remembers its epochs."""

    run_id = ""

    def __init__(self) -> None:
        self.epochs: list[tuple[int, dict[str, float]]] = []
        self.known: list[int] = []

    def epoch(self, epoch, metrics) -> None:
        self.epochs.append((epoch, dict(metrics)))

    def history(self, history) -> None:
        self.known = history["epoch"].tolist()


@pytest.fixture
def fit(tmp_path):
    """Trains a small network on pictures whose class is their brightness."""
    import keras
    import tensorflow as tf

    from hmexp.batches.augment import Augmentation
    from hmexp.models.build import build_model
    from hmexp.training.backends import backend_named
    from hmexp.training.learner import Learner
    from hmexp.training.loaders import DataLoaders
    from hmexp.training.loss import build_loss
    from hmexp.training.trainer import Trainer

    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, NUM)
    pictures = (rng.integers(0, 60, (NUM, 16, 16, 3)) + 150 * targets[:, None, None, None]).astype(np.uint8)
    data = tf.data.Dataset.from_tensor_slices((pictures, targets)).batch(16)

    def run(cfg, optimizer=ADAM, schedule=CONSTANT, start=None, model=MODEL, plain=None, tell=None, **parts):
        keras.utils.set_random_seed(0)
        network = build_model(model, 16, 2)
        augmentation, loss = Augmentation(AugmentConfig(), 2), build_loss(CrossEntropyConfig())
        learner = Learner(network, augmentation, loss, backend_named("tensorflow"))
        events = Events()
        trainer = Trainer(cfg, optimizer, tmp_path, events, schedule, **parts)
        val = data.map(lambda *batch: tell(batch)) if tell else data
        loaders = DataLoaders(
            lambda first, step, last: data.repeat().skip(step), val, 4, 4, 4, plain and data.take(plain)
        )
        result = trainer.fit(learner, loaders, start)
        return network, result, events, (pictures, targets)

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
    whole = fit(TrainerConfig(epochs=4), schedule=CosineSchedule())[1].history
    cut = fit(TrainerConfig(epochs=4, stop_after=2), schedule=CosineSchedule())[1].history
    assert len(cut) == 2
    assert cut["train/loss"].tolist() == pytest.approx(whole["train/loss"][:2].tolist(), rel=1e-4)


def test_a_loss_that_is_no_number_says_what_to_change(fit):
    with pytest.raises(RunError, match=r"epoch [12], .*\(learning rate 1e\+18\): lower optimizer"):
        fit(TrainerConfig(epochs=3), diverging(1e18))


def test_an_interruption_that_was_swallowed_ends_the_run_at_the_next_step(fit, tmp_path):
    interruption = Interruption()
    interruption.requested = True
    with pytest.raises(KeyboardInterrupt):
        fit(TrainerConfig(epochs=1), interruption=interruption)
    assert newest(tmp_path).name == "epoch-0000-step-000001", "it was saved before it ended"


def newest(job_dir):
    from hmexp.training.checkpoint import CheckpointDir

    return CheckpointDir(job_dir / "checkpoints").newest()


def test_a_run_goes_on_from_its_checkpoint_as_if_nothing_had_happened(fit, tmp_path):
    cfg = TrainerConfig(epochs=4, ema=0.8, early_stopping=4)
    whole, result, _, (pictures, _) = fit(cfg)
    expected = whole.predict(pictures, verbose=0)
    fit(replace(cfg, stop_after=2))
    network, resumed, events, _ = fit(cfg, start=newest(tmp_path))
    assert events.known == [1, 2]
    assert [epoch for epoch, _ in events.epochs] == [3, 4]
    assert resumed.history["train/loss"].tolist() == pytest.approx(result.history["train/loss"].tolist(), rel=1e-5)
    assert network.predict(pictures, verbose=0) == pytest.approx(expected, abs=1e-4)


def test_a_checkpoint_of_another_model_is_refused(fit, tmp_path):
    fit(TrainerConfig(epochs=1))
    with pytest.raises(RunError, match="expected the network of this run"):
        fit(TrainerConfig(epochs=2), start=newest(tmp_path), model=CnnConfig(widths=[8]))


def test_a_fork_learns_at_the_rate_that_it_is_given(fit, tmp_path):
    fit(TrainerConfig(epochs=1))
    forked = fit(TrainerConfig(epochs=2), AdamConfig(learning_rate=1e-9), start=newest(tmp_path))[1].history
    assert forked["val/loss"][1] == pytest.approx(forked["val/loss"][0], rel=1e-4), "nothing moves any more"


@pytest.mark.parametrize(("optimizer", "schedule"), [(ADAM, CosineSchedule()), (SgdConfig(), CONSTANT)])
def test_a_fork_with_another_optimizer_starts_that_afresh(optimizer, schedule, fit, tmp_path):
    parent = fit(TrainerConfig(epochs=1))[1].history
    forked = fit(TrainerConfig(epochs=2), optimizer, schedule, start=newest(tmp_path))[1].history
    assert forked["train/loss"][0] == parent["train/loss"][0]
    assert forked["train/loss"][1] < parent["train/loss"][0], "from the parent's weights"


def test_a_fork_with_another_monitor_chooses_among_its_own_epochs(fit, tmp_path):
    fit(TrainerConfig(epochs=1, monitor="val/loss"))
    _, forked, _, _ = fit(TrainerConfig(epochs=3, monitor="val/macro_f1"), start=newest(tmp_path))
    assert forked.best_epoch in (2, 3)
    assert forked.best_value == forked.history["val/macro_f1"][1:].max()


def test_a_fork_with_other_batches_begins_its_epoch_anew(fit, tmp_path):
    interruption = Interruption()
    interruption.requested = True
    with pytest.raises(KeyboardInterrupt):
        fit(TrainerConfig(epochs=1), interruption=interruption)
    kept = shutil.copytree(newest(tmp_path), tmp_path / "kept" / newest(tmp_path).name)
    firsts = []
    for batch_size in (32, 16):
        _, _, events, _ = fit(TrainerConfig(epochs=1, batch_size=batch_size), start=kept)
        firsts.append(events.epochs[0][1]["train/loss"])
    whole = fit(TrainerConfig(epochs=1))[2].epochs[0][1]["train/loss"]
    assert firsts[0] == pytest.approx(whole, rel=1e-4), "the same batch size goes on in mid-epoch"
    assert firsts[1] < whole, "a step more than the whole epoch's"


def test_an_interruption_while_val_is_evaluated_ends_the_run(fit, tmp_path):
    import tensorflow as tf

    interruption = Interruption()

    def tell(batch):
        def ask():
            interruption.requested = True
            return 0

        with tf.control_dependencies([tf.py_function(ask, [], tf.int32)]):
            return tuple(tf.identity(part) for part in batch)

    with pytest.raises(KeyboardInterrupt):
        fit(TrainerConfig(epochs=1), interruption=interruption, tell=tell)
    assert newest(tmp_path).name == "epoch-0001-step-000000"


def test_no_checkpoint_of_broken_weights_takes_the_place_of_a_good_one(fit, tmp_path, monkeypatch):
    from hmexp.training.callbacks import FiniteLoss

    monkeypatch.setattr(FiniteLoss, "EVERY", 1000)
    with pytest.raises(RunError, match="lower optimizer"):
        fit(TrainerConfig(epochs=3, checkpoint_steps=1), diverging(1e30))
    if newest(tmp_path) is not None:
        with np.load(newest(tmp_path) / "arrays.npz") as arrays:
            assert all(np.isfinite(arrays[name]).all() for name in arrays.files if name.startswith("network/"))


def test_the_schedule_is_laid_over_steps_whatever_is_accumulated(fit):
    cfg = TrainerConfig(epochs=2, accumulate=2)
    steady = fit(cfg)[1].history
    falling = fit(cfg, schedule=StepSchedule(every=1, factor=1e-9))[1].history
    assert falling["val/loss"][0] == pytest.approx(steady["val/loss"][0], rel=1e-4), "the first epoch at full rate"
    assert falling["val/loss"][1] == pytest.approx(falling["val/loss"][0], rel=1e-4)


def test_only_the_newest_checkpoint_and_the_best_weights_stay(fit, tmp_path):
    _, result, _, _ = fit(TrainerConfig(epochs=3, checkpoint_steps=2))
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == [f"best-{result.best_epoch:04d}.npz", "epoch-0003-step-000000"]


@pytest.mark.parametrize("plain", [None, 2])
def test_the_moving_average_is_what_is_evaluated_and_kept(plain, fit):
    model = CnnConfig(widths=[4], norm="batch")
    network, result, _, (pictures, targets) = fit(TrainerConfig(epochs=3, ema=0.9), model=model, plain=plain)
    logits = np.asarray(network.predict(pictures, verbose=0), dtype=np.float64)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(NUM), targets]
    best = result.history.set_index("epoch").loc[result.best_epoch]
    assert losses.mean() == pytest.approx(best["val/loss"], rel=1e-4)
    raw = fit(TrainerConfig(epochs=3), model=model, plain=plain)[1]
    assert raw.history["val/loss"].tolist() != pytest.approx(result.history["val/loss"].tolist(), rel=1e-3)


def test_measured_norms_are_evaluated_and_kept_and_training_does_not_see_them(fit):
    model = CnnConfig(widths=[4], norm="batch")
    running = fit(TrainerConfig(epochs=3), model=model)[1].history
    network, result, _, (pictures, targets) = fit(TrainerConfig(epochs=3), model=model, plain=2)
    assert result.history["train/loss"].tolist() == pytest.approx(running["train/loss"].tolist(), rel=1e-5)
    assert result.history["val/loss"].tolist() != pytest.approx(running["val/loss"].tolist(), rel=1e-3)
    logits = np.asarray(network.predict(pictures, verbose=0), dtype=np.float64)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(NUM), targets]
    assert losses.mean() == pytest.approx(result.history["val/loss"][result.best_epoch - 1], rel=1e-4)


def test_a_plateau_lowers_the_learning_rate(fit, caplog):
    import logging

    logging.getLogger("hmexp").propagate = True
    with caplog.at_level("INFO", logger="hmexp"):
        fit(TrainerConfig(epochs=6, monitor="val/accuracy"), schedule=PlateauSchedule(patience=1, factor=0.5))
    assert "learning rate 0.0005" in caplog.text


def test_a_frozen_backbone_stays_until_its_time(fit, tmp_path):
    import keras

    from hmexp.models.build import build_model

    @dataclass
    class Pretrained(ModelConfig):
        """A head on a backbone."""

    def build(cfg, image_size, num_classes):
        pictures = keras.Input((image_size, image_size, 3), dtype="uint8")
        inner = keras.Sequential(
            [keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(4)], name="backbone"
        )
        x = inner(keras.layers.Rescaling(1 / 255)(pictures))
        return keras.Model(pictures, keras.layers.Dense(num_classes, name="logits")(x))

    build_model.register(Pretrained, build)
    start = {}
    for epochs in (2, 3):
        parts = {"model": Pretrained(), "fine_tuning": FineTuning(2, 0.5), "schedule": CosineSchedule()}
        model, result, _, _ = fit(TrainerConfig(epochs=epochs, ema=0.9), **parts)
        start[epochs] = np.asarray(model.get_layer("backbone").get_weights()[0])
    keras.utils.set_random_seed(0)
    untouched = build(Pretrained(), 16, 2).get_layer("backbone").get_weights()[0]
    assert np.array_equal(start[2], untouched)
    assert not np.array_equal(start[3], untouched)
    assert np.linalg.norm(start[3]) > 0.8 * np.linalg.norm(untouched), "the average starts at the weights, not at 0"
    assert result.history["val/loss"][2] == pytest.approx(result.history["val/loss"][1], rel=0.2)


def test_the_first_layers_of_a_backbone_stay_for_good_also_after_a_resume(fit, tmp_path):
    import keras

    from hmexp.models.build import build_model

    @dataclass
    class Deep(ModelConfig):
        """A head on a backbone of two layers."""

    def build(cfg, image_size, num_classes):
        low, high = keras.layers.Dense(4, name="low"), keras.layers.Dense(4, name="high")
        inner = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Flatten(), low, high], name="backbone")
        pictures = keras.Input((image_size, image_size, 3), dtype="uint8")
        x = inner(keras.layers.Rescaling(1 / 255)(pictures))
        return keras.Model(pictures, keras.layers.Dense(num_classes, name="logits")(x))

    build_model.register(Deep, build)
    parts = {"model": Deep(), "fine_tuning": FineTuning(freeze_epochs=1, freeze_share=0.67)}
    cfg = TrainerConfig(epochs=4, monitor="val/loss")
    network = fit(cfg, **parts)[0]
    fit(replace(cfg, stop_after=2), **parts)
    resumed = fit(cfg, start=newest(tmp_path), **parts)[0]
    assert all(np.array_equal(*pair) for pair in zip(network.get_weights(), resumed.get_weights(), strict=True))
    backbone = network.get_layer("backbone")
    keras.utils.set_random_seed(0)
    untouched = build(Deep(), 16, 2).get_layer("backbone")
    moved = [
        not np.array_equal(*(part.get_layer(name).kernel for part in (backbone, untouched))) for name in ("low", "high")
    ]
    assert moved == [False, True]


def test_waiting_goes_on_over_calls_of_fit_and_a_nan_is_no_best():
    from hmexp.training.early_stopping import EarlyStopping

    class Model:
        stop_training = False

    callback, model = EarlyStopping("val/loss", 2), Model()
    callback.set_model(model)
    for epoch, loss in enumerate([float("nan"), 1.0, float("nan")]):
        callback.on_train_begin()
        callback.on_epoch_end(epoch, {"val_loss": loss})
    assert callback.state() == {"best": 1.0, "wait": 1}
    resumed = EarlyStopping("val/loss", 2)
    resumed.load(callback.state())
    resumed.set_model(model)
    resumed.on_train_begin()
    resumed.on_epoch_end(3, {"val_loss": 1.5})
    assert resumed.stopped
    assert model.stop_training


def test_the_line_of_an_epoch_says_how_long_the_rest_takes(fit, caplog):
    with caplog.at_level("INFO", logger="hmexp"):
        fit(TrainerConfig(epochs=3, stop_after=2))
    lines = [line for line in caplog.messages if line.startswith("epoch ")]
    assert [bool(re.search(r"  \d:\d\d:\d\d left$", line)) for line in lines] == [True, False]


@pytest.mark.parametrize("after", [1, 3])
def test_a_loss_that_is_no_number_is_named_whatever_a_library_says_of_it(fit, monkeypatch, after):
    """Such as a metric of TensorFlow's: "'list' argument must have no negative elements"."""
    import keras

    from hmexp.training.callbacks import FiniteLoss

    class Stumbles(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == after:
                raise ValueError("'list' argument must have no negative elements")

    monkeypatch.setattr(FiniteLoss, "EVERY", 1000)
    with pytest.raises(RunError, match=r"the loss became nan at epoch 1, .*: lower optimizer\.learning_rate"):
        fit(TrainerConfig(epochs=1), diverging(1e30), callbacks=[Stumbles()])
    with pytest.raises(ValueError, match="no negative elements"):
        fit(TrainerConfig(epochs=1), callbacks=[Stumbles()])
