"""A pretrained network without its classifier: its last feature maps, tokens or pooled features."""

from dataclasses import dataclass
from typing import Any

import keras

from hmexp.compat.keras import producer

HEAD = (
    *(
        "Dense",
        "EinsumDense",
        "Dropout",
        "Activation",
        "Softmax",
        "ReLU",
        "LeakyReLU",
        "Identity",
        "Flatten",
        "Reshape",
    ),
    *("BatchNormalization", "LayerNormalization", "UnitNormalization", "Conv2D"),
)
"""Layers that a classifier is made of, behind the last feature maps; a convolution only where there is one place."""
POOLING = ("GlobalAveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalMaxPooling1D")


@dataclass(frozen=True)
class Headless:
    """A network that gives features.

    Attributes:
        network: Pictures -> maps `[batch, rows, columns, channels]`, tokens `[batch, tokens, channels]` or features
            `[batch, channels]`.
        words: What was taken of the network that was there.
    """

    network: keras.Model
    words: str


class NoFeaturesError(Exception):
    """A network without features to take; its text says what it is, after `received`."""


def headless(network: keras.Model) -> Headless:
    """Cut a classifier off, where there is one.

    Args:
        network: Functional or sequential, pictures `[batch, height, width, 3]` in, one output.

    Raises:
        NoFeaturesError: A network of another kind, or one that learns nothing before its classifier.
    """
    inputs, outputs = getattr(network, "inputs", None), getattr(network, "outputs", None)
    if not inputs or not outputs:
        raise NoFeaturesError(f"a {type(network).__name__} without a graph of layers")
    if len(inputs) != 1 or len(outputs) != 1:
        raise NoFeaturesError(f"one of {len(inputs)} inputs and {len(outputs)} outputs")
    if len(inputs[0].shape) != 4 or inputs[0].shape[-1] != 3:
        raise NoFeaturesError(f"one that takes {_shape(inputs[0])}")
    if len(outputs[0].shape) not in (2, 3, 4):
        raise NoFeaturesError(f"one that gives {_shape(outputs[0])}")
    return _cut(network, inputs[0], outputs[0])


def _cut(network: keras.Model, pictures: Any, output: Any) -> Headless:  # noqa: ANN401
    whole = len(output.shape) > 2
    taken = output if whole else _behind_head(output)
    cut = keras.Model(pictures, taken, name=network.name)
    if not cut.weights:
        taken = _before_classifier(output)
        cut = keras.Model(pictures, taken, name=network.name)
    if not cut.weights:
        raise NoFeaturesError("one that has learned nothing before its classifier")
    kind = {4: "feature maps", 3: "tokens", 2: "pooled features"}[len(taken.shape)]
    left_out = network.count_params() - cut.count_params()
    rest = f", without its head of {left_out:,} parameters" if left_out else ""
    return Headless(cut, f"{kind} {_shape(taken)} of {producer(taken)[0].name}{rest}")


def _behind_head(output: Any) -> Any:  # noqa: ANN401
    """Walk back from a vector over the layers of a head, to what has places or to another kind of layer."""
    tensor, pooled = output, False
    while not _has_places(tensor, pooled):
        layer, inputs = producer(tensor)
        kind = type(layer).__name__
        if isinstance(layer, keras.Model) and len(inputs) == 1 and len(layer.outputs) == 1:
            inner = _behind_head(layer.outputs[0])
            return tensor if inner is layer.outputs[0] else keras.Model(layer.inputs, inner, name=layer.name)(inputs[0])
        narrow = len(tensor.shape) == 2 or tensor.shape[1:3] == (1, 1)
        if len(inputs) != 1 or not narrow or kind not in (*HEAD, *POOLING):
            return tensor
        pooled = pooled or kind in POOLING
        tensor = inputs[0]
    return tensor


def _before_classifier(output: Any) -> Any:  # noqa: ANN401
    """Walk back over the last dense layer alone, and what comes after it."""
    tensor = output
    while True:
        layer, inputs = producer(tensor)
        if len(inputs) != 1 or type(layer).__name__ not in HEAD:
            return tensor
        tensor = inputs[0]
        if layer.weights:
            return tensor


def _has_places(tensor: Any, pooled: bool) -> bool:  # noqa: ANN401
    """Whether it is maps or tokens: what was pooled over is, however small."""
    return len(tensor.shape) == 3 or (len(tensor.shape) == 4 and (pooled or tensor.shape[1:3] != (1, 1)))


def _shape(tensor: Any) -> str:  # noqa: ANN401
    sides = ["any" if side is None else str(side) for side in tensor.shape[1:]]
    return f"[{', '.join(['batch', *sides])}]"
