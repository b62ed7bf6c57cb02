"""What features have to beat: chance, and the pixels themselves."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from hmexp.inference.pixels import PixelSource
from hmexp.metrics.retrieval import normalised

WIDTH, HEIGHT = 32, 48
"""Of the pictures that are compared pixel by pixel; H&M's have this shape."""
RANDOM, RGB, GREY = "random", "raw RGB", "standardised grey"
RANDOM_FEATURES = 64
BATCH = 256
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Grey of red, green and blue (ITU-R BT.601)."""


def baselines(pixels: PixelSource, images: Sequence[str]) -> dict[str, np.ndarray]:
    """Vectors of pictures without a model, float16 `[pictures, features]`, L2-normalised.

    Args:
        pixels: Of the catalogue.
        images: Paths, of pictures that can be read.
    """
    rgb, grey = [], []
    for batch in pixels.batches(images, BATCH):
        small = np.stack([small(picture) for picture in batch.pixels])
        rgb.append(normalised(small.reshape(len(small), -1)).astype(np.float16))
        grey.append(standardised_grey(small).astype(np.float16))
    drawn = np.random.default_rng(0).normal(size=(len(images), RANDOM_FEATURES))
    return {RANDOM: normalised(drawn).astype(np.float16), RGB: np.concatenate(rgb), GREY: np.concatenate(grey)}


def standardised_grey(pictures: np.ndarray) -> np.ndarray:
    """Grey pictures less their mean, at length 1: as if each had a standard deviation of 1.

    Colour variants are alike in it, as colour and brightness are what they differ in.

    Args:
        pictures: uint8 `[n, height, width, 3]`.

    Returns:
        float32 `[n, height * width]`; zeros for a picture of one colour.
    """
    grey = (np.asarray(pictures, np.float32) @ LUMA).reshape(len(pictures), -1)
    centred = grey - grey.mean(axis=1, keepdims=True)
    flat = np.abs(centred).max(axis=1, keepdims=True) < 1e-3  # rounding alone
    return normalised(np.where(flat, 0.0, centred))


def small(picture: np.ndarray) -> np.ndarray:
    """One picture as it is compared pixel by pixel, uint8 `[48, 32, 3]`."""
    return np.asarray(Image.fromarray(picture).resize((WIDTH, HEIGHT), Image.Resampling.BOX))
