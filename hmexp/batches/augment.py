"""Draws -> changed pictures, with `keras.ops` where the model computes: no randomness, no state, any backend.

A single resampling does crop, mirror, shift, turn and shear. It is written with a gather: the affine operations of
the backends have no XLA kernel on TensorFlow, and one layer without it turns XLA off for the whole model.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from keras import ops

from hmexp.batches.draws import CHANNELS, COLUMNS, NEUTRAL
from hmexp.config.augment import AugmentConfig

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey of the same brightness (ITU-R BT.601)."""


Stage = Callable[[Any, Any], Any]
"""(pictures, draws) -> pictures."""


@dataclass(frozen=True)
class Augmentation:
    """Applies draws to pictures.

    Attributes:
        cfg: The `augment` section; stages that are off are left out.
        num_classes: Width of the targets.
        compiled: Makes a stage faster without changing what it does. Stages are compiled one by one: in a single
            program XLA computes the resampling again for each of its readers (a fifth of the speed on a CPU).
        size: Height and width that pictures are brought to, in pixels; None leaves them as stored.
    """

    cfg: AugmentConfig
    num_classes: int
    compiled: Callable[[Stage], Stage] = lambda stage: stage

    size: int | None = None

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """What is done, in this order."""
        resample = partial(_resample, size=self.size)
        moves = self.cfg.moves or self.size is not None
        chosen = (
            (resample, moves),
            (_recolour, self.cfg.recolours),
            (_break_colour, self.cfg.breaks_colour),
            (_erase, self.cfg.erase),
            (_mix, self.cfg.mixes),
        )
        return tuple(self.compiled(stage) for stage, on in chosen if on)

    def pictures(self, pictures: Any, draws: Any) -> Any:  # noqa: ANN401
        """Change a batch.

        Args:
            pictures: uint8 `[batch, height, width, 3]`.
            draws: float32 `[batch, len(COLUMNS)]`.

        Returns:
            uint8 `[batch, size, size, 3]`.
        """
        for stage in self.stages:
            pictures = stage(pictures, draws)
        return pictures

    def targets(self, targets: Any, draws: Any) -> Any:  # noqa: ANN401
        """Targets int `[batch]` -> shares of each class, float32 `[batch, classes]`, mixed as the pictures are."""
        shares = ops.one_hot(ops.cast(targets, "int32"), self.num_classes, dtype="float32")
        if draws is None or not self.cfg.mixes:
            return shares
        column = {name: values[:, :, 0, 0] for name, values in _columns(draws).items()}
        area = (column["mix_y1"] - column["mix_y0"]) * (column["mix_x1"] - column["mix_x0"])
        return shares + column["mix"] * area * (ops.flip(shares, axis=0) - shares)


def neutral_draws(pictures: Any) -> Any:  # noqa: ANN401
    """Draws that move nothing in a batch `[batch, height, width, 3]`, float32 `[batch, len(COLUMNS)]`."""
    return ops.broadcast_to(ops.convert_to_tensor(NEUTRAL, dtype="float32"), (ops.shape(pictures)[0], len(COLUMNS)))


def _columns(draws: Any) -> dict[str, Any]:  # noqa: ANN401
    """Each column as `[batch, 1, 1, 1]`."""
    return {name: draws[:, i, None, None, None] for i, name in enumerate(COLUMNS)}


def _resample(pictures: Any, draws: Any, size: int | None) -> Any:  # noqa: ANN401
    """Bilinear samples at the affine image of each pixel; beyond the edge, the edge."""
    pictures = _halved(pictures, size)
    column = _columns(draws)
    height, width = pictures.shape[1:3]
    batch = ops.shape(pictures)[0]
    there_y = _centres(size or height)[None, :, None]
    there_x = _centres(size or width)[None, None, :]
    flat = {name: values[..., 0] for name, values in column.items()}
    x = flat["xx"] * there_x + flat["xy"] * there_y + flat["x"]
    y = flat["yx"] * there_x + flat["yy"] * there_y + flat["y"]
    x = ops.clip((x + 1) * (width / 2) - 0.5, 0.0, width - 1.0)
    y = ops.clip((y + 1) * (height / 2) - 0.5, 0.0, height - 1.0)
    left, top = ops.floor(x), ops.floor(y)
    part_x, part_y = (x - left)[..., None], (y - top)[..., None]
    left, top = ops.cast(left, "int32"), ops.cast(top, "int32")
    right, bottom = ops.minimum(left + 1, width - 1), ops.minimum(top + 1, height - 1)
    start = (ops.arange(batch, dtype="int32") * (height * width))[:, None, None]
    pixels = ops.reshape(pictures, (-1, 3))

    def at(row: Any, place: Any) -> Any:  # noqa: ANN401
        return ops.cast(ops.take(pixels, start + row * width + place, axis=0), "float32")

    upper = at(top, left) * (1 - part_x) + at(top, right) * part_x
    lower = at(bottom, left) * (1 - part_x) + at(bottom, right) * part_x
    return _to_bytes(upper * (1 - part_y) + lower * part_y)


