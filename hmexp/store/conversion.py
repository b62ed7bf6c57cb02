"""Pictures of any mode, and parts of them, become RGB of 8 bits, or L."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from hmexp.catalogue.pictures import BadPicture
from hmexp.store.levels import Levels, Said, colour_white, grey_levels, is_deep_grey
from hmexp.store.scaling import row_bands


@dataclass(frozen=True)
class Conversion:
    """How one picture is converted.

    Attributes:
        convert: Makes a part of the picture RGB, or L.
        white: Where the file has more than 8 bits a sample, the value that becomes 255; or else 0.
    """

    convert: Callable[[Image.Image], Image.Image]
    white: float = 0.0


def conversion_of(image: Image.Image, said: Said) -> Conversion:
    """How a loaded picture is converted.

    Args:
        image: The whole picture; it is looked at in bands.
        said: What its file says of its levels.

    Raises:
        BadPicture: Colours of 16 bits that are all in the lower 8, which Pillow drops.
    """
    if is_deep_grey(image):
        levels = grey_levels(said, (_samples(band, said) for band in row_bands(image)))
        return Conversion(partial(_grey, levels=levels, said=said), levels.white)
    if not said.deep_colours:
        return Conversion(_eight_bits)
    extrema = image.getextrema()[:3]
    white = colour_white(max(high for _, high in extrema), said)  # type: ignore[misc]
    if white < 256:
        raise BadPicture("colours of 16 bits, none above 255, which hmexp does not read")
    return Conversion(partial(_brightened, white=white >> 8), white)


def _samples(part: Image.Image, said: Said) -> np.ndarray:
    values = np.asarray(part)
    return values.view(np.uint32) if said.unsigned and values.dtype == np.int32 else values


def _grey(part: Image.Image, levels: Levels, said: Said) -> Image.Image:
    return Image.fromarray(levels.eight_bits(_samples(part, said)))


def _brightened(part: Image.Image, white: int) -> Image.Image:
    """Colours whose white is not 255; transparency has its own range."""
    if white < 255:
        table = [min(255, round(value * 255 / white)) for value in range(256)]
        part = part.point(table * 3 + list(range(256)) * (len(part.getbands()) - 3))
    return _eight_bits(part)


def _eight_bits(part: Image.Image) -> Image.Image:
    if part.has_transparency_data:
        layer = part.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return part if part.mode in ("RGB", "L") else part.convert("L" if part.mode == "1" else "RGB")
