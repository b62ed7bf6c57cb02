"""Random numbers of the augmentation: for each picture of an epoch, a row that is a function of (seed, epoch, index).

They are drawn on the host, a few bytes a picture, and travel with the batch; the pictures themselves are changed
where the model computes (`hmexp.batches.augment`). Nothing random is left there, so that every backend does the
same, XLA stays on, and a resumed run goes on with the very same pictures.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from hmexp.config.augment import AugmentConfig

CHANNELS = ("red", "green", "blue")
COLUMNS = (
    *("xx", "xy", "x", "yx", "yy", "y"),  # where a pixel comes from: [x, y] -> [xx x + xy y + x, yx x + yy y + y]
    *("brightness", "contrast", "saturation", "solarize", "posterize", "red", "green", "blue"),
    *("erase_y0", "erase_y1", "erase_x0", "erase_x1"),
    *("mix_y0", "mix_y1", "mix_x0", "mix_x1", "mix"),
    *(f"{new}_from_{old}" for new in CHANNELS for old in CHANNELS),
    *("gamma", "invert"),
)
"""Columns of the draws. Places are from -1 to 1, boxes in shares of the side, `mix` is the other picture's part.
`red_from_blue` is how much of the old blue the new red has, `invert` whether the picture becomes its negative."""
NEUTRAL = tuple(float(name in ("xx", "yy")) for name in COLUMNS)
"""A row of draws that moves nothing."""
DRAWS = "draws"
PICTURES = "pictures"
ROWS = "rows"
GROUPS = "groups"

AUGMENT_STREAM = 1
MAX_TURN, MAX_SHEAR, MAX_SHIFT, MAX_LIGHT = np.pi / 6, 0.3, 0.3, 0.9
GEOMETRY = ("turn", "shear_x", "shear_y", "shift_x", "shift_y")
COLOUR = ("brightness", "contrast", "saturation", "solarize", "posterize")
BLEND_ALPHA = 0.5
"""Of the Dirichlet distribution of a new channel's parts: below 1, one of the old ones tends to dominate."""
ERASED_AREA = (0.02, 0.33)
ERASED_ASPECT = 3.0


def inputs_of(pictures: Any, draws: Any, groups: Any) -> Any:  # noqa: ANN401
    """What a learner takes: the pictures, or a mapping of them and whatever goes with them; None stands for nothing."""
    beside = _given({DRAWS: draws, GROUPS: groups})
    return {PICTURES: pictures, **beside} if beside else pictures


def rows_of(rows: Any, draws: Any, groups: Any) -> dict[str, Any]:  # noqa: ANN401
    """What a learner that holds the pictures takes: rows of them, and whatever goes with them."""
    return {ROWS: rows, **_given({DRAWS: draws, GROUPS: groups})}


def take_pictures(inputs: Any, take: Callable[[Any], Any]) -> Any:  # noqa: ANN401
    """What `inputs_of` gives, of what `rows_of` gave and a function that takes pictures by their rows."""
    return inputs_of(take(inputs[ROWS]), inputs.get(DRAWS), inputs.get(GROUPS))


def _given(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: values for name, values in columns.items() if values is not None}


def draw(cfg: AugmentConfig, num: int, seed: int, epoch: int) -> np.ndarray:
    """Draw an epoch.

    Args:
        cfg: The `augment` section.
        num: Rows of the training split.
        seed: The run's seed.
        epoch: Counted from 1.

    Returns:
        float32 `[num, len(COLUMNS)]`: row i belongs to row i of the split, in whatever order it is read.
    """
    random = np.random.default_rng((seed, epoch, AUGMENT_STREAM))
    chosen = _choose_ops(cfg, num, random)
    columns = {
        **_affine(cfg, num, random, chosen),
        **_colour(cfg, num, random, chosen),
        **_erase(cfg, num, random),
        **_mix(cfg, num, random),
        **_other_colours(cfg, num, random),  # the last one, so that it moves nobody else's numbers
    }
    return np.stack([columns[name] for name in COLUMNS], axis=1).astype(np.float32)


