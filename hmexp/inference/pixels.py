"""Pictures in batches, from a store where one is built, else decoded while the model computes."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hmexp.catalogue.pictures import PictureSource
from hmexp.config.record import PathsConfig
from hmexp.inference.articles import Articles
from hmexp.store import Store, StoreSpec, staged
from hmexp.store.work import Outcome, decoded


@dataclass(frozen=True)
class PixelBatch:
    """Pictures as a model takes them.

    Attributes:
        pixels: uint8 `[batch, height, width, 3]`; black where a picture cannot be read, so that a batch has its length.
        errors: Why a picture cannot be read; empty for the others.
    """

    pixels: np.ndarray
    errors: list[str]


@dataclass(frozen=True)
class PixelSource:
    """Where the pixels of a catalogue come from.

    Attributes:
        source: Of the pictures.
        spec: What they become.
        store: Holds most of them; None where none is built.
    """

    source: PictureSource
    spec: StoreSpec
    store: Store | None

    def batches(self, images: Sequence[str], size: int) -> Iterator[PixelBatch]:
        """The pictures in their order; the next batch is read while the caller works on the one before."""
        return self._decoded(images, size) if self.store is None else self._stored(self.store, images, size)

    def _stored(self, store: Store, images: Sequence[str], size: int) -> Iterator[PixelBatch]:
        reasons = dict(zip(store.quarantine["image"], store.quarantine["reason"], strict=True))
        with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
            under_way = None
            for start in range(0, len(images), size):
                ready, under_way = under_way, reader.submit(self._read, store, images[start : start + size], reasons)
                if ready is not None:
                    yield ready.result()
            if under_way is not None:
                yield under_way.result()

    def _read(self, store: Store, images: Sequence[str], reasons: dict[str, str]) -> PixelBatch:
        """A batch from the store; what it does not hold is decoded."""
        errors = [reasons.get(image, "") for image in images]
        rows = store.find(images)
        pixels = np.zeros((len(images), self.spec.image_size, self.spec.image_size, 3), np.uint8)
        pixels[rows >= 0] = store.read(rows[rows >= 0])
        others = [place for place, row in enumerate(rows) if row < 0 and not errors[place]]
        outcomes = decoded(self.source, [images[place] for place in others], self.spec)
        for place, outcome in zip(others, outcomes, strict=True):
            _put(outcome, pixels, errors, place)
        return PixelBatch(pixels, errors)

    def _decoded(self, images: Sequence[str], size: int) -> Iterator[PixelBatch]:
        outcomes = decoded(self.source, images, self.spec)
        for start in range(0, len(images), size):
            length = min(size, len(images) - start)
            pixels = np.zeros((length, self.spec.image_size, self.spec.image_size, 3), np.uint8)
            errors = [""] * length
            for place in range(length):
                _put(next(outcomes), pixels, errors, place)
            yield PixelBatch(pixels, errors)


def pixel_source(articles: Articles, image_size: int, resize: str, paths: PathsConfig) -> PixelSource:
    """The pixels of articles, from a store if one was built for a training on this catalogue."""
    spec = StoreSpec(image_size, resize, articles.max_pixels)
    store = staged(articles.source, articles.staged, spec, paths.cache_path) if articles.staged else None
    return PixelSource(articles.source, spec, store)


def _put(outcome: Outcome, pixels: np.ndarray, errors: list[str], place: int) -> None:
    if outcome.pixels is None:
        errors[place] = outcome.reason or "no picture"
    else:
        pixels[place] = outcome.pixels
