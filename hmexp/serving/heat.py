"""Where the model looked: a heat map that lies over the picture as the browser shows it."""

import io

import numpy as np
from matplotlib import colormaps
from PIL import Image

from hmexp.models.bundle import Card
from hmexp.reports.sheets import HEAT
from hmexp.store.decode import centre, scaled

LONGEST_SIDE = 480
"""Pixels of a heat map; what it is made of has a tenth of it."""


def overlay(heat: np.ndarray, card: Card, width: int, height: int) -> bytes:
    """A heat map as a PNG of the picture's shape: clear where it is cold, and where the model saw nothing.

    Args:
        heat: float32 `[image_size, image_size]` from 0 to 1, of `hmexp.training.grad_cam`.
        card: Of the model; says how the picture became that size.
        width: Of the upright picture, in pixels.
        height: Alike.
    """
    shrink = min(1.0, LONGEST_SIDE / max(width, height))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    seen = Image.fromarray(heat.astype(np.float32))
    if card.resize == "crop":
        left, top, right, bottom = (round(edge) for edge in centre((0, 0, *size)))
        inner = seen.resize((max(1, right - left), max(1, bottom - top)), Image.Resampling.BICUBIC)
        whole = Image.new("F", size)
        whole.paste(inner, (left, top))
    else:
        side = card.image_size
        inside = scaled((width, height), side, card.resize)
        left, top = (side - inside[0]) // 2, (side - inside[1]) // 2
        box = (left, top, left + inside[0], top + inside[1])
        whole = seen.resize(size, Image.Resampling.BICUBIC, box=box)
    values = np.clip(np.asarray(whole), 0.0, 1.0)
    pixels = colormaps["turbo"](values)
    pixels[..., 3] = HEAT * values
    stream = io.BytesIO()
    Image.fromarray(np.round(255 * pixels).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()