def _halved(pictures: Any, size: int | None) -> Any:  # noqa: ANN401
    """Means of 2x2 pixels, as often as `size` allows, so that sampling leaves nothing out."""
    while size is not None and 2 * size <= min(pictures.shape[1:3]):
        height, width = (side // 2 for side in pictures.shape[1:3])
        even = ops.cast(pictures[:, : 2 * height, : 2 * width], "float32")
        pictures = _to_bytes(ops.mean(ops.reshape(even, (-1, height, 2, width, 2, 3)), axis=(2, 4)))
    return pictures


def _centres(count: int) -> Any:  # noqa: ANN401
    """Centres of `count` pixels between -1 and 1."""
    return (ops.arange(count, dtype="float32") + 0.5) * (2 / count) - 1


def _recolour(pictures: Any, draws: Any) -> Any:  # noqa: ANN401
    """Balance, brightness, contrast and saturation by factors; then solarize and posterize."""
    column = _columns(draws)
    balance = ops.concatenate([column["red"], column["green"], column["blue"]], axis=-1)
    changed = ops.cast(pictures, "float32") * column["brightness"] * balance
    grey = ops.sum(changed * ops.convert_to_tensor(GREY, dtype="float32"), axis=-1, keepdims=True)
    mean = ops.mean(grey, axis=(1, 2), keepdims=True)
    changed = grey + (changed - grey) * column["saturation"]
    changed = ops.clip(mean + (changed - mean) * column["contrast"], 0.0, 255.0)
    changed = ops.where(changed >= column["solarize"], 255.0 - changed, changed)
    return _to_bytes(ops.floor(changed / column["posterize"]) * column["posterize"])


def _break_colour(pictures: Any, draws: Any) -> Any:  # noqa: ANN401
    """Channels blended anew, brightness by an exponent, negatives; white stays white unless it is inverted."""
    column = _columns(draws)
    old = ops.cast(pictures, "float32") / 255.0
    blended = [
        ops.sum(ops.concatenate([column[f"{new}_from_{name}"] for name in CHANNELS], axis=-1) * old, -1, keepdims=True)
        for new in CHANNELS
    ]
    changed = ops.power(ops.clip(ops.concatenate(blended, axis=-1), 0.0, 1.0), column["gamma"])
    return _to_bytes(255.0 * ops.where(column["invert"] > 0, 1.0 - changed, changed))


def _erase(pictures: Any, draws: Any) -> Any:  # noqa: ANN401
    """Paint the box with the mean colour of the picture."""
    inside = _inside(pictures, draws, "erase")
    mean = ops.mean(ops.cast(pictures, "float32"), axis=(1, 2), keepdims=True)
    return ops.where(inside, _to_bytes(mean), pictures)


def _mix(pictures: Any, draws: Any) -> Any:  # noqa: ANN401
    """Blend the box with that of another picture, which is the batch read backwards."""
    part = ops.cast(_inside(pictures, draws, "mix"), "float32") * _columns(draws)["mix"]
    own = ops.cast(pictures, "float32")
    return _to_bytes(own + part * (ops.flip(own, axis=0) - own))


def _inside(pictures: Any, draws: Any, name: str) -> Any:  # noqa: ANN401
    """Which pixels lie in the box `name`, bool `[batch, height, width, 1]`."""
    height, width = pictures.shape[1:3]
    y = ((ops.arange(height, dtype="float32") + 0.5) / height)[None, :, None, None]
    x = ((ops.arange(width, dtype="float32") + 0.5) / width)[None, None, :, None]
    y0, y1, x0, x1 = (_columns(draws)[f"{name}_{side}"] for side in ("y0", "y1", "x0", "x1"))
    return ops.logical_and(ops.logical_and(y >= y0, y < y1), ops.logical_and(x >= x0, x < x1))


def _to_bytes(values: Any) -> Any:  # noqa: ANN401
    return ops.cast(ops.clip(ops.round(values), 0, 255), "uint8")
