"""Outlines of the sample's articles: coordinates from 0 to 1, x to the right of the middle, y down.

A part is a closed outline and how light it is. Most are given as their right half and mirrored.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Points = list[tuple[float, float]]
Rng = np.random.Generator


@dataclass(frozen=True)
class Part:
    """One closed outline.

    Attributes:
        points: `(x, y)` around it, from 0 to 1.
        tone: Factor of the article's colour, 1 as it is.
        smooth: Whether corners are rounded.
        accent: Whether it takes the second colour and no pattern.
    """

    points: Points
    tone: float = 1.0
    smooth: bool = True
    accent: bool = False


Outline = Callable[[Rng], list[Part]]


def mirrored(half: Points, **look: bool | float) -> Part:
    """A part from its right half, from the top of the middle line to its bottom; x is the distance from it."""
    right = [(0.5 + x, y) for x, y in half]
    left = [(0.5 - x, y) for x, y in reversed(half)]
    return Part(right + left, **look)  # type: ignore[arg-type]


def ellipse(x: float, y: float, width: float, height: float, **look: bool | float) -> Part:
    """An ellipse around a centre."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = [(x + width / 2 * float(np.cos(a)), y + height / 2 * float(np.sin(a))) for a in angles]
    return Part(points, **look)  # type: ignore[arg-type]


def box(left: float, top: float, right: float, bottom: float, **look: bool | float) -> Part:
    """A rectangle with sharp corners."""
    points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return Part(points, smooth=False, **look)  # type: ignore[arg-type]


def top(sleeve: tuple[float, float], length: tuple[float, float] = (0.78, 0.88), strap: bool = False) -> Outline:
    """T-shirt, sweater or vest: `sleeve` and `length` are ranges; a strap instead of sleeves."""

    def draw(rng: Rng) -> list[Part]:
        width, hem = rng.uniform(0.19, 0.27), rng.uniform(*length)
        reach, neck = rng.uniform(*sleeve), rng.uniform(0.16, 0.26)
        if strap:
            half = [(0.0, neck + 0.1), (0.09, 0.13), (0.13, 0.13), (width - 0.03, 0.34), (width, hem), (0.0, hem)]
            return [mirrored(half)]
        cuff_x, cuff_y = width + 0.08 + 0.14 * reach, 0.30 + 0.48 * reach
        half = [(0.0, neck), (0.07, 0.15), (width - 0.02, 0.2), (cuff_x, cuff_y), (cuff_x - 0.1, cuff_y + 0.04)]
        half += [(width, 0.42), (width, hem), (0.0, hem)]
        return [mirrored(half), mirrored([(0.0, neck), (0.06, 0.15), (0.0, 0.17)], tone=0.7)]

    return draw


def jacket(rng: Rng) -> list[Part]:
    """An open-fronted jacket or shirt with a button line and a collar."""
    parts = top((0.75, 1.0))(rng)
    parts.append(box(0.493, 0.2, 0.507, 0.82, tone=0.6))
    parts.append(mirrored([(0.0, 0.24), (0.04, 0.13), (0.12, 0.16), (0.03, 0.3)], tone=0.85))
    return parts


def hoodie(rng: Rng) -> list[Part]:
    """A sweater with a hood and a pocket."""
    pocket = mirrored([(0.0, 0.62), (0.1, 0.62), (0.14, 0.76), (0.0, 0.76)], tone=0.9)
    hood = mirrored([(0.0, 0.08), (0.11, 0.12), (0.1, 0.24), (0.0, 0.27)], tone=0.85)
    return [*top((0.8, 1.0))(rng), pocket, hood]


def trousers(length: tuple[float, float], slim: tuple[float, float]) -> Outline:
    """Anything with two legs: `length` is where the legs end, `slim` the width of a leg there."""

    def draw(rng: Rng) -> list[Part]:
        hem, leg, waist = rng.uniform(*length), rng.uniform(*slim), rng.uniform(0.13, 0.18)
        spread, crotch = rng.uniform(0.02, 0.07), 0.1 + 0.3 * min(1.0, hem)
        half = [(0.0, 0.1), (waist, 0.1), (waist + 0.05, 0.3), (spread + leg, hem), (spread, hem), (0.0, crotch)]
        band = mirrored([(0.0, 0.1), (waist, 0.1), (waist + 0.01, 0.14), (0.0, 0.14)], tone=0.8, smooth=False)
        return [mirrored(half, smooth=bool(rng.random() < 0.3)), band]

    return draw


