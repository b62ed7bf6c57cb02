"""What Keras fits: a network with its augmentation and its loss around it."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from hmexp.batches.augment import Augmentation, neutral_draws
from hmexp.batches.draws import DRAWS, GROUPS, PICTURES, ROWS, take_pictures
from hmexp.compat.keras import BuildsFromOnePart, MetricsOnDemand, OwnExample, all_layers
from hmexp.config.augment import AugmentConfig
from hmexp.training.backends import Backend
from hmexp.training.contrastive import FeatureLoss, with_features
from hmexp.training.device_data import PlacedPictures
from hmexp.training.fused import trainable_copy


class Learner(BuildsFromOnePart, OwnExample, MetricsOnDemand, keras.Model):  # type: ignore[misc]
    """Trains a network on augmented pictures; evaluates it on pictures as they are.

    The network itself, which is what is saved and served, knows nothing of either.

    Attributes:
        placed: The training pictures that the device holds, where batches carry rows of them; None where batches
            carry pictures.
        between_dispatches: Whether the weights are those of the step that callbacks are told of; not where several
            steps are done at once and this is not the last of them.

    Args:
        network: uint8 `[batch, height, width, 3]` -> logits `[batch, classes]`.
        augmentation: Applied where a batch carries draws.
        objective: Of soft targets and logits, minimised in training.
        backend: What Keras computes with.
        any_size: Whether `resize` will be called.
    """

    def __init__(
        self,
        network: keras.Model,
        augmentation: Augmentation,
        objective: keras.losses.Loss,
        backend: Backend,
        any_size: bool = False,
    ) -> None:
        # float32 whatever the network computes in: the draws hold places, which bfloat16 would blur.
        super().__init__(name="learner", dtype="float32")
        self.network, self.augmentation, self.objective, self.backend = network, augmentation, objective, backend
        self.shrinking = replace(augmentation, cfg=AugmentConfig(), size=None)
        self.of_features, self.any_size = isinstance(objective, FeatureLoss), any_size
        computed = with_features(network) if self.of_features else network
        self.fast = trainable_copy(computed, backend.fusion(), any_size)
        self.plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.train_function: Any = None
        self.placed: PlacedPictures | None = None
        self.between_dispatches = True

    def call(self, inputs: Any, training: bool = False) -> Any:  # noqa: ANN401
        """Logits of pictures, or of `{"pictures": ..., "draws": ..., "groups": ...}` with or without the last two."""
        beside = inputs if isinstance(inputs, dict) else {}
        pictures = beside.get(PICTURES, inputs)
        if DRAWS in beside:
            pictures = ops.stop_gradient(self.augmentation.pictures(pictures, beside[DRAWS]))
        elif not training:
            pictures = self.as_evaluated(pictures)
        if not self.of_features:
            return self.fast(pictures, training=training)
        logits, features = self.fast(pictures, training=training)
        if training and GROUPS in beside:
            self.add_loss(self.objective.of_features(features, beside[GROUPS]))
        return logits

    def train_step(self, *args: Any) -> Any:  # noqa: ANN401
        """One step of training on a batch of pictures, or of rows of those that the device holds."""
        *state, (inputs, *columns) = args
        if self.placed is not None and isinstance(inputs, dict) and ROWS in inputs:
            pictures = self.placed.values
            inputs = take_pictures(inputs, lambda rows: ops.take(pictures, rows, axis=0))
        return super().train_step(*state, (inputs, *columns))

    def make_train_function(self, force: bool = False) -> Any:  # noqa: ANN401
        """Keras's own, unless the backend has another for pictures that the device holds."""
        if self.train_function is None or force:
            placed = self.placed
            self.train_function = None if placed is None else placed.data.train_function(self, placed.values)
        return super().make_train_function()

    def make_streamed_function(self) -> None:
        """Keras's own `train_function`, for batches of pictures."""
        super().make_train_function()

    def example(self) -> tuple[Any, ...] | None:
        """A batch of two pictures where the batches of training carry none."""
        if self.placed is None:
            return None
        return np.zeros((2, *self.placed.values.shape[1:]), np.uint8), np.zeros(2, np.int64)

    def results(self) -> dict[str, Any]:
        """All metrics as they are now, also between two steps."""
        self.backend.write_back(self)
        results: dict[str, Any] = self.get_metrics_result()
        return results

    @property
    def val_size(self) -> int | None:
        """Side at which val is measured now, in pixels; None is as stored."""
        return self.shrinking.size

    def as_evaluated(self, pictures: Any) -> Any:  # noqa: ANN401
        """Pictures as stored, uint8 `[batch, height, width, 3]`, at the size that val is measured at."""
        return self.shrinking.pictures(pictures, neutral_draws(pictures)) if self.shrinking.stages else pictures

    def resize(self, size: int | None, val_size: int | None) -> None:
        """Train at `size` pixels from now on, and evaluate at `val_size`; None leaves pictures as stored."""
        if size != self.augmentation.size:
            self.augmentation = replace(self.augmentation, size=size)
            self.train_function = None  # the step has to be traced anew
        if val_size != self.val_size:
            self.shrinking = replace(self.shrinking, size=val_size)
            self.test_function = None

    def compute_loss(
        self,
        x: Any = None,  # noqa: ANN401
        y: Any = None,  # noqa: ANN401
        y_pred: Any = None,  # noqa: ANN401
        sample_weight: Any = None,  # noqa: ANN401
        training: bool = True,
    ) -> Any:  # noqa: ANN401
        """The objective in training; the plain cross-entropy elsewhere, so that `val/loss` compares across runs."""
        if not training:
            return self.plain(y, y_pred)
        draws = x.get(DRAWS) if isinstance(x, dict) else None
        loss = self.objective(self.augmentation.targets(y, draws), y_pred, sample_weight)
        return loss + sum(self.losses) if self.losses else loss

    def one_part(self, parts: Any) -> Any:  # noqa: ANN401
        """One device's part of the first batch, which the learner is built from."""
        return self.backend.one_device(self, parts)

    def compilation(self, asked: str, deterministic: bool) -> str:
        """Whether XLA compiles the step, and why, such as `off (auto: Keras leaves it off on a CPU)`.

        Args:
            asked: `trainer.jit_compile`.
            deterministic: The switch of that name.
        """
        effective = bool(self.jit_compile)
        if effective or asked == "false":
            return f"{'on' if effective else 'off'} ({asked})"
        without = [layer.name for layer in all_layers(self) if not layer.supports_jit]
        if without and not deterministic:
            return f"off ({asked}: {without[0]} has no XLA kernel)"
        return f"off ({asked}: {self.backend.why_not_compiled(self, deterministic)})"
