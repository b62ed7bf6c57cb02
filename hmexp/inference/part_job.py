"""The parts of a long table that a process computes from pictures, here or elsewhere."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Protocol

import pandas as pd
import pyarrow as pa

from hmexp.cluster import RAY, Spread, over_ray
from hmexp.config.verbs import InferenceConfig
from hmexp.console import log, progress
from hmexp.inference.parts import Parts
from hmexp.inference.pixels import PixelBatch, PixelSource

PART_BATCHES = 32
"""Batches of a part: 4,096 articles as it is configured."""


def part_length(config: InferenceConfig) -> int:
    """Articles of a part."""
    return PART_BATCHES * config.batch_size


class BatchModel(Protocol):
    """A model that is loaded, and what becomes of its output."""

    def rows(self, articles: pd.DataFrame, batch: PixelBatch) -> pa.Table:
        """The table's rows of a batch."""
        ...


@dataclass(frozen=True)
class PartJob(ABC):
    """What computes the parts; can be pickled before the model is loaded.

    Attributes:
        activity: What it does, for the progress bar.
        config: Of the command.
        pixels: Where the pictures come from.
        bundle: Folder of the model.
        parts: Where they go.
    """

    activity: ClassVar[str]
    config: InferenceConfig
    pixels: PixelSource
    bundle: Path
    parts: Parts

    @property
    @abstractmethod
    def model(self) -> BatchModel:
        """The model, loaded once into this process, after its hash was checked."""

    def write(self, numbers: Sequence[int], rows: pd.DataFrame, advance: Callable[[int], object]) -> None:
        """Compute parts, one after another, and write each when it is whole.

        Args:
            numbers: Of the parts.
            rows: `article_id, image, label` of their articles, one part after another; the last may be shorter.
            advance: Hears of each batch, with its length.
        """
        size, whole = self.config.batch_size, part_length(self.config)
        batches = self.pixels.batches(rows["image"].tolist(), size)
        for place, number in enumerate(numbers):
            of_part = rows.iloc[place * whole : (place + 1) * whole]
            tables = []
            for begin in range(0, len(of_part), size):
                some = of_part.iloc[begin : begin + size]
                tables.append(self.model.rows(some, next(batches)))
                advance(len(some))
            self.parts.write(number, pa.concat_tables(tables))


def rows_of(rows: pd.DataFrame, numbers: Sequence[int], length: int) -> pd.DataFrame:
    """The articles of some parts, one part after another."""
    return pd.concat([rows.iloc[number * length : (number + 1) * length] for number in numbers])


def write_parts(job: PartJob, rows: pd.DataFrame, missing: Sequence[int]) -> None:
    """Compute the parts that are missing, in this process or on a cluster (`runner=ray`); `rows` are all articles."""
    (_write_over_ray if job.config.runner == RAY else _write_here)(job, rows, missing)


def _write_here(job: PartJob, rows: pd.DataFrame, missing: Sequence[int]) -> None:
    has_store = job.pixels.store is not None
    log.info("reading the image store" if has_store else "no image store of this catalogue: decoding")
    chosen = rows_of(rows, missing, part_length(job.config))
    with _progress(job.activity, len(rows), len(chosen)) as advance:
        job.write(missing, chosen, advance)


def _write_over_ray(job: PartJob, rows: pd.DataFrame, missing: Sequence[int]) -> None:
    """A part is written by its worker beside the others, whole; the cluster has to see the same files."""
    length = part_length(job.config)
    parts = ((number, rows_of(rows, [number], length)) for number in missing)
    spread = Spread(f"{len(missing):,} parts", len(missing), on_gpu=job.config.device.startswith("gpu"))
    with (
        _progress(job.activity, len(rows), len(rows_of(rows, missing, length))) as advance,
        closing(over_ray(partial(_write_part, job), parts, spread)) as written,
    ):
        for num in written:
            advance(num)


def _write_part(job: PartJob, part: tuple[int, pd.DataFrame]) -> int:
    """Compute a part and write it; gives its number of articles."""
    number, rows = part
    job.write([number], rows, lambda num: None)
    return len(rows)


@contextmanager
def _progress(activity: str, num: int, left: int) -> Iterator[Callable[[int], None]]:
    """A bar over all articles, of which some are left; gives what advances it."""
    with progress(activity, num, done=num - left) as bar:
        yield bar.advance
