"""A pretrained network below a new head: of `keras.applications`, or in a file of Keras's."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from hmexp.config.errors import RunError, UserError, require
from hmexp.config.pretrained import BackboneConfig, PretrainedConfig
from hmexp.models.headless import Headless, NoFeaturesError, headless
from hmexp.models.loading import RefusedNetworkError, load_network
from hmexp.models.policy import under_policy

LAYER = "backbone"
"""Name of the layer that holds the pretrained part; training freezes it and scales its learning rate."""
SCALING = ("Rescaling", "Normalization", "BatchNormalization", "Subtract", "Multiply", "TrueDivide", "Divide")
"""Layers and operations that bring pixels to the range that a network was trained with."""


def build_backbone(cfg: BackboneConfig, image_size: int, num_classes: int) -> keras.Model:
    """The backbone's own preprocessing, the backbone, mean over places, head.

    Raises:
        UserError: A file without a network, or one whose network takes other pictures.
        RunError: Weights that cannot be downloaded or do not fit, or pictures too small for the network.
    """
    pictures = keras.Input((image_size, image_size, 3), dtype="uint8", name="pictures")
    if cfg.is_file:
        backbone = under_policy(open_file(cfg, image_size).network)
        x = pictures if backbone.inputs[0].dtype == "uint8" else as_floats(pictures)
        name = backbone.name
    else:
        backbone, name = _load(cfg, image_size), cfg.name.lower()
        x = _preprocessing(cfg.name)(as_floats(pictures))
    backbone.name = LAYER
    return with_head(cfg, name, pictures, backbone(x), num_classes)


def as_floats(pictures: keras.KerasTensor) -> keras.KerasTensor:
    """Pixels from 0 to 255 as float32, whatever the network computes in."""
    return keras.layers.Rescaling(1.0, dtype="float32", name="cast")(pictures)


def with_head(
    cfg: PretrainedConfig, name: str, pictures: keras.KerasTensor, given: keras.KerasTensor, num_classes: int
) -> keras.Model:
    """The backbone, its features, the head.

    Args:
        cfg: Says what the head is.
        name: Of the whole.
        pictures: The input, uint8 `[batch, height, width, 3]`.
        given: What the layer named `backbone` gives for it: maps, tokens or features.
        num_classes: Width of the logits.
    """
    x = _features(given)
    if cfg.dense:
        x = keras.layers.Dense(cfg.dense, activation="relu", name="hidden")(x)
    if cfg.dropout:
        x = keras.layers.Dropout(cfg.dropout, name="dropout")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(pictures, logits, name=name)


def _features(given: keras.KerasTensor) -> keras.KerasTensor:
    """One vector a picture: the mean over the places of maps, or over tokens; pooled features as they are."""
    if len(given.shape) == 4:
        return keras.layers.GlobalAveragePooling2D(name="features")(given)
    if len(given.shape) == 3:
        return keras.layers.GlobalAveragePooling1D(name="features")(given)
    return keras.layers.Identity(name="features")(given)


def open_file(cfg: BackboneConfig, image_size: int) -> Headless:
    """The network in a file, without its classifier.

    Raises:
        UserError: See `build_backbone`.
    """
    path = Path(cfg.name).expanduser()
    try:
        found = headless(load_network(path))
    except (RefusedNetworkError, NoFeaturesError) as error:
        expected = "a network of pictures [batch, height, width, 3] that Keras loads in safe mode"
        raise UserError(f"model.name: expected {expected}, received {path}: {error}") from None
    sides = [side for side in found.network.inputs[0].shape[1:3] if side is not None]
    require(
        set(sides) <= {image_size}, "data.image_size", f"{max(sides, default=0)}, as {path.name} takes it", image_size
    )
    return found


def check_sides(network: keras.Model, name: str, image_size: int) -> None:
    """Raise `UserError` where a network takes pictures of another size alone."""
    sides = {side for side in network.inputs[0].shape[1:3] if side is not None}
    require(sides <= {image_size}, "data.image_size", f"{max(sides, default=0)}, as {name} takes it", image_size)


def scales_pixels(network: keras.Model) -> bool:
    """Whether a network brings pixels to another range before its first layer with weights."""
    for layer in network.layers:
        if type(layer).__name__ in SCALING:
            return True
        if isinstance(layer, keras.Model):
            return scales_pixels(layer)
        if layer.weights:
            return False
    return False


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
