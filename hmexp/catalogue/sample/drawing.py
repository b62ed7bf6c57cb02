"""Draws one article: outlines, colours, a pattern, a shadow, white paper."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from hmexp.catalogue.sample.parts import Outline, Part

COLOURS = {
    "Black": (38, 38, 42),
    "White": (236, 235, 230),
    "Dark Blue": (38, 50, 92),
    "Light Blue": (150, 186, 220),
    "Grey": (150, 152, 156),
    "Beige": (214, 194, 164),
    "Red": (190, 44, 50),
    "Light Pink": (238, 186, 194),
    "Green": (62, 118, 82),
    "Yellow": (232, 196, 72),
    "Orange": (224, 124, 58),
    "Purple": (122, 86, 150),
    "Dark Green": (46, 72, 58),
    "Brown": (112, 76, 52),
}
PATTERNS = ("Solid", "Stripe", "Dot", "Check", "Melange")
SUPERSAMPLING = 2
CUT_OUT = 5.0
"""Parts lighter than this are holes."""


@dataclass(frozen=True)
class Look:
    """How an article of a given outline looks.

    Attributes:
        colour: A name of `COLOURS`.
        accent: Likewise, of details.
        pattern: One of `PATTERNS`.
    """

    colour: str
    accent: str
    pattern: str


def draw_article(outline: Outline, look: Look, shape_seed: int, pose_seed: int) -> Image.Image:
    """Draw an article on white.

    Args:
        outline: Its parts.
        look: Colours and pattern.
        shape_seed: Decides the cut; the same for all colours of a product.
        pose_seed: Decides size, place, turn and light; another one for each article.

    Returns:
        RGB, 180 to 300 pixels wide, upright.
    """
    pose = np.random.default_rng(pose_seed)
    width = int(pose.integers(180, 301))
    height = int(width * pose.uniform(1.2, 1.5))
    parts = outline(np.random.default_rng(shape_seed))
    canvas = (width * SUPERSAMPLING, height * SUPERSAMPLING)
    place = _placement(pose, canvas)
    textile = _textile(look, canvas, pose)
    picture = Image.new("RGB", canvas, (255, 255, 255))
    _cast_shadow(picture, parts, place)
    for part in parts:
        _draw_part(picture, part, place, Image.new("RGB", canvas, COLOURS[look.accent]) if part.accent else textile)
    return picture.reduce(SUPERSAMPLING)


def _draw_part(picture: Image.Image, part: Part, place: np.ndarray, material: Image.Image) -> None:
    """One part in its material with a darker edge; a hole in white. Only the box around it is touched."""
    pixels = _pixels(part, place)
    low = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - 3, 0)
    high = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 3, picture.size)
    if np.any(high <= low):
        return
    frame = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
    mask = Image.new("L", (frame[2] - frame[0], frame[3] - frame[1]), 0)
    outline = [(float(x), float(y)) for x, y in pixels - low]
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    if part.tone > CUT_OUT:
        picture.paste((255, 255, 255), frame, mask)
        return
    cloth = material.crop(frame)
    picture.paste(_toned(cloth, part.tone), frame, mask)
    edge = Image.new("L", mask.size, 0)
    ImageDraw.Draw(edge).line([*outline, outline[0]], fill=255, width=3)
    picture.paste(_toned(cloth, part.tone * 0.72), frame, ImageChops.darker(edge, mask))


def _placement(pose: np.random.Generator, canvas: tuple[int, int]) -> np.ndarray:
    """An affine map, float `[2, 3]`, from outline coordinates to pixels of the canvas."""
    turn, scale = np.deg2rad(pose.normal(0, 7)), pose.uniform(0.85, 1.2) * canvas[0]
    stretch = scale * pose.uniform(1.0, 1.25)
    shift = pose.normal(0, 0.03, 2)
    mirror = pose.choice([-1.0, 1.0])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = rotation @ np.diag([mirror * scale, stretch])
    centre = np.array(canvas) * (0.5 + shift)
    return np.column_stack([matrix, centre - matrix @ np.array([0.5, 0.5])])


def _pixels(part: Part, place: np.ndarray) -> np.ndarray:
    """A part's outline on the canvas, float `[n, 2]`."""
    points = _rounded(np.array(part.points)) if part.smooth else np.array(part.points)
    return np.asarray(points @ place[:, :2].T + place[:, 2])


def _rounded(points: np.ndarray) -> np.ndarray:
    """Chaikin's corner cutting, twice: float `[n, 2]` -> `[4 n, 2]` (Chaikin 1974)."""
    for _ in range(2):
        after = np.roll(points, -1, axis=0)
        points = np.stack([0.82 * points + 0.18 * after, 0.18 * points + 0.82 * after], axis=1).reshape(-1, 2)
    return points


def _cast_shadow(picture: Image.Image, parts: list[Part], place: np.ndarray) -> None:
    """A soft shadow to the lower right, drawn at an eighth of the size."""
    width, height = picture.size
    small = Image.new("L", (width // 8, height // 8), 0)
    pen = ImageDraw.Draw(small)
    for part in parts:
        if part.tone <= CUT_OUT:
            shifted = _pixels(part, place) / 8 + (width / 480, height / 360)
            pen.polygon([(float(x), float(y)) for x, y in shifted], fill=140)
    soft = small.filter(ImageFilter.GaussianBlur(2.5)).resize(picture.size, Image.Resampling.BILINEAR)
    if frame := soft.getbbox():
        picture.paste((188, 188, 192), frame, soft.crop(frame))


def _toned(picture: Image.Image, tone: float) -> Image.Image:
    return picture if tone == 1.0 else picture.point([min(255, int(value * tone)) for value in range(256)] * 3)


def _textile(look: Look, canvas: tuple[int, int], pose: np.random.Generator) -> Image.Image:
    """The article's material with folds of light, as large as the canvas."""
    width, height = canvas[0] // 4, canvas[1] // 4
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    colour = np.array(COLOURS[look.colour], np.float32) * pose.uniform(0.88, 1.1)
    share = _pattern(look.pattern, x, y, pose)[..., None]
    picture = colour * (1 - share) + np.array(COLOURS[look.accent], np.float32) * share
    fold, angle = pose.uniform(0.04, 0.12), pose.uniform(0, np.pi)
    light = 1 + 0.07 * np.sin(fold * (x * np.cos(angle) + y * np.sin(angle)) + pose.uniform(0, 6))
    light += 0.1 * (0.5 - y / height)
    pixels = np.clip(picture * light[..., None], 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).resize(canvas, Image.Resampling.BILINEAR)


def _pattern(name: str, x: np.ndarray, y: np.ndarray, pose: np.random.Generator) -> np.ndarray:
    """Share of the second colour at each pixel, 0 to 1."""
    period = pose.uniform(9, 22)
    if name == "Stripe":
        along = x if pose.random() < 0.3 else y
        return np.asarray((along % period < period * 0.45).astype(np.float32))
    if name == "Dot":
        inside = (x % period - period / 2) ** 2 + (y % period - period / 2) ** 2
        return np.asarray((inside < (period * 0.27) ** 2).astype(np.float32))
    if name == "Check":
        across, down = x % period < period / 2, y % period < period / 2
        return np.asarray(0.45 * across + 0.45 * down, dtype=np.float32)
    if name == "Melange":
        return np.asarray(pose.uniform(0, 0.3, x.shape), dtype=np.float32)
    return np.zeros_like(x)
