"""What the headers of picture files say, without decoding any."""

from collections.abc import Sequence
from contextlib import closing
from functools import partial

import pandas as pd
from PIL import Image

from hmexp.catalogue.pictures import PictureSource
from hmexp.console import progress
from hmexp.process import check_interrupted
from hmexp.store.decode import FORMATS, upright_size
from hmexp.store.work import in_threads

CHUNK = 256
"""Files that a thread takes at once."""
COLUMNS = ("image", "width", "height", "format", "bytes")


def read_headers(source: PictureSource, images: Sequence[str]) -> pd.DataFrame:
    """Read the headers of pictures that are in the store.

    Args:
        source: Where the pictures are.
        images: Their paths.

    Returns:
        `image, width, height, format, bytes`: pixels of the upright picture, Pillow's name of the format, bytes of the
        file. A file that has gone meanwhile has no row.
    """
    num_bytes = {picture.path: picture.size for picture in source.list()}
    chunks = (images[start : start + CHUNK] for start in range(0, len(images), CHUNK))
    rows: list[tuple[str, int, int, str, int]] = []
    with progress("reading headers", len(images)) as bar, closing(in_threads(partial(_read, source), chunks)) as read:
        for found in read:
            check_interrupted()
            rows += [(*header, num_bytes.get(header[0], 0)) for header in found]
            bar.advance(CHUNK)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def sizes_of(headers: pd.DataFrame) -> pd.DataFrame:
    """`width, height, count` of the different sizes, the most frequent first."""
    counts = headers.groupby(["width", "height"]).size().rename("count").reset_index()
    return counts.sort_values("count", ascending=False, kind="stable", ignore_index=True)


def _read(source: PictureSource, paths: Sequence[str]) -> list[tuple[str, int, int, str]]:
    found = []
    for path in paths:
        try:
            with source.open(path) as stream, Image.open(stream, formats=FORMATS) as image:
                found.append((path, *upright_size(image), str(image.format)))
        except Exception:  # Pillow's parsers raise nearly anything; the store has the picture, so it counts there.
            continue
    return found
