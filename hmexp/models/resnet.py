"""A small residual network (He et al. 2016), for pictures of 32 to 256 pixels."""

import keras

from hmexp.config.model import ResnetConfig
from hmexp.models.inputs import scaled


def build_resnet(cfg: ResnetConfig, image_size: int, num_classes: int) -> keras.Model:
    """Stem, stages of residual blocks each at half the size of the one before, mean over places, logits."""
    pictures = keras.Input((image_size, image_size, 3), dtype="uint8", name="pictures")
    x = scaled(pictures, cfg.input, 1 / 127.5, -1.0)
    x = _stem(cfg, x)
    rates = cfg.drop_rates
    for stage, (width, blocks) in enumerate(zip(cfg.stage_widths, cfg.stage_blocks, strict=True), start=1):
        for number in range(1, blocks + 1):
            stride = 2 if number == 1 and stage > 1 else 1
            x = _block(cfg, x, width, stride, rates.pop(0), f"stage{stage}_block{number}")
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    if cfg.dropout:
        x = keras.layers.Dropout(cfg.dropout, name="dropout")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(pictures, logits, name="resnet")


def _stem(cfg: ResnetConfig, x: keras.KerasTensor) -> keras.KerasTensor:
    """The first convolution: kernel and stride by `model.stem`."""
    kernel, stride = {"plain": (3, 1), "stride": (3, 2), "pool": (3, 2), "patch": (4, 4)}[cfg.stem]
    x = _convolution(x, cfg.stage_widths[0], kernel, stride, "stem_conv")
    x = _activation(cfg, _norm(cfg, x, "stem_norm"), "stem")
    return keras.layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(x) if cfg.stem == "pool" else x


def _block(
    cfg: ResnetConfig, x: keras.KerasTensor, width: int, stride: int, drop: float, name: str
) -> keras.KerasTensor:
    """Two 3x3 convolutions beside a shortcut; the last norm starts at 0, so that the block starts as the identity."""
    shortcut = _shortcut(cfg, x, width, stride, name)
    x = _activation(cfg, _norm(cfg, _convolution(x, width, 3, stride, f"{name}_conv1"), f"{name}_norm1"), f"{name}_1")
    x = _norm(cfg, _convolution(x, width, 3, 1, f"{name}_conv2"), f"{name}_norm2", gamma="zeros")
    if cfg.squeeze:
        x = _squeeze(cfg, x, width, name)
    if drop:
        # Stochastic depth (Huang et al. 2016): the whole block is dropped for some pictures.
        x = keras.layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(x)
    x = keras.layers.Add(name=f"{name}_add")([shortcut, x])
    return _activation(cfg, x, f"{name}_2")


def _shortcut(cfg: ResnetConfig, x: keras.KerasTensor, width: int, stride: int, name: str) -> keras.KerasTensor:
    """The identity; or pooling and a 1x1 convolution (He et al., Bag of Tricks, 2019) where the shape changes."""
    if stride > 1:
        x = keras.layers.AveragePooling2D(stride, padding="same", name=f"{name}_shortcut_pool")(x)
    if x.shape[-1] == width:
        return x
    return _norm(cfg, _convolution(x, width, 1, 1, f"{name}_shortcut_conv"), f"{name}_shortcut_norm")


def _squeeze(cfg: ResnetConfig, x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
    """Squeeze and excitation (Hu et al. 2018): channels are weighed by what the whole picture shows."""
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze")(x)
    gate = keras.layers.Dense(max(8, width // 8), activation=cfg.activation, name=f"{name}_squeeze_in")(gate)
    gate = keras.layers.Dense(width, activation="sigmoid", name=f"{name}_squeeze_out")(gate)
    return keras.layers.Multiply(name=f"{name}_excite")([x, gate])


def _convolution(x: keras.KerasTensor, width: int, kernel: int, stride: int, name: str) -> keras.KerasTensor:
    return keras.layers.Conv2D(
        width, kernel, stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)


def _norm(cfg: ResnetConfig, x: keras.KerasTensor, name: str, gamma: str = "ones") -> keras.KerasTensor:
    if cfg.norm == "batch":
        return keras.layers.BatchNormalization(momentum=cfg.norm_momentum, gamma_initializer=gamma, name=name)(x)
    if cfg.norm == "group":
        groups = next(count for count in range(min(8, x.shape[-1]), 0, -1) if x.shape[-1] % count == 0)
        return keras.layers.GroupNormalization(groups, gamma_initializer=gamma, name=name)(x)
    return keras.layers.LayerNormalization(gamma_initializer=gamma, name=name)(x)


def _activation(cfg: ResnetConfig, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.Activation(cfg.activation, name=f"{name}_{cfg.activation}")(x)
