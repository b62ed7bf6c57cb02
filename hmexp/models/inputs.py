"""What a network sees of its pictures; inside the network, so that training, test and use see the same."""

import keras

BLANK = 0.5
"""Added to the variance of a sum of three channels: that of a quarter of a level, which matters to blank pictures."""


def scaled(pictures: keras.KerasTensor, kind: str, scale: float, offset: float = 0.0) -> keras.KerasTensor:
    """Pictures uint8 `[batch, height, width, 3]` -> what the first convolution takes, float32 under every precision.

    bfloat16 cannot tell all 256 values apart.

    Args:
        pictures: The network's input.
        kind: `rgb` for `scale * picture + offset`; `grey` for the sum of the three channels, each picture with mean 0
            and standard deviation 1, `[batch, height, width, 1]`.
        scale: See there.
        offset: See there.
    """
    if kind == "rgb":
        return keras.layers.Rescaling(scale, offset, dtype="float32", name="scale")(pictures)
    levels = keras.layers.Rescaling(1.0, dtype="float32", name="levels")(pictures)
    standardised = _standardised(keras.ops.sum(levels, axis=-1, keepdims=True))
    return keras.layers.Activation("linear", dtype="float32", name="standardise")(standardised)


def _standardised(grey: keras.KerasTensor) -> keras.KerasTensor:
    """Mean 0 and standard deviation 1, each picture.

    Sums of whole numbers are exact, and those of squares are taken in two steps, so that a runtime that adds up numbers
    one by one has them as one that does not: an exported network has to give what this one gives.
    """
    centred = grey - _mean(grey)
    return centred * keras.ops.rsqrt(_mean(keras.ops.square(centred)) + BLANK)


def _mean(values: keras.KerasTensor) -> keras.KerasTensor:
    """Mean over the places, `[batch, 1, 1, 1]`."""
    return keras.ops.mean(keras.ops.mean(values, axis=2, keepdims=True), axis=1, keepdims=True)
