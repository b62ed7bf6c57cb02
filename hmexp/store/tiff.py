"""Numbers that a TIFF's tags hold."""

import math
from typing import Any

from PIL import Image


def tag_numbers(image: Image.Image, tag: int, default: tuple[float, ...]) -> tuple[float, ...]:
    """The finite numbers of a tag, at least one; `default` where the picture has no such tag, or no numbers in it."""
    found: Any = getattr(image, "tag_v2", {}).get(tag, default)
    try:
        numbers = tuple(float(value) for value in (found if isinstance(found, tuple) else (found,)))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return default
    return numbers if numbers and all(map(math.isfinite, numbers)) else default
