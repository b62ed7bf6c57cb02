"""A network of `keras.applications` below a new head: from scratch, from a file, or from ImageNet."""

import sys
from collections.abc import Callable
from typing import Any

import keras

from hmexp.config.errors import RunError
from hmexp.config.model import BackboneConfig

LAYER = "backbone"
"""Name of the layer that holds the pretrained part; training freezes it and scales its learning rate."""


def build_backbone(cfg: BackboneConfig, image_size: int, num_classes: int) -> keras.Model:
    """The backbone's own preprocessing, the backbone, mean over places, dropout, logits.

    Raises:
        RunError: Weights that cannot be downloaded or do not fit, or pictures too small for the network.
    """
    pictures = keras.Input((image_size, image_size, 3), dtype="uint8", name="pictures")
    x = keras.layers.Rescaling(1.0, dtype="float32", name="cast")(pictures)
    x = _preprocessing(cfg.name)(x)
    backbone = _load(cfg, image_size)
    backbone.name = LAYER
    x = keras.layers.GlobalAveragePooling2D(name="features")(backbone(x))
    if cfg.dropout:
        x = keras.layers.Dropout(cfg.dropout, name="dropout")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(pictures, logits, name=cfg.name.lower())


def _load(cfg: BackboneConfig, image_size: int) -> keras.Model:
    make: Callable[..., keras.Model] = getattr(keras.applications, cfg.name)
    try:
        return make(include_top=False, weights=cfg.weights, input_shape=(image_size, image_size, 3))
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise RunError(f"model.name={cfg.name} at data.image_size={image_size}: {reason}") from None
    except Exception as error:
        reason = " ".join(str(error).split())
        if cfg.weights == "imagenet":
            raise RunError(
                f"model.weights=imagenet: expected {cfg.name}'s weights in Keras's cache or a network to download "
                f"them, received {reason}; give model.weights=FILE, or null to train from scratch"
            ) from error
        if isinstance(error, OSError):
            raise RunError(
                f"model.weights: expected a file of Keras weights, received {cfg.weights}: {reason}"
            ) from None
        raise


def _preprocessing(name: str) -> Callable[[Any], Any]:
    """`preprocess_input` of the module that the network is from; networks with their own inside pass through it."""
    function = getattr(keras.applications, name)
    module = sys.modules[function.__module__]
    preprocess: Callable[[Any], Any] = module.preprocess_input
    return preprocess
