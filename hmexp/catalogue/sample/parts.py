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
