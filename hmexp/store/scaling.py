"""A picture scaled in bands of rows, so that what a conversion needs does not grow with the picture."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import Image

FILTER = Image.Resampling.BILINEAR
BAND_PIXELS = 2**21
"""Pixels that are converted at once. Smaller pictures are one band, and so are usual JPEGs, whatever their size."""
BAND_PIXEL_BYTES = 24
"""Bytes for each of them: the band, its RGBA, white, both composed, and RGB, or samples as float32 and masks."""
WEIGHT_BYTES = 24
"""Bytes for each row and column of a band: the filter's weights (Pillow, libImaging/Resample.c)."""
Box = tuple[float, float, float, float]
Pixels = tuple[int, int, int, int]


@dataclass(frozen=True)
class Scaling:
    """What part of a picture is scaled to what size.

    Attributes:
        shape: Width and height of the picture.
        box: Left, top, right and bottom of the part; whole pixels are not needed.
        size: Width and height of the result.
    """

    shape: tuple[int, int]
    box: Box
    size: tuple[int, int]

    @property
    def num_bytes(self) -> int:
        """Bytes that `apply` holds at most, beside the picture and the result."""
        left, top, right, bottom = self._reach(0, self._rows)
        width, height = right - left, bottom - top
        between = 4 * self.size[0] * height  # Pillow scales the columns of all rows first.
        return BAND_PIXEL_BYTES * width * height + between + WEIGHT_BYTES * (width + height)

    def apply(self, image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
        """Scale a picture, RGB.

        Args:
            image: Loaded, of `shape`.
            convert: Makes a part of it RGB or L.
        """
        if self._rows >= self.size[1]:
            return convert(image).resize(self.size, FILTER, self.box).convert("RGB")
        result = Image.new("RGB", self.size)
        for first, last, reach in self.bands():
            left, top = reach[:2]
            start, end = (self.box[1] + row * self._scale(1) - top for row in (first, last))
            part = (self.box[0] - left, max(0.0, start), self.box[2] - left, min(end, reach[3] - top))
            band = convert(image.crop(reach)).resize((self.size[0], last - first), FILTER, part)
            result.paste(band.convert("RGB"), (0, first))
        return result

    def bands(self) -> Iterator[tuple[int, int, Pixels]]:
        """First and last row of the result, and the pixels that they are made of."""
        for first in range(0, self.size[1], self._rows):
            last = min(first + self._rows, self.size[1])
            yield first, last, self._reach(first, last)

    @property
    def _rows(self) -> int:
        """Rows of the result that a band makes."""
        width = max(self.box[2] - self.box[0], self.size[0])
        return max(1, min(self.size[1], int(BAND_PIXELS / (width * self._scale(1)))))

    def _scale(self, axis: int) -> float:
        return (self.box[axis + 2] - self.box[axis]) / self.size[axis]

    def _reach(self, first: int, last: int) -> Pixels:
        """The pixels that some rows of the result are made of: the filter reaches as far as `scale` beyond them."""
        if self._rows >= self.size[1]:
            return (0, 0, *self.shape)
        margins = [math.ceil(max(1.0, self._scale(axis))) + 1 for axis in (0, 1)]
        top, bottom = (self.box[1] + row * self._scale(1) for row in (first, last))
        return (
            max(0, math.floor(self.box[0]) - margins[0]),
            max(0, math.floor(top) - margins[1]),
            min(self.shape[0], math.ceil(self.box[2]) + margins[0]),
            min(self.shape[1], math.ceil(bottom) + margins[1]),
        )


def row_bands(image: Image.Image) -> Iterator[Image.Image]:
    """The whole picture in bands of rows."""
    rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))