def _choose_ops(cfg: AugmentConfig, num: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Strength of each operation of the list, `[num]`, 0 where a picture does not get it; half of them negative."""
    names = GEOMETRY + COLOUR
    rank = random.random((num, len(names))).argsort(axis=1).argsort(axis=1)
    strength = random.random((num, len(names))) * cfg.magnitude * np.where(rank < cfg.ops, 1.0, 0.0)
    sign = random.choice([-1.0, 1.0], (num, len(names)))
    return dict(zip(names, (strength * sign).T, strict=True))


def _affine(
    cfg: AugmentConfig, num: int, random: np.random.Generator, chosen: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Crop, mirror and shift, then turn and shear, as one map from target to source."""
    area = random.uniform(cfg.crop, 1.0, num)
    ratio = np.exp(random.uniform(-np.log(cfg.aspect), np.log(cfg.aspect), num) / 2)
    wide, high = np.minimum(np.sqrt(area) * ratio, 1.0), np.minimum(np.sqrt(area) / ratio, 1.0)
    place = random.uniform(-1.0, 1.0, (2, num))
    shift = random.uniform(-2 * cfg.shift, 2 * cfg.shift, (2, num))
    mirror = np.where(random.random(num) < cfg.flip, -1.0, 1.0)
    angle = chosen["turn"] * MAX_TURN + np.deg2rad(random.uniform(-cfg.turn, cfg.turn, num))
    cos, sin = np.cos(angle), np.sin(angle)
    shear_x, shear_y = chosen["shear_x"] * MAX_SHEAR, chosen["shear_y"] * MAX_SHEAR
    # Target -> turned -> sheared -> cropped source, as 2x2 products written out.
    xx, xy = cos + shear_x * sin, -sin + shear_x * cos
    yx, yy = sin + shear_y * cos, cos - shear_y * sin
    return {
        "xx": wide * mirror * xx,
        "xy": wide * mirror * xy,
        "x": place[0] * (1 - wide) + shift[0] + 2 * MAX_SHIFT * chosen["shift_x"],
        "yx": high * yx,
        "yy": high * yy,
        "y": place[1] * (1 - high) + shift[1] + 2 * MAX_SHIFT * chosen["shift_y"],
    }


def _colour(
    cfg: AugmentConfig, num: int, random: np.random.Generator, chosen: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Factors around 1, the brightness from which solarizing inverts, and the step that posterizing rounds to."""
    factors = {
        name: (1 + MAX_LIGHT * chosen[name]) * random.uniform(1 - cfg.colour, 1 + cfg.colour, num)
        for name in ("brightness", "contrast", "saturation")
    }
    balance = {name: random.uniform(1 - cfg.colour / 2, 1 + cfg.colour / 2, num) for name in ("red", "green", "blue")}
    threshold = 256 * (1 - np.abs(chosen["solarize"]))
    step = 2.0 ** np.round(5 * np.abs(chosen["posterize"]))
    return {**factors, **balance, "solarize": threshold, "posterize": step}


def _erase(cfg: AugmentConfig, num: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    area = random.uniform(*ERASED_AREA, num)
    ratio = np.exp(random.uniform(-np.log(ERASED_ASPECT), np.log(ERASED_ASPECT), num) / 2)
    box = _box(random.random((2, num)), np.sqrt(area) * ratio, np.sqrt(area) / ratio)
    does = random.random(num) < cfg.erase
    return dict(zip(("erase_y0", "erase_y1", "erase_x0", "erase_x1"), box * does, strict=True))


def _mix(cfg: AugmentConfig, num: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Mixup takes a part of the whole of the other picture, CutMix the whole of a part."""
    cuts = random.random(num) < (0.5 if cfg.mixup else 1.0) * bool(cfg.cutmix)
    does = random.random(num) < cfg.mix_share * bool(cfg.mixup or cfg.cutmix)
    blend = 1 - random.beta(cfg.mixup or 1.0, cfg.mixup or 1.0, num)
    side = np.sqrt(1 - random.beta(cfg.cutmix or 1.0, cfg.cutmix or 1.0, num))
    cut = _box(random.random((2, num)), side, side)
    whole = np.array([[0.0], [1.0], [0.0], [1.0]])
    box = np.where(cuts, cut, whole)
    part = np.where(does, np.where(cuts, 1.0, blend), 0.0)
    return dict(zip(("mix_y0", "mix_y1", "mix_x0", "mix_x1", "mix"), (*box, part), strict=True))


def _other_colours(cfg: AugmentConfig, num: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """New channels as blends of the old ones, an exponent for brightness, and whether the picture is inverted."""
    blends = random.dirichlet(np.full(3, BLEND_ALPHA), (num, 3))
    does = random.random(num) < cfg.blend
    matrix = np.where(does[:, None, None], blends, np.eye(3))
    names = [f"{new}_from_{old}" for new in CHANNELS for old in CHANNELS]
    gamma = np.exp(random.uniform(-np.log(cfg.gamma), np.log(cfg.gamma), num))
    invert = np.where(random.random(num) < cfg.invert, 1.0, 0.0)
    return dict(zip(names, matrix.reshape(num, 9).T, strict=True)) | {"gamma": gamma, "invert": invert}


def _box(place: np.ndarray, high: np.ndarray, wide: np.ndarray) -> np.ndarray:
    """`[y0, y1, x0, x1]` in shares of the side, whole inside the picture, `[4, num]`."""
    high, wide = np.minimum(high, 1.0), np.minimum(wide, 1.0)
    y, x = place[0] * (1 - high), place[1] * (1 - wide)
    return np.stack([y, y + high, x, x + wide])
