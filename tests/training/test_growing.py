"""Pictures that grow: val, the best epoch and whatever waits are about the size of the phase."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hmexp.config.augment import AugmentConfig
from hmexp.config.loss import CrossEntropyConfig
from hmexp.config.model import CnnConfig
from hmexp.config.optimizer import AdamConfig
from hmexp.config.schedule import ConstantSchedule, PlateauSchedule
from hmexp.config.training import TrainerConfig

pytestmark = pytest.mark.slow
NUM, CLASSES = 32, 2
GROWING = TrainerConfig(epochs=4, batch_size=16, monitor="val/loss", image_sizes=[8, 16])


class Told:
    """A recorder and a pruner that remember."""

    run_id, monitor = "", "val/loss"

    def __init__(self):
        self.since = []

    def epoch(self, epoch, metrics):
        pass

    def history(self, history):
        pass

    def should_prune(self, epoch, value, since=1):
        self.since.append(since)
        return ""


@pytest.fixture
def learnt():
    """Pictures of 16 pixels whose class is their brightness, and their targets."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, CLASSES, NUM)
    return (rng.integers(0, 200, (NUM, 16, 16, 3)) + 50 * targets[:, None, None, None]).astype(np.uint8), targets


@pytest.fixture
def fit(tmp_path, learnt):
    """Trains a small network whose weights fit pictures of any size; gives learner, result and what was told."""
    import keras
    import tensorflow as tf

    from hmexp.batches.augment import Augmentation
    from hmexp.batches.draws import NEUTRAL
    from hmexp.models.build import build_model
    from hmexp.training.backends import backend_named
    from hmexp.training.learner import Learner
    from hmexp.training.loaders import DataLoaders
    from hmexp.training.loss import build_loss
    from hmexp.training.trainer import Trainer

    pictures, targets = learnt
    plain = tf.data.Dataset.from_tensor_slices((pictures, targets)).batch(16)
    draws = np.tile(np.asarray(NEUTRAL, np.float32), (NUM, 1))
    drawn = tf.data.Dataset.from_tensor_slices(({"pictures": pictures, "draws": draws}, targets)).batch(16)

    def run(cfg, schedule=None, start=None, job_dir=tmp_path, precise=None, groups=None):
        keras.utils.set_random_seed(0)
        network = build_model(CnnConfig(widths=[4], head="gap", norm="batch", dense=8), 16, CLASSES)
        augmentation, loss = Augmentation(AugmentConfig(), CLASSES), build_loss(CrossEntropyConfig())
        learner = Learner(network, augmentation, loss, backend_named("tensorflow"), cfg.image_sizes is not None)
        told = Told()
        job_dir.mkdir(exist_ok=True)
        trainer = Trainer(cfg, AdamConfig(), job_dir, told, schedule or ConstantSchedule(), pruner=told)
        loaders = DataLoaders(
            train=lambda first, step, last: drawn.repeat().skip(step),
            val=plain,
            steps_per_epoch=2,
            whole_epoch=2,
            val_steps=2,
            plain=precise and plain,
            val_groups=groups,
        )
        return learner, trainer.fit(learner, loaders, start), told

    return run


def newest(job_dir):
    from hmexp.training.checkpoint import CheckpointDir

    return CheckpointDir(job_dir / "checkpoints").newest()


def loss_at(size, network, pictures, targets):
    """Cross-entropy of pictures that are brought to `size` pixels by means of 2x2."""
    from hmexp.training.fused import trainable_copy

    shrunk = pictures
    if size == 8:
        shrunk = np.round(pictures.reshape(NUM, 8, 2, 8, 2, 3).mean(axis=(2, 4))).astype(np.uint8)
    logits = np.asarray(trainable_copy(network, None, any_size=True)(shrunk), np.float64)
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(NUM), targets]))


