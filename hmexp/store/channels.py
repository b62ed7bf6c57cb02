"""Pictures of any mode to 8 bits a channel: strip by strip, so that a large one is never held several times over."""

import math
from collections.abc import Iterator

import numpy as np
from PIL import Image

STRIP_PIXELS = 2**20
"""Pixels that are converted at once."""
WHITES = (255, 1023, 4095, 16_383, 65_535, 2**24 - 1, 2**31 - 1)
"""Largest values of grey pictures of 8, 10, 12, 14, 16, 24 and 31 bits."""
FLOAT_WHITES = (1.0, 255.0, 65_535.0)
WHITE_TAGS = (281, 341)
"""TIFF's MaxSampleValue and SMaxSampleValue."""
SMALLEST_WHITE = 1e-6
"""What a file says below this is a mistake."""
BITS_TAG = 258
"""TIFF's BitsPerSample."""
PIXEL_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
"""Bytes of a pixel in Pillow's memory; 4 in every other mode."""
CANVAS_BYTES = {"WEBP": 14, "AVIF": 8, "HEIF": 8}
"""Bytes of a pixel that a format's decoder holds beside Pillow's picture (measured at 25 megapixels, but for HEIF)."""


def decoded_bytes(image: Image.Image) -> int:
    """Bytes that a picture takes from its loading to its resizing, by its header.

    Some formats hold more than their picture while they decode: a progressive JPEG all of its coefficients, at full
    size whatever it is scaled to, which the caller counts; WebP, AVIF and HEIF canvases beside Pillow's own.
    """
    own = PIXEL_BYTES.get(image.mode, 4) + (4 if _is_rebuilt(image) else 1 if is_deep(image) else 0)
    return image.width * image.height * (own + CANVAS_BYTES.get(str(image.format), 0))


def is_deep(image: Image.Image) -> bool:
    """Whether it is grey with more than 8 bits a pixel."""
    return image.mode == "F" or image.mode.startswith("I")


def eight_bits(image: Image.Image) -> tuple[Image.Image, str]:
    """Give a loaded picture as `L` or `RGB`; transparent parts over white.

    Returns:
        The picture, and what was taken for white where it is deeper than 8 bits: `white at 4,095`.
    """
    if is_deep(image):
        white = _white(image)
        return _scaled(image, white), f"white at {white:,.0f}"
    if image.has_transparency_data:
        return _over_white(image), ""
    return (image if image.mode in ("L", "RGB") else image.convert("RGB")), ""


def _is_rebuilt(image: Image.Image) -> bool:
    """Whether a second picture of 4 bytes a pixel is made of it."""
    return not is_deep(image) and (image.has_transparency_data or image.mode not in ("L", "RGB"))


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """The first row of each strip, and the strip."""
    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _over_white(image: Image.Image) -> Image.Image:
    whole = Image.new("RGB", image.size)
    for top, strip in _strips(image):
        layer = strip.convert("RGBA")
        whole.paste(Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB"), (0, top))
    return whole


def _white(image: Image.Image) -> float:
    """The value of white: what the file says, or else the smallest usual one, that holds its largest value.

    A picture that is dark and says nothing may so become up to four times brighter than it was meant; taken for 16 bits
    throughout, one of 10 or 12 bits would be nearly black. Netpbm's are scaled to 16 bits by Pillow.
    """
    top = max(float(np.nan_to_num(np.asarray(strip), posinf=0.0, neginf=0.0).max()) for _, strip in _strips(image))
    whites = FLOAT_WHITES if image.mode == "F" else WHITES
    candidates = [*_said_whites(image), *whites, top]
    return float(next(white for white in candidates if top <= white))


def _said_whites(image: Image.Image) -> list[float]:
    """What a file says of its white, by TIFF's tags or by its format."""
    if image.format == "PPM":
        return [65_535]
    tags = getattr(image, "tag_v2", {})
    firsts = {tag: np.ravel(tags[tag])[0] for tag in (BITS_TAG, *WHITE_TAGS) if tag in tags}
    said = [float(firsts[tag]) for tag in WHITE_TAGS if tag in firsts]
    bits = int(firsts.get(BITS_TAG, 0))
    said += [2.0**bits - 1] if 8 < bits < 16 else []
    return [white for white in said if SMALLEST_WHITE < white < math.inf]


def _scaled(image: Image.Image, white: float) -> Image.Image:
    whole = Image.new("L", image.size)
    for top, strip in _strips(image):
        values = np.nan_to_num(np.asarray(strip, np.float32), posinf=white, neginf=0.0)
        grey = np.rint(values.clip(0, white) * np.float32(255 / white)).astype(np.uint8)
        whole.paste(Image.fromarray(grey), (0, top))
    return whole
