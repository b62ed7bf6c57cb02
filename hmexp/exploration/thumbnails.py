"""Small pictures for the page, read from the store and brought back to their own shape."""

from collections.abc import Sequence

import numpy as np

from hmexp.exploration.survey import Survey
from hmexp.reports.catalogue import Thumb, jpeg_source

AVERAGED = 100
"""Pictures that an average is of, at most."""


class Thumbnails:
    """Makes the pictures of a page.

    Args:
        survey: Whose pictures have been looked at.
    """

    def __init__(self, survey: Survey) -> None:
        if survey.pictures is None:
            raise ValueError("expected a survey with pictures")
        self._store = survey.pictures.store
        headers = survey.pictures.headers if survey.cfg.resize == "stretch" else survey.pictures.headers.head(0)
        self._aspects = dict(zip(headers["image"], headers["width"] / headers["height"], strict=True))

    def of(self, images: Sequence[str], lines: Sequence[tuple[str, ...]]) -> tuple[Thumb, ...]:
        """Pictures by their paths, each with the lines below it."""
        pictures = self._store.read(self._store.rows(images))
        return tuple(
            Thumb(jpeg_source(picture, self._aspects.get(image, 1.0)), below)
            for picture, image, below in zip(pictures, images, lines, strict=True)
        )

    def average(self, images: Sequence[str]) -> str:
        """The mean of at most 100 pictures, as the source of an `img`."""
        chosen = list(images)[:: max(1, len(images) // AVERAGED)][:AVERAGED]
        pictures = self._store.read(self._store.rows(chosen))
        aspect = float(np.median([self._aspects.get(image, 1.0) for image in chosen]))
        return jpeg_source(pictures.mean(0).round().astype(np.uint8), aspect)