def skirt(rng: Rng) -> list[Part]:
    """A skirt, straight or flared."""
    flare, hem = rng.uniform(0.17, 0.36), rng.uniform(0.55, 0.88)
    half = [(0.0, 0.15), (0.14, 0.15), (flare, hem), (0.0, hem + 0.02)]
    return [mirrored(half, smooth=False), mirrored([(0.0, 0.15), (0.14, 0.15), (0.145, 0.19), (0.0, 0.19)], tone=0.8)]


def dress(strap: tuple[float, float] = (0.0, 1.0), length: tuple[float, float] = (0.75, 0.94)) -> Outline:
    """A dress with straps or short sleeves."""

    def draw(rng: Rng) -> list[Part]:
        flare, hem, waist = rng.uniform(0.17, 0.36), rng.uniform(*length), rng.uniform(0.1, 0.15)
        shoulder = 0.11 + 0.09 * rng.uniform(*strap)
        half = [
            (0.0, rng.uniform(0.12, 0.2)),
            (0.06, 0.07),
            (shoulder, 0.08),
            (shoulder + 0.02, 0.2),
            (waist + 0.04, 0.25),
        ]
        half += [(waist, 0.42), (flare, hem), (0.0, hem + 0.01)]
        return [mirrored(half)]

    return draw


def jumpsuit(rng: Rng) -> list[Part]:
    """Top and trousers in one."""
    hem = rng.uniform(0.8, 0.95)
    half = [(0.0, 0.14), (0.06, 0.07), (0.13, 0.09), (0.14, 0.3), (0.11, 0.42), (0.17, 0.55), (0.18, hem), (0.05, hem)]
    return [mirrored([*half, (0.0, 0.58)])]


def bra(rng: Rng) -> list[Part]:
    """A bra or a bikini top."""
    y, size = rng.uniform(0.45, 0.55), rng.uniform(0.17, 0.23)
    cups = [ellipse(0.5 + side * size * 0.62, y, size * 1.2, size * 1.25) for side in (-1, 1)]
    straps = [
        Part(
            [(0.5 + s * 0.13, y - 0.05), (0.5 + s * 0.15, 0.18), (0.5 + s * 0.17, 0.18), (0.5 + s * 0.16, y)],
            0.8,
            False,
        )
        for s in (-1, 1)
    ]
    return [*straps, *cups, mirrored([(0.0, y + 0.05), (0.27, y + 0.02), (0.27, y + 0.07), (0.0, y + 0.1)], tone=0.85)]


def briefs(rng: Rng) -> list[Part]:
    """Briefs or a bikini bottom."""
    leg = rng.uniform(0.05, 0.1)
    half = [(0.0, 0.36), (0.28, 0.34), (0.29, 0.43), (leg, 0.64), (0.0, 0.66)]
    return [mirrored(half), mirrored([(0.0, 0.36), (0.28, 0.34), (0.285, 0.37), (0.0, 0.4)], tone=0.8)]


def swimsuit(rng: Rng) -> list[Part]:
    """A swimsuit or a body."""
    half = [
        (0.0, rng.uniform(0.25, 0.35)),
        (0.1, 0.1),
        (0.14, 0.1),
        (0.16, 0.32),
        (0.12, 0.5),
        (0.18, 0.68),
        (0.05, 0.88),
    ]
    return [mirrored([*half, (0.0, 0.89)])]


def pyjama(rng: Rng) -> list[Part]:
    """A top above trousers, both small."""
    upper = top((0.3, 1.0), (0.8, 0.85))(rng)
    lower = trousers((0.85, 0.95), (0.09, 0.13))(rng)
    small = [Part([(x * 0.75 + 0.125, y * 0.55) for x, y in part.points], part.tone, part.smooth) for part in upper]
    return small + [
        Part([(x * 0.8 + 0.1, 0.45 + y * 0.55) for x, y in part.points], part.tone, part.smooth) for part in lower
    ]


