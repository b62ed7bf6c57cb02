"""How pictures look, in a few numbers each: a perceptual hash, a thumbnail, the background and the article's colour."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image

from hmexp.console import progress
from hmexp.process import check_interrupted
from hmexp.store import Store
from hmexp.store.work import in_threads

SMALL, TINY = 32, 16
"""Sides, in pixels, of what the numbers are computed from and of what is kept."""
CHUNK = 128
"""Pictures that a thread takes at once."""
BORDER = 2
"""Width, in pixels of the small picture, of the frame that is taken for the background."""
UNLIKE = 30
"""Distance from the background, of 255 in one channel, from which a pixel is the article's."""
FEW = 0.02
"""Share of the pixels below which nothing stands out from the background."""


@dataclass(frozen=True)
class Looks:
    """Of `n` pictures.

    Attributes:
        images: Their paths.
        hashes: Perceptual hashes (`imagehash.phash`), uint64 `[n]`.
        thumbnails: uint8 `[n, 16, 16, 3]`.
        background: Mean colour of the frame, float32 `[n, 3]`, 0 to 255.
        unevenness: Standard deviation of the frame, the mean of its channels, float32 `[n]`.
        colour: Mean colour of what stands out from the background, float32 `[n, 3]`, 0 to 255.
    """

    images: tuple[str, ...]
    hashes: np.ndarray
    thumbnails: np.ndarray
    background: np.ndarray
    unevenness: np.ndarray
    colour: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def look_at(store: Store, images: Sequence[str]) -> Looks:
    """Read pictures of a store once, and measure them."""
    rows = store.rows(images)
    chunks = (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
    parts = []
    measured = in_threads(lambda some: _measure(store.read(some)), chunks)
    with progress("looking at pictures", len(rows)) as bar, closing(measured):
        for part in measured:
            check_interrupted()
            parts.append(part)
            bar.advance(CHUNK)
    return Looks(tuple(images), *(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _measure(pictures: np.ndarray) -> tuple[np.ndarray, ...]:
    """The arrays of `Looks` for uint8 `[n, height, width, 3]`."""
    small = [Image.fromarray(picture).resize((SMALL, SMALL), Image.Resampling.BOX) for picture in pictures]
    bits = np.stack([imagehash.phash(image).hash.ravel() for image in small])
    hashes = np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)
    pixels = np.stack([np.asarray(image) for image in small]).astype(np.float32)
    step = SMALL // TINY
    thumbnails = pixels.reshape(-1, TINY, step, TINY, step, 3).mean((2, 4)).round().astype(np.uint8)
    frame = np.ones((SMALL, SMALL), bool)
    frame[BORDER:-BORDER, BORDER:-BORDER] = False
    edge = pixels[:, frame]
    background, unevenness = edge.mean(1), edge.std(1).mean(1)
    return hashes, thumbnails, background, unevenness, _colours(pixels, background)


def _colours(pixels: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Mean colour of the pixels that are unlike the background, or of all where there are hardly any."""
    stands_out = np.abs(pixels - background[:, None, None]).max(-1) > UNLIKE
    stands_out[stands_out.mean((1, 2)) < FEW] = True
    weights = stands_out[..., None].astype(np.float32)
    colours: np.ndarray = (pixels * weights).sum((1, 2)) / weights.sum((1, 2))
    return colours
