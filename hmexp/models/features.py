"""What a model sees in a picture: the layer named `features`, or what stands in its place."""

import keras
import numpy as np

LAYER = "features"


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
