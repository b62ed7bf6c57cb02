"""Batch norm in one kernel on TensorFlow: the same layers and variables, a third to a half more steps a second.

Keras 3.15 writes batch norm as a dozen operations in float32. TensorFlow's fused kernel does them in one pass, in
bfloat16 too. The network itself stays as it is, so that what is saved needs nothing but Keras.
"""

from typing import Any

import keras

from hmexp.compat.keras import all_layers
from hmexp.models.float32 import copies_layer_by_layer
from hmexp.training.backends.protocol import Fusion


def trainable_copy(network: keras.Model, fusion: Fusion | None, any_size: bool) -> keras.Model:
    """The same network, sharing every variable, as it is fastest to train.

    Args:
        network: A functional model.
        fusion: Of the backend.
        any_size: Take pictures of any size, for progressive resizing.

    Returns:
        Where the backend has a fused kernel, a copy whose batch norms are computed by it; else the network itself,
        unless it has to take any size.
    """
    whole = not copies_layer_by_layer(network)
    fuses = not whole and fusion is not None and any(_fits(layer) for layer in all_layers(network))
    if not fuses and not any_size:
        return network
    inputs = keras.Input((None, None, 3), dtype=network.input.dtype, name="any_pictures") if any_size else None
    replace = fusion if fusion is not None and fuses else lambda layer: layer
    copy: keras.Model = keras.models.clone_model(
        network, input_tensors=inputs, clone_function=replace, recursive=not whole
    )
    return copy


class FusedBatchNormalization(keras.layers.Layer):  # type: ignore[misc]
    """Computes a batch norm layer, whose variables it uses."""

    def __init__(self, norm: keras.layers.BatchNormalization) -> None:
        super().__init__(name=f"{norm.name}_fused", dtype=norm.dtype_policy)
        self.norm = norm

    def call(self, inputs: Any, training: bool = False, mask: None = None) -> Any:  # noqa: ANN401
        """Normalise `[batch, height, width, channels]`; move the running statistics while training."""
        import tensorflow as tf

        norm = self.norm
        learns = bool(training) and norm.trainable
        running = {} if learns else {"mean": norm.moving_mean.value, "variance": norm.moving_variance.value}
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, norm.gamma.value, norm.beta.value, epsilon=norm.epsilon, is_training=learns, **running
        )
        if learns:
            share = 1 - norm.momentum
            norm.moving_mean.assign(norm.moving_mean * norm.momentum + mean * share)
            norm.moving_variance.assign(norm.moving_variance * norm.momentum + variance * share)
        return outputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """As it came."""
        return input_shape


def fused_norm(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The layer itself, or, for a batch norm that the kernel fits, a layer that computes it."""
    return FusedBatchNormalization(layer) if _fits(layer) else layer


def _fits(layer: keras.layers.Layer) -> bool:
    """A batch norm of feature maps with scale and offset, channels last."""
    return (
        type(layer) is keras.layers.BatchNormalization
        and layer.built
        and len(layer.input.shape) == 4
        and layer.axis in (-1, 3)
        and layer.scale
        and layer.center
    )
