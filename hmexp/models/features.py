"""What a model sees in a picture: the layer named `features`, or what stands in its place."""

import json
from hashlib import blake2b
from typing import Any

import keras
import numpy as np

from hmexp.compat.keras import all_layers

LAYER = "features"
NAMES = ("name", "registered_name", "shared_object_id", "seed_generator")
"""What Keras numbers anew in every process."""


def feature_model(model: keras.Model) -> keras.Model:
    """The part of a model that gives the features of pictures.

    Args:
        model: uint8 `[batch, height, width, 3]` in, with a layer named `features`. Where it has none, its output is
            taken, as that of a network without a head.

    Returns:
        uint8 `[batch, height, width, 3]` -> `[batch, features]`: the mean over places of feature maps.
    """
    names = [layer.name for layer in model.layers]
    output = model.get_layer(LAYER).output if LAYER in names else model.outputs[0]
    if len(output.shape) == 4:
        output = keras.layers.GlobalAveragePooling2D(name="mean_over_places")(output)
    elif len(output.shape) != 2:
        output = keras.layers.Flatten(name="one_vector")(output)
    return keras.Model(model.inputs[0], output, name=LAYER)


def features_of(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Features of pictures, float32 `[batch, features]`.

    Args:
        model: Of `feature_model`.
        pixels: uint8 `[batch, height, width, 3]`.
    """
    return np.asarray(model.predict_on_batch(pixels), np.float32)


def digest_of(model: keras.Model) -> str:
    """32 hexadecimal digits over a model's layers and weights, whatever its layers are called."""
    total = blake2b(keras.__version__.encode(), digest_size=16)
    for layer in all_layers(model):
        if not isinstance(layer, keras.Model):
            total.update(json.dumps(_nameless(_config(layer)), sort_keys=True, default=str).encode())
    for weight in model.weights:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(weight))
        total.update(f"{values.shape} {values.dtype}".encode() + values.tobytes())
    return total.hexdigest()


def _config(layer: keras.layers.Layer) -> Any:  # noqa: ANN401
    try:
        return keras.saving.serialize_keras_object(layer)
    except NotImplementedError:  # inside a backbone of keras-hub, which knows how to make it
        return type(layer).__name__


def _nameless(config: Any) -> Any:  # noqa: ANN401
    """A serialised layer without the names that it happens to have."""
    if isinstance(config, dict):
        return {key: _nameless(value) for key, value in config.items() if key not in NAMES}
    return [_nameless(value) for value in config] if isinstance(config, list | tuple) else config
