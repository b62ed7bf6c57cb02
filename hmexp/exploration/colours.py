"""Words for colours and backgrounds."""

import numpy as np

from hmexp.exploration.looks import Looks

BUSY = 25.0
"""Standard deviation of the frame, of 255, from which a background is no even one."""
WHITE, LIGHT, DARK, COLOURED = 245.0, 190.0, 64.0, 40.0
"""Brightness, of 255, from or up to which a background is white, light or dark; and saturation from which it has a
colour."""
BACKGROUNDS = {"white": "#ffffff", "light": "#d9dce1", "grey": "#9aa0a8", "coloured": "#66b2a4", "dark": "#3b3f46"}
BACKGROUNDS |= {"uneven": "#d98a3d"}
"""Kinds of backgrounds, and what they are drawn with."""
COLOURS = {
    "black": "#222222",
    "grey": "#8a8f98",
    "white": "#f4f4f2",
    "beige": "#d8c3a5",
    "brown": "#7b4b2a",
    "red": "#c8342f",
    "orange": "#e8852b",
    "yellow": "#e9cc3c",
    "green": "#4b9a52",
    "turquoise": "#3fa7a3",
    "blue": "#3a68b5",
    "purple": "#7c4d9f",
    "pink": "#e58fb0",
}
HUES = ((15, "red"), (42, "orange"), (68, "yellow"), (160, "green"), (195, "turquoise"), (255, "blue"), (295, "purple"))
"""Degrees up to which a hue has a name; pink up to `LAST_PINK`, then red again."""
LAST_PINK = 345.0


def backgrounds(looks: Looks) -> np.ndarray:
    """The kind of each picture's background, a word of `BACKGROUNDS`, object `[n]`."""
    frame = looks.background
    brightness, saturation = frame.mean(1), frame.max(1) - frame.min(1)
    kinds = np.select(
        [looks.unevenness > BUSY, saturation > COLOURED, brightness < DARK, brightness < LIGHT, brightness < WHITE],
        ["uneven", "coloured", "dark", "grey", "light"],
        "white",
    )
    return kinds.astype(object)


def colour_names(colours: np.ndarray) -> np.ndarray:
    """A name of `COLOURS` for each colour.

    Args:
        colours: Float32 `[n, 3]`, red, green and blue from 0 to 255.

    Returns:
        Object `[n]`.
    """
    high, low = colours.max(1), colours.min(1)
    chroma = high - low
    hue = _hues(colours, high, chroma)
    names = np.select([hue < end for end, _ in HUES] + [hue < LAST_PINK], [name for _, name in HUES] + ["pink"], "red")
    warm = (hue < HUES[2][0]) | (hue >= LAST_PINK)
    names = np.where((names == "red") & (low > 110), "pink", names)
    names = np.where(warm & (chroma < 75) & (high >= 150) & (hue >= 15) & (hue < 68), "beige", names)
    names = np.where(warm & (high < 150) & (hue >= 10) & (hue < 50), "brown", names)
    plain = chroma < 28
    names = np.where(plain, np.select([high < 75, high < 200], ["black", "grey"], "white"), names)
    return np.where(high < 50, "black", names).astype(object)


def _hues(colours: np.ndarray, high: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Hues in degrees, 0 for grey; as in HSV."""
    red, green, blue = colours.T
    safe = np.where(chroma > 0, chroma, 1)
    sector = np.select(
        [high == red, high == green], [(green - blue) / safe % 6, (blue - red) / safe + 2], (red - green) / safe + 4
    )
    return np.where(chroma > 0, 60 * sector, 0.0)
