"""What a network sees of its pictures; inside the network, so that training, test and use see the same."""

import keras


def scaled(pictures: keras.KerasTensor, kind: str, scale: float, offset: float = 0.0) -> keras.KerasTensor:
    """Pictures uint8 `[batch, height, width, 3]` -> what the first convolution takes, float32 under every precision.

    bfloat16 cannot tell all 256 values apart.

    Args:
        pictures: The network's input.
        kind: `rgb` for `scale * picture + offset`; `grey` for the mean of the three channels, each picture with mean 0
            and standard deviation 1, `[batch, height, width, 1]`.
        scale: See there.
        offset: See there.
    """
    x = keras.layers.Rescaling(scale, offset, dtype="float32", name="scale")(pictures)
    if kind == "rgb":
        return x
    x = keras.ops.mean(x, axis=-1, keepdims=True)
    standardise = keras.layers.GroupNormalization(
        1, epsilon=EPSILON, center=False, scale=False, dtype="float32", name="standardise"
    )
    return standardise(x)


EPSILON = 1e-6
"""Added to the variance of a picture between 0 and 1: that of a quarter of a level; it matters to blank ones alone."""
