"""Metrics that Keras keeps while it trains, on any backend: targets int `[batch]`, logits `[batch, classes]`."""

from typing import Any

import keras
from keras import ops

from hmexp.metrics.evaluation import ECE_BINS


def streaming_metrics(num_classes: int) -> list[keras.metrics.Metric]:
    """New instances of every metric of the table but the loss, named as there."""
    top = min(3, num_classes)
    return [
        keras.metrics.SparseCategoricalAccuracy(name="accuracy", dtype="float32"),
        BalancedAccuracy(num_classes, name="balanced_accuracy"),
        MacroF1(num_classes, name="macro_f1"),
        keras.metrics.SparseTopKCategoricalAccuracy(top, name="top3_accuracy", dtype="float32"),
        ExpectedCalibrationError(name="ece"),
    ]


class ConfusionMetric(keras.metrics.Metric):  # type: ignore[misc]
    """Accumulates a confusion matrix, float32 `[classes, classes]`, rows = target. Weights are not counted."""

    def __init__(self, num_classes: int, name: str) -> None:
        super().__init__(name=name, dtype="float32")
        self.num_classes = num_classes
        self.matrix = self.add_variable((num_classes, num_classes), initializer="zeros", name="matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # noqa: ANN401
        """Count a batch."""
        targets = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), self.num_classes, dtype="float32")
        predicted = ops.one_hot(ops.argmax(y_pred, axis=-1), self.num_classes, dtype="float32")
        self.matrix.assign_add(ops.matmul(ops.transpose(targets), predicted))

    def get_config(self) -> dict[str, Any]:
        """What makes the metric again when a compiled model is loaded."""
        return {"name": self.name, "num_classes": self.num_classes}

    def mean_of_present(self, values: Any) -> Any:  # noqa: ANN401
        """Mean over the classes that the batches held."""
        present = ops.cast(ops.sum(self.matrix, axis=1) > 0, "float32")
        return ops.sum(values * present) / ops.maximum(ops.sum(present), 1.0)


@keras.saving.register_keras_serializable(package="hmexp")
class BalancedAccuracy(ConfusionMetric):
    """Mean over the classes present of their recall."""

    def result(self) -> Any:  # noqa: ANN401
        """A scalar from 0 to 1."""
        return self.mean_of_present(ops.diagonal(self.matrix) / ops.maximum(ops.sum(self.matrix, axis=1), 1.0))


@keras.saving.register_keras_serializable(package="hmexp")
class MacroF1(ConfusionMetric):
    """Mean over the classes present of their F1, 2 TP / (2 TP + FP + FN)."""

    def result(self) -> Any:  # noqa: ANN401
        """A scalar from 0 to 1."""
        both = ops.sum(self.matrix, axis=0) + ops.sum(self.matrix, axis=1)
        return self.mean_of_present(2.0 * ops.diagonal(self.matrix) / ops.maximum(both, 1.0))


@keras.saving.register_keras_serializable(package="hmexp")
class ExpectedCalibrationError(keras.metrics.Metric):  # type: ignore[misc]
    """|accuracy - confidence|, weighted over 15 bins of confidence (Guo et al., On Calibration, ICML 2017)."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, dtype="float32")
        # Of each bin: how many, how many right, sum of confidences.
        self.bins = self.add_variable((3, ECE_BINS), initializer="zeros", name="bins")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # noqa: ANN401
        """Count a batch."""
        confidence = ops.max(ops.softmax(ops.cast(y_pred, "float32"), axis=-1), axis=-1)
        targets = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        right = ops.cast(ops.equal(ops.cast(ops.argmax(y_pred, axis=-1), "int32"), targets), "float32")
        place = ops.clip(ops.cast(ops.floor(confidence * ECE_BINS), "int32"), 0, ECE_BINS - 1)
        chosen = ops.one_hot(place, ECE_BINS, dtype="float32")
        columns = ops.stack([ops.ones_like(confidence), right, confidence])
        self.bins.assign_add(ops.matmul(columns, chosen))

    def get_config(self) -> dict[str, Any]:
        """What makes the metric again when a compiled model is loaded."""
        return {"name": self.name}

    def result(self) -> Any:  # noqa: ANN401
        """A scalar from 0 to 1."""
        count, right, confidence = self.bins[0], self.bins[1], self.bins[2]
        return ops.sum(ops.abs(right - confidence)) / ops.maximum(ops.sum(count), 1.0)
