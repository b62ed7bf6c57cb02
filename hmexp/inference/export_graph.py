"""What an exported file computes: pictures of any size -> the model's size -> logits -> calibrated probabilities.

The resize is the one of Pillow's BILINEAR that the store has (`hmexp.store.decode`), written as two matrix products, so
that one graph is right in every format. TensorFlow's antialiased resize becomes an invalid ONNX file and no LiteRT file
(tensorflow 2.21, tf2onnx 1.17), and ONNX's own `Resize(antialias=1)` is up to 13 levels from Pillow. This one is one
level from it in 0.2 % of the samples of photographs, and equal in the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hmexp.metrics.calibration import with_temperature
from hmexp.models.bundle import Card
from hmexp.models.float32 import float32_layer

INPUT, PROBABILITIES, CLASSES, LABEL = "pictures", "probabilities", "classes", "label"
SCOPE = "resize"
"""Name scope of the operations that no quantisation may touch."""


@dataclass(frozen=True)
class ExportGraph:
    """A model with what stands before and behind it.

    Attributes:
        model: uint8 `[batch, image_size, image_size, 3]` -> logits `[batch, classes]`, computing in float32.
        card: Of its bundle.
        resizes: Whether it takes pictures of any size; without the resize a small network is a third faster.
    """

    model: keras.Model
    card: Card
    resizes: bool = True

    @property
    def signature(self) -> tf.TensorSpec:
        """What goes in."""
        size = None if self.resizes else self.card.image_size
        return tf.TensorSpec([None, size, size, 3], tf.uint8, name=INPUT)

    def classify(self, pictures: np.ndarray) -> np.ndarray:
        """The Keras model's own answer: uint8 `[batch, image_size, image_size, 3]` -> float32 `[batch, classes]`."""
        logits = np.asarray(self.model.predict_on_batch(pictures), np.float32)
        return with_temperature(logits, self.card.temperature)

    def probabilities(self, pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        """uint8 `[batch, height, width, 3]` -> `probabilities`, float32 `[batch, classes]`."""
        resized = pictures
        if self.resizes:
            with tf.name_scope(SCOPE):
                resized = resize(pictures, self.card.image_size, self.card.resize)
        # training=False always: keras.layers.Resizing switches what follows into training mode (keras #23166).
        logits = tf.cast(self.model(resized, training=False), tf.float32)
        return {PROBABILITIES: tf.nn.softmax(logits / self.card.temperature)}

    def named_probabilities(self, pictures: tf.Tensor) -> dict[str, tf.Tensor]:
        """As `probabilities`; and `classes`, text `[batch, classes]`, in their order; and `label`, text `[batch]`.

        Every output has a row a picture, as batching servers want it.
        """
        outputs = self.probabilities(pictures)
        names = tf.constant(self.card.classes)
        likeliest = tf.argmax(outputs[PROBABILITIES], axis=1, output_type=tf.int32)
        places = tf.zeros_like(likeliest)[:, None] + tf.range(len(self.card.classes))
        return outputs | {CLASSES: tf.gather(names, places), LABEL: tf.gather(names, likeliest)}

    def function(self, named: bool) -> Any:  # noqa: ANN401
        """One of the two as a `tf.function` of `signature`."""
        computed: Callable[..., Any] = self.named_probabilities if named else self.probabilities
        return tf.function(computed, input_signature=[self.signature])

    def module(self) -> tf.Module:
        """What owns the weights while a file is written, each once.

        Those in a Keras model that is an attribute of it, LiteRT's converter does not freeze (the file gives NaN).
        """
        module = tf.Module()
        module.model_weights = [weight.value for weight in self.model.weights]
        return module


def resize(pictures: tf.Tensor, size: int, mode: str) -> tf.Tensor:
    """Bring pictures to the model's size as the store does: columns first, rounded to whole levels after each axis.

    Args:
        pictures: uint8 `[batch, height, width, 3]`.
        size: Height and width of the result, in pixels.
        mode: `stretch`, `pad` (white borders) or `crop` (centre).

    Returns:
        uint8 `[batch, size, size, 3]`.
    """
    height, width = tf.unstack(tf.shape(pictures)[1:3])
    rows, inside_rows = _weights(height, width, size, mode)
    columns, inside_columns = _weights(width, height, size, mode)
    planes = tf.cast(tf.transpose(pictures, [0, 3, 1, 2]), tf.float32)
    planes = _whole_levels(tf.matmul(planes, columns, transpose_b=True))
    planes = _whole_levels(tf.matmul(rows, planes))
    if mode == "pad":
        inside = inside_rows[:, None] * inside_columns
        planes = planes * inside + 255.0 * (1.0 - inside)
    return tf.ensure_shape(tf.cast(tf.transpose(planes, [0, 2, 3, 1]), tf.uint8), [None, size, size, 3])


def _weights(length: tf.Tensor, other: tf.Tensor, size: int, mode: str) -> tuple[tf.Tensor, tf.Tensor]:
    """How much each pixel of an axis gives to each pixel of the result.

    Args:
        length: Pixels along this axis.
        other: Pixels along the other one.
        size: Pixels of the result.
        mode: See `resize`.

    Returns:
        float32 `[size, length]`, whose rows sum to 1; and float32 `[size]`, 1 where the picture is and 0 in a border.
    """
    whole, count, first = tf.cast(length, tf.float32), tf.constant(float(size)), tf.constant(0.0)
    start, span = tf.constant(0.0), whole
    if mode == "crop":
        span = tf.cast(tf.minimum(length, other), tf.float32)
        start = (whole - span) / 2.0
    elif mode == "pad":
        longer = tf.cast(tf.maximum(length, other), tf.float32)
        count = tf.maximum(1.0, tf.round(whole * float(size) / longer))
        first = tf.floor((float(size) - count) / 2.0)
    # Everything in pixels of the result: pixels of the picture, and how far they are from those of the result.
    places = (tf.cast(tf.range(length), tf.float32) + 0.5 - start) * (count / span)
    targets = tf.range(float(size)) + 0.5 - first
    distances = tf.abs(places - targets[:, None])
    # The triangle is two pixels of the result wide, or two of the picture where that is enlarged.
    weights = tf.nn.relu(1.0 - distances * tf.minimum(1.0, span / count))
    inside = tf.cast((targets > 0.0) & (targets < count), tf.float32)
    return weights / tf.maximum(tf.reduce_sum(weights, axis=1, keepdims=True), 1e-6), inside


def _whole_levels(values: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(tf.floor(values + 0.5), 0.0, 255.0)


def in_float32(model: keras.Model) -> keras.Model:
    """The model itself where it computes in float32, or else a copy that does: no runtime takes bfloat16 everywhere."""
    if all(layer.compute_dtype == "float32" for layer in _layers(model)):
        return model
    single = keras.models.clone_model(model, clone_function=float32_layer, recursive=True)
    single.set_weights(model.get_weights())
    return single


def _layers(model: keras.Model) -> Sequence[keras.layers.Layer]:
    """All layers but those that hold layers, which are listed themselves."""
    nested = ([layer] if not getattr(layer, "layers", None) else _layers(layer) for layer in model.layers)
    return [layer for some in nested for layer in some if not isinstance(layer, keras.layers.InputLayer)]


def random_operations(graph: Any) -> list[str]:  # noqa: ANN401
    """Types of the operations of a `tf.Graph`, and of its functions, that draw random numbers: live dropout."""
    definition = graph.as_graph_def()
    nodes = [*definition.node, *(node for function in definition.library.function for node in function.node_def)]
    return sorted({node.op for node in nodes if "Random" in node.op})
