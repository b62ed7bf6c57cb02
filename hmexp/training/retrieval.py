"""The callback that measures what the features find, epoch by epoch, where that is what decides which one is kept."""

from typing import Any

import keras
import numpy as np

from hmexp.metrics.retrieval import recall_at_1
from hmexp.models.features import feature_model
from hmexp.training.callbacks import keras_name
from hmexp.training.fused import trainable_copy
from hmexp.training.learner import Learner
from hmexp.training.step_logs import Logs
from hmexp.training.weight_averaging import WeightAveraging


class RetrievalMonitor(keras.callbacks.Callback):  # type: ignore[misc]
    """Adds `val/recall_at_1` to an epoch's figures, of the weights that are evaluated; one more pass over val.

    Stands before whatever reads the figures.

    Args:
        batches: Of one pass over val.
        steps: Batches of it that are looked at.
        groups: Numbers of their rows' groups, int64 `[rows of val]`.
        averaging: Puts the weights that are evaluated in place.
    """

    def __init__(self, batches: Any, steps: int, groups: np.ndarray, averaging: WeightAveraging) -> None:  # noqa: ANN401
        super().__init__()
        self.batches, self.steps, self.groups, self.averaging = batches, steps, groups, averaging
        self.features: _Features | None = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Measure."""
        if self.features is None or self.features.size != self.model.val_size:
            self.features = _Features(self.model)
        with self.averaging.in_place():
            features = self.features.predict(self.batches, steps=self.steps, verbose=0)
        if logs is not None:
            logs[keras_name("val/recall_at_1")] = recall_at_1(features, self.groups[: len(features)])


class _Features(keras.Model):  # type: ignore[misc]
    """Features of pictures as stored, at the size that val is measured at when this is made."""

    def __init__(self, learner: Learner) -> None:
        super().__init__(name="features_of_val", dtype="float32")
        self.size, self.as_evaluated = learner.val_size, learner.as_evaluated
        self.features = trainable_copy(feature_model(learner.network), None, learner.any_size)

    def call(self, pictures: Any) -> Any:  # noqa: ANN401
        """Features, `[batch, features]`."""
        return self.features(self.as_evaluated(pictures), training=False)