def test_val_is_measured_at_the_size_of_the_phase(fit, learnt, tmp_path):
    for epochs, size, precise in ((2, 8, 2), (4, 16, None)):
        cfg = replace(GROWING, stop_after=epochs)
        learner, result, told = fit(cfg, job_dir=tmp_path / str(epochs), precise=precise)
        best = result.history.set_index("epoch").loc[result.best_epoch]
        assert best["val_image_size"] == size
        assert loss_at(size, learner.network, *learnt) == pytest.approx(best["val/loss"], rel=1e-3)
        assert loss_at(24 - size, learner.network, *learnt) != pytest.approx(best["val/loss"], rel=1e-3)
    assert result.history["val_image_size"].tolist() == [8, 8, 16, 16]
    assert told.since == [1, 1, 3, 3]


def test_the_best_of_a_smaller_phase_is_never_kept_over_a_later_one(fit, monkeypatch):
    from hmexp.training.early_stopping import EarlyStopping
    from hmexp.training.retrieval import RetrievalMonitor

    worse = iter([0.9, 0.8, 0.1, 0.2])
    monkeypatch.setattr(RetrievalMonitor, "on_epoch_end", lambda self, epoch, logs: logs.update(val_loss=-next(worse)))
    stopped = []
    monkeypatch.setattr(EarlyStopping, "stopped", property(lambda self: stopped.append(self.wait) or False))
    _, result, _ = fit(replace(GROWING, early_stopping=1), groups=np.zeros(NUM))
    assert len(result.history) == 4, "nobody waits before the last phase"
    assert (result.best_epoch, result.best_value) == (4, -0.2)
    assert stopped == [0]


def test_whoever_waits_counts_anew_at_the_next_size(fit, monkeypatch):
    from hmexp.training.retrieval import RetrievalMonitor

    values = iter([0.1, 0.5, 0.4, 0.3, 0.2, 0.6])
    monkeypatch.setattr(RetrievalMonitor, "on_epoch_end", lambda self, epoch, logs: logs.update(val_loss=next(values)))
    cfg = replace(GROWING, epochs=6)
    learner, _, _ = fit(cfg, PlateauSchedule(patience=2, factor=0.5), groups=np.zeros(NUM))
    rate = float(learner.optimizer.learning_rate)
    assert rate == pytest.approx(5e-4), "two epochs without a better one at the first size; at the second only one"


@pytest.mark.parametrize("after", [1, 2])
def test_a_run_goes_on_in_or_between_the_phases(fit, tmp_path, after):
    cfg = replace(GROWING, early_stopping=3)
    whole, result, _ = fit(cfg, job_dir=tmp_path / "whole", precise=1)
    fit(replace(cfg, stop_after=after), job_dir=tmp_path / "cut", precise=1)
    resumed, gone_on, _ = fit(cfg, start=newest(tmp_path / "cut"), job_dir=tmp_path / "cut", precise=1)
    drop = ["seconds", "images_per_second"]
    pd.testing.assert_frame_equal(gone_on.history.drop(columns=drop), result.history.drop(columns=drop))
    assert (gone_on.best_epoch, gone_on.best_value) == (result.best_epoch, result.best_value)
    for ours, theirs in zip(resumed.network.weights, whole.network.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_a_fork_into_another_phase_takes_no_best_along(fit, tmp_path):
    _, parent, _ = fit(replace(GROWING, image_sizes=None))
    longer = replace(GROWING, epochs=10, stop_after=5)
    _, forked, _ = fit(longer, start=newest(tmp_path))
    assert forked.best_epoch == 5 > parent.best_epoch > 0


def test_features_are_looked_at_in_the_size_of_the_phase(fit, learnt, monkeypatch):
    from hmexp.training import retrieval

    widths = []
    monkeypatch.setattr(retrieval, "recall_at_1", lambda features, groups: widths.append(features.copy()) or 0.5)
    learner, result, _ = fit(GROWING, groups=np.repeat(np.arange(NUM // 2), 2))
    assert [found.shape for found in widths] == [(NUM, 8)] * 4
    assert result.history["val/recall_at_1"].tolist() == [0.5] * 4
    from hmexp.models.features import feature_model

    assert result.best_epoch == 4
    expected = feature_model(learner.network).predict(learnt[0], verbose=0)
    np.testing.assert_allclose(widths[-1], expected, atol=1e-5)
