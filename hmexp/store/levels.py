"""Which sample values of a picture of more than 8 bits are black and white."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image

from hmexp.store.tiff import tag_numbers

WHITES: tuple[float, ...] = (*(2**bits - 1 for bits in range(8, 33, 2)), 2**31 - 1)
"""Whites of 8, 10, 12, ... bits: a picture that is scaled by one of them reaches a quarter of white."""
FLOAT_OVERSHOOT = 1.25
"""Floats that end at 1 may pass it where a filter rang."""
BITS_PER_SAMPLE, PHOTOMETRIC, MAX_SAMPLE, SAMPLE_FORMAT, S_MIN_SAMPLE, S_MAX_SAMPLE = 258, 262, 281, 339, 340, 341
PNG_HEADER_BYTES = 33


@dataclass(frozen=True)
class Said:
    """What a file says of its levels.

    Attributes:
        black: The sample value that is black.
        white: The one that is white; 0 where the file says nothing.
        bits: Bits of a sample before they were put into 16, or 0. Whoever wrote them may have scaled them, or not.
        deep_colours: Whether it has colours of 16 bits, of which Pillow gives the upper 8.
        unsigned: Whether it has whole numbers of 32 bits without a sign, of which Pillow makes signed ones.
        inverted: Whether 0 is white, which Pillow heeds in pictures of 8 bits only.
    """

    black: float = 0.0
    white: float = 0.0
    bits: int = 0
    deep_colours: bool = False
    unsigned: bool = False
    inverted: bool = False


@dataclass(frozen=True)
class Levels:
    """The sample values that become 0 and 255.

    Attributes:
        black: Becomes 0, as what is below it.
        white: Becomes 255, as what is above it.
        inverted: Whether 0 is white, as in some TIFFs.
    """

    black: float
    white: float
    inverted: bool = False

    def eight_bits(self, samples: np.ndarray) -> np.ndarray:
        """Samples of any type as uint8, of the same shape; NaN is black."""
        if samples.dtype.kind == "u" and samples.dtype.itemsize == 2:
            return np.asarray(self._scaled(np.arange(65536, dtype=np.float32))[samples])
        return self._scaled(samples.astype(np.float32))

    def _scaled(self, samples: np.ndarray) -> np.ndarray:
        np.nan_to_num(samples, copy=False, nan=self.black, posinf=self.white, neginf=self.black)
        samples -= self.black
        samples *= 255 / (self.white - self.black)
        grey = np.rint(samples, out=samples).clip(0, 255, out=samples).astype(np.uint8)
        return np.asarray(255 - grey if self.inverted else grey)


def said_levels(image: Image.Image, stream: BinaryIO) -> Said:
    """What the file says: a TIFF's tags, a PNG's sBIT, or the format itself.

    Of the TIFF tags SMinSampleValue and SMaxSampleValue are taken at their word. MaxSampleValue may be but the largest
    value of this picture (TIFF 6.0, page 36), so it says which of `WHITES` holds it. Pillow scales a PPM's maxval to
    16 bits itself. To be called before the picture is loaded; the stream stays where it is.
    """
    deep_colours = image.mode in ("RGB", "RGBA") and ";16" in _raw_mode(image)
    if image.format == "TIFF":
        return _said_by_tags(image, deep_colours)
    if image.format == "PPM" and image.mode == "I":
        return Said(white=65535)
    if image.format == "PNG" and (deep_colours or is_deep_grey(image)):
        return Said(bits=_significant_bits(stream), deep_colours=deep_colours)
    return Said(deep_colours=deep_colours)


def _said_by_tags(image: Image.Image, deep_colours: bool) -> Said:
    black, white, largest = (tag_numbers(image, tag, (0.0,))[0] for tag in (S_MIN_SAMPLE, S_MAX_SAMPLE, MAX_SAMPLE))
    bits, kind, photometric = (
        int(tag_numbers(image, tag, (1,))[0]) for tag in (BITS_PER_SAMPLE, SAMPLE_FORMAT, PHOTOMETRIC)
    )
    if white <= black:
        black, white = 0.0, _smallest_white(largest) if largest > 0 else 2**bits - 1 if 8 < bits < 16 else 0
    return Said(black, white, deep_colours=deep_colours, unsigned=(bits, kind) == (32, 1), inverted=photometric == 0)


def is_deep_grey(image: Image.Image) -> bool:
    """Whether a picture is grey, of more than 8 bits."""
    return image.mode == "F" or image.mode.startswith("I")


def _raw_mode(image: Image.Image) -> str:
    """How the file has its pixels, such as `RGB;16B`, as Pillow's plugins tell it to their decoders."""
    tiles = getattr(image, "tile", [])
    args = tiles[0][3] if tiles else ""
    return str(args[0] if isinstance(args, tuple) and args else args)


def grey_levels(said: Said, bands: Iterable[np.ndarray]) -> Levels:
    """The levels of a grey picture: what the file says, or else the smallest white that holds what it has.

    That makes a photograph of 16 bits brighter that is so dark that not one pixel reaches a quarter of white. It is
    the price of files that put 10, 12 or 14 bits of a camera into 16 without a word, which are by far more frequent,
    and are nearly black otherwise. Of floats, 1 is white where nothing is much above it; those that fit no usual
    range end at their largest.

    Args:
        said: What the file says.
        bands: All samples, in parts.
    """
    top, are_floats = 0.0, False
    for band in bands:
        are_floats = band.dtype.kind == "f"
        top = max(top, float(band.max(initial=0, where=np.isfinite(band) if are_floats else True)))
    return Levels(said.black, _white(top, said, are_floats), said.inverted)


def colour_white(top: int, said: Said) -> int:
    """The white of colours of 16 bits, of which Pillow gives the upper 8; see `grey_levels`.

    Args:
        top: The largest of the upper 8 bits.
        said: What the file says.
    """
    return int(min(_white(top * 256 + 255, said, False), 65535))


def _white(top: float, said: Said, are_floats: bool) -> float:
    if said.white:
        return said.white
    if said.bits:
        unscaled = 2**said.bits - 1
        return unscaled if top <= unscaled else 65535
    if not are_floats:
        return _smallest_white(top)
    if top <= FLOAT_OVERSHOOT:
        return 1
    white = _smallest_white(top)
    return white if top >= white / 4 else top


def _smallest_white(top: float) -> float:
    return next((white for white in sorted(WHITES) if top <= white), top)


def _significant_bits(stream: BinaryIO) -> int:
    """The least bits that a PNG's sBIT chunk has for a colour, or 0."""
    place = stream.tell()
    try:
        stream.seek(PNG_HEADER_BYTES)
        while len(head := stream.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
            length = int.from_bytes(head[:4], "big")
            if head[4:] == b"sBIT":
                return min((bits for bits in stream.read(min(length, 3)) if 8 < bits <= 16), default=0)
            stream.seek(length + 4, 1)
        return 0
    finally:
        stream.seek(place)
