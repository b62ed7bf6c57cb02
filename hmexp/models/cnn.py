"""The plain convolutional network, of which `cnn3` is the reference's."""

import keras

from hmexp.config.model import CnnConfig
from hmexp.models.inputs import scaled


def build_cnn(cfg: CnnConfig, image_size: int, num_classes: int) -> keras.Model:
    """Blocks of convolution, norm, activation and pooling; then a head."""
    pictures = keras.Input((image_size, image_size, 3), dtype="uint8", name="pictures")
    x = scaled(pictures, cfg.input, 1 / 255)
    for number, width in enumerate(cfg.block_widths, start=1):
        x = _block(cfg, x, width, f"block{number}")
    x = _head(cfg, x)
    if cfg.dropout:
        x = keras.layers.Dropout(cfg.dropout, name="dropout")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(pictures, logits, name="cnn")


def _block(cfg: CnnConfig, x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
    """Convolution, norm, activation, 2x2 pooling."""
    plain = cfg.norm == "none"
    activation = cfg.activation if plain else None
    # A norm with an offset makes the convolution's bias redundant.
    x = keras.layers.Conv2D(
        width, cfg.kernel, padding="same", activation=activation, use_bias=plain, name=f"{name}_conv"
    )(x)
    if not plain:
        x = _norm(cfg, f"{name}_norm")(x)
        x = keras.layers.Activation(cfg.activation, name=f"{name}_{cfg.activation}")(x)
    pools = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}
    return pools[cfg.pooling](2, name=f"{name}_pool")(x)


def _norm(cfg: CnnConfig, name: str) -> keras.layers.Layer:
    if cfg.norm == "batch":
        return keras.layers.BatchNormalization(momentum=cfg.norm_momentum, name=name)
    return keras.layers.LayerNormalization(name=name)


def _head(cfg: CnnConfig, x: keras.KerasTensor) -> keras.KerasTensor:
    """Feature maps -> one vector a picture, by the layer named `features`."""
    flat = keras.layers.Flatten if cfg.head == "flatten" else keras.layers.GlobalAveragePooling2D
    if not cfg.dense:
        return flat(name="features")(x)
    x = flat(name=cfg.head)(x)
    return keras.layers.Dense(cfg.dense, activation=cfg.activation, name="features")(x)