def shoe(heel: float, shaft: float) -> Outline:
    """One shoe seen from its side, or a pair."""

    def draw(rng: Rng) -> list[Part]:
        lift, high = heel * rng.uniform(0.7, 1.3), shaft * rng.uniform(0.8, 1.2)
        upper = [(0.2, 0.62 - high), (0.42, 0.62 - high), (0.46, 0.6), (0.7, 0.66), (0.84, 0.75), (0.84, 0.8)]
        upper += [(0.5, 0.8 - lift / 2), (0.2, 0.8 - lift)]
        sole = [(0.2, 0.8 - lift), (0.5, 0.8 - lift / 2), (0.85, 0.8), (0.84, 0.84), (0.55, 0.84 - lift / 3)]
        sole += [(0.3, 0.82 if heel < 0.06 else 0.8 - lift * 0.6), (0.28, 0.84), (0.2, 0.84)]
        one = [Part(upper), Part(sole, 0.55, False, accent=bool(rng.random() < 0.5))]
        if rng.random() < 0.5:
            return one
        shift = [
            Part([(x * 0.8 + 0.2, y * 0.8 - 0.02) for x, y in p.points], p.tone * 0.9, p.smooth, p.accent) for p in one
        ]
        return shift + [Part([(x * 0.8, y * 0.8 + 0.16) for x, y in p.points], p.tone, p.smooth, p.accent) for p in one]

    return draw


def socks(length: tuple[float, float]) -> Outline:
    """A pair of socks."""

    def draw(rng: Rng) -> list[Part]:
        rise = rng.uniform(*length)
        one = [
            (0.3, 0.75 - rise),
            (0.44, 0.75 - rise),
            (0.45, 0.72),
            (0.6, 0.8),
            (0.62, 0.87),
            (0.5, 0.9),
            (0.31, 0.82),
        ]
        pair = [Part([(x + dx, y) for x, y in one], tone) for dx, tone in ((0.12, 0.88), (-0.1, 1.0))]
        band = box(0.2, 0.75 - rise, 0.34, 0.78 - rise, accent=True)
        return [*pair, band]

    return draw


def bag(rng: Rng) -> list[Part]:
    """A bag with a handle."""
    width, height = rng.uniform(0.24, 0.36), rng.uniform(0.3, 0.45)
    ring = ellipse(0.5, 0.86 - height, width * 1.1, rng.uniform(0.25, 0.45), tone=0.7)
    hole = ellipse(0.5, 0.86 - height, width * 0.9, 0.2, tone=9.0)
    half = [(0.0, 0.86 - height), (width * 0.9, 0.86 - height), (width, 0.84), (0.0, 0.86)]
    return [ring, hole, mirrored(half, smooth=False), box(0.47, 0.9 - height, 0.53, 0.96 - height, accent=True)]


def hat(rng: Rng) -> list[Part]:
    """A hat or a cap."""
    high = rng.uniform(0.25, 0.38)
    crown = mirrored([(0.0, 0.66 - high), (0.18, 0.7 - high), (0.24, 0.66), (0.0, 0.68)])
    if rng.random() < 0.5:
        return [crown, Part([(0.3, 0.64), (0.75, 0.63), (0.92, 0.72), (0.5, 0.71)], 0.75)]
    return [
        ellipse(0.5, 0.67, rng.uniform(0.65, 0.85), 0.14, tone=0.85),
        crown,
        box(0.27, 0.6, 0.73, 0.65, accent=True),
    ]


def scarf(rng: Rng) -> list[Part]:
    """A scarf laid in a loop."""
    loop = ellipse(0.5, 0.33, 0.42, 0.4)
    hole = ellipse(0.5, 0.31, 0.2, 0.2, tone=9.0)
    ends = [
        Part([(x, 0.45), (x + 0.13, 0.45), (x + 0.15, hem), (x + 0.02, hem)], tone, False)
        for x, hem, tone in ((0.36, 0.9, 0.9), (0.5, 0.82, 1.0))
    ]
    return [loop, hole, *ends]


