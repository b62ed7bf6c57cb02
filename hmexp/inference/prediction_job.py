"""The parts of a prediction that a process computes, here or elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import pandas as pd
import pyarrow as pa

from hmexp.cluster import Spread, over_ray
from hmexp.config.verbs import PredictConfig
from hmexp.console import log, progress_bar
from hmexp.inference.parts import Parts
from hmexp.inference.pixels import PixelSource
from hmexp.inference.predictor import Predictor
from hmexp.inference.threshold import Threshold
from hmexp.models.bundle import load_bundle
from hmexp.runner.backend import start_inference

PART_BATCHES = 32
"""Batches of a part: 4,096 articles as it is configured."""


def part_length(config: PredictConfig) -> int:
    """Articles of a part."""
    return PART_BATCHES * config.batch_size


@dataclass(frozen=True)
class PredictionJob:
    """What computes the parts; can be pickled before the model is loaded.

    Attributes:
        config: Of the command.
        pixels: Where the pictures come from.
        bundle: Folder of the model.
        name: Of the model, in the table.
        digest: Of the data, in the table.
        threshold: Below which a class is `unknown`; None for none.
        parts: Where they go.
    """

    config: PredictConfig
    pixels: PixelSource
    bundle: Path
    name: str
    digest: str
    threshold: Threshold | None
    parts: Parts

    @cached_property
    def predictor(self) -> Predictor:
        """The model, loaded into this process, after its hash was checked."""
        start_inference(self.config.backend, self.config.device)
        model, card = load_bundle(self.bundle)
        return Predictor(model, card, self.name, self.digest, self.config.top_k, self.threshold)

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
                tables.append(self.predictor.rows(some, next(batches)))
                advance(len(some))
            self.parts.write(number, pa.concat_tables(tables))


def rows_of(rows: pd.DataFrame, numbers: Sequence[int], length: int) -> pd.DataFrame:
    """The articles of some parts, one part after another."""
    return pd.concat([rows.iloc[number * length : (number + 1) * length] for number in numbers])


def write_here(job: PredictionJob, rows: pd.DataFrame, missing: Sequence[int]) -> None:
    """Compute the parts that are missing in this process; `rows` are all articles."""
    has_store = job.pixels.store is not None
    log.info("reading the image store" if has_store else "no image store of this catalogue: decoding")
    chosen = rows_of(rows, missing, part_length(job.config))
    with _progress(len(rows), len(chosen)) as advance:
        job.write(missing, chosen, advance)


def write_over_ray(job: PredictionJob, rows: pd.DataFrame, missing: Sequence[int]) -> None:
    """Compute the parts that are missing on a cluster, which has to see the same files.

    A part is written by its worker beside the others, whole.
    """
    length = part_length(job.config)
    parts = ((number, rows_of(rows, [number], length)) for number in missing)
    spread = Spread(f"{len(missing):,} parts", len(missing), on_gpu=job.config.device.startswith("gpu"))
    with (
        _progress(len(rows), len(rows_of(rows, missing, length))) as advance,
        closing(over_ray(partial(_write_part, job), parts, spread)) as written,
    ):
        for num in written:
            advance(num)


def _write_part(job: PredictionJob, part: tuple[int, pd.DataFrame]) -> int:
    """Compute a part and write it; gives its number of articles."""
    number, rows = part
    job.write([number], rows, lambda num: None)
    return len(rows)


@contextmanager
def _progress(num: int, left: int) -> Iterator[Callable[[int], None]]:
    """A bar over all articles, of which some are left; gives what advances it."""
    with progress_bar() as bar:
        task = bar.add_task("predicting", total=num, completed=num - left, note="")
        yield lambda some: bar.advance(task, some)
