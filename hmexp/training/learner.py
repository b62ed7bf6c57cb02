"""What Keras fits: a network with its augmentation and its loss around it."""

from dataclasses import replace
from typing import Any

import keras
from keras import ops

from hmexp.batches.augment import Augmentation, Stage
from hmexp.batches.draws import DRAWS, PICTURES
from hmexp.training.fused import trainable_copy


class Learner(keras.Model):  # type: ignore[misc]
    """Trains a network on augmented pictures; evaluates it on pictures as they are.

    The network itself, which is what is saved and served, knows nothing of either.

    Args:
        network: uint8 `[batch, height, width, 3]` -> logits `[batch, classes]`.
        augmentation: Applied where a batch carries draws.
        objective: Of soft targets and logits, minimised in training.
        any_size: Whether `resize` will be called.
    """

    def __init__(
        self, network: keras.Model, augmentation: Augmentation, objective: keras.losses.Loss, any_size: bool = False
    ) -> None:
        # float32 whatever the network computes in: the draws hold places, which bfloat16 would blur.
        super().__init__(name="learner", dtype="float32")
        self.network, self.augmentation, self.objective = network, augmentation, objective
        self.fast = trainable_copy(network, any_size)
        self.plain = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def call(self, inputs: Any, training: bool = False) -> Any:  # noqa: ANN401
        """Logits of pictures, or of `{"pictures": ..., "draws": ...}`."""
        if isinstance(inputs, dict):
            inputs = ops.stop_gradient(self.augmentation.pictures(inputs[PICTURES], inputs[DRAWS]))
        return self.fast(inputs, training=training)

    def resize(self, size: int) -> None:
        """Train at `size` pixels from now on."""
        if size != self.augmentation.size:
            self.augmentation = replace(self.augmentation, size=size)
            self.train_function = None  # the step has to be traced anew

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
        draws = x[DRAWS] if isinstance(x, dict) else None
        loss = self.objective(self.augmentation.targets(y, draws), y_pred, sample_weight)
        return loss + sum(self.losses) if self.losses else loss

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:  # noqa: ANN401
        """Build from one device's part of the first batch, where TensorFlow shares it between several.

        Keras 3.15 takes the mean of the parts, which fails where they are of unequal size.
        """
        strategy = getattr(self, "_distribute_strategy", None)
        if strategy is not None and iterator is not None:
            parts = next(next(iter(iterator))[-1])
            data_batch = keras.tree.map_structure(lambda part: strategy.experimental_local_results(part)[0], parts)
            iterator = None
        super()._maybe_symbolic_build(iterator, data_batch)


def compiled(stage: Stage) -> Stage:
    """XLA for a stage of the augmentation on TensorFlow, whose own kernels are 2 to 8 times as slow on a CPU.

    The other backends compile, or do not, with the step around it.
    """
    if keras.backend.backend() != "tensorflow":
        return stage
    import tensorflow as tf

    function: Stage = tf.function(stage, jit_compile=True, autograph=False)
    return function