def belt(rng: Rng) -> list[Part]:
    """A belt, rolled up."""
    outer, inner = ellipse(0.5, 0.5, 0.7, 0.34), ellipse(0.5, 0.48, 0.56, 0.2, tone=9.0)
    return [outer, inner, box(0.44, 0.6, 0.58, 0.69, accent=True)]


def sunglasses(rng: Rng) -> list[Part]:
    """Two lenses and a bridge."""
    size = rng.uniform(0.26, 0.34)
    lenses = [ellipse(0.5 + side * 0.2, 0.5, size, size * rng.uniform(0.7, 1.0), tone=0.8) for side in (-1, 1)]
    arms = [
        Part([(0.5 + s * 0.33, 0.44), (0.5 + s * 0.45, 0.36), (0.5 + s * 0.46, 0.4), (0.5 + s * 0.34, 0.48)], 0.6)
        for s in (-1, 1)
    ]
    return [box(0.42, 0.46, 0.58, 0.49, tone=0.6), *lenses, *arms]


def earrings(rng: Rng) -> list[Part]:
    """A pair of earrings."""
    y, size = rng.uniform(0.5, 0.65), rng.uniform(0.1, 0.2)
    parts = []
    for side in (-1, 1):
        x = 0.5 + side * 0.17
        parts += [box(x - 0.008, y - size - 0.15, x + 0.008, y, tone=0.6), ellipse(x, y, size, size * 1.3)]
        parts.append(ellipse(x, y - size - 0.15, 0.05, 0.05, accent=True))
    return parts


def bottle(rng: Rng) -> list[Part]:
    """A bottle or a lipstick."""
    width, shoulder = rng.uniform(0.08, 0.18), rng.uniform(0.35, 0.5)
    body = mirrored([(0.0, shoulder), (width, shoulder + 0.04), (width, 0.88), (0.0, 0.88)], smooth=False)
    cap = mirrored(
        [(0.0, shoulder - 0.2), (width * 0.5, shoulder - 0.2), (width * 0.5, shoulder), (0.0, shoulder)],
        smooth=False,
        accent=True,
    )
    return [
        cap,
        body,
        mirrored([(0.0, 0.6), (width * 0.7, 0.6), (width * 0.7, 0.76), (0.0, 0.76)], tone=1.25, smooth=False),
    ]


def chair(rng: Rng) -> list[Part]:
    """A chair or a stool."""
    seat = Part([(0.25, 0.52), (0.75, 0.52), (0.82, 0.62), (0.2, 0.62)], 1.0, False)
    back = [] if rng.random() < 0.3 else [box(0.27, 0.15, 0.73, 0.45, tone=0.85), box(0.3, 0.4, 0.34, 0.55, tone=0.6)]
    return [*back, seat, *(box(x, 0.6, x + 0.04, 0.92, tone=0.6) for x in (0.22, 0.36, 0.62, 0.77))]


def notebook(rng: Rng) -> list[Part]:
    """A notebook with a spine."""
    right = rng.uniform(0.7, 0.82)
    return [
        box(0.22, 0.2, right, 0.84),
        box(0.22, 0.2, 0.29, 0.84, tone=0.7),
        box(0.4, 0.34, right - 0.1, 0.42, accent=True),
    ]


def cushion(rng: Rng) -> list[Part]:
    """A cushion with drawn-in sides."""
    edge = rng.uniform(0.02, 0.06)
    corners: Points = [(0.18, 0.22), (0.5, 0.22 + edge), (0.82, 0.22), (0.82 - edge, 0.52), (0.82, 0.82)]
    return [Part([*corners, (0.5, 0.82 - edge), (0.18, 0.82), (0.18 + edge, 0.52)])]


def toy(rng: Rng) -> list[Part]:
    """A round toy with ears and eyes."""
    ears = [ellipse(0.5 + side * 0.17, 0.24, 0.16, 0.18, tone=0.8) for side in (-1, 1)]
    eyes = [ellipse(0.5 + side * 0.07, 0.36, 0.04, 0.05, tone=0.2) for side in (-1, 1)]
    return [
        *ears,
        ellipse(0.5, 0.7, 0.44, 0.44, tone=0.95),
        ellipse(0.5, 0.38, 0.4, 0.36),
        *eyes,
        ellipse(0.5, 0.45, 0.08, 0.05, accent=True),
    ]
