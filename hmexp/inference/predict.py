"""The verb `predict`: a model over a whole catalogue, in memory that does not grow with it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from hmexp.config.invocation import Invocation
from hmexp.config.verbs import PredictConfig
from hmexp.console import log, progress_bar
from hmexp.inference.articles import Articles, find_articles
from hmexp.inference.mislabelled import find_mislabelled, write_mislabelled
from hmexp.inference.parts import Parts
from hmexp.inference.pixels import pixel_source
from hmexp.inference.predictor import Predictor
from hmexp.inference.summary import say_summary, summarise
from hmexp.inference.threshold import threshold_of
from hmexp.models.bundle import load_bundle, read_card
from hmexp.runner.backend import check_inference, start_inference
from hmexp.tracking.bundles import file_of_run, find_bundle

PART_BATCHES = 32
"""Batches of a part: 4,096 articles as it is configured."""


@dataclass(frozen=True)
class PredictResult:
    """What a prediction gives to whoever called it.

    Attributes:
        out: The table.
        num: Its rows.
        num_errors: Rows whose picture cannot be read.
        mislabelled: Table of articles whose label is likely wrong; None where there are none, or no labels.
    """

    out: Path
    num: int
    num_errors: int
    mislabelled: Path | None


def predict(config: PredictConfig, invocation: Invocation) -> PredictResult:
    """Classify the articles of a catalogue, or pictures from anywhere, into a table; goes on where it was killed.

    Raises:
        UserError: No such model, catalogue or place.
        RunError: Not one picture can be read.
    """
    check_inference(config.backend, config.device)
    articles = find_articles(config)
    bundle = find_bundle(config.run, config.tracking, config.paths)
    card = read_card(bundle.folder)
    out = Path(config.out).expanduser().absolute()
    threshold = None
    if config.reject is not None:
        kept = file_of_run(bundle, "predictions.parquet", config.tracking, config.paths)
        threshold = threshold_of(kept, card, config.reject)
        log.info(f"reject={config.reject:g}: {threshold}")
    digest, length = articles.digest, PART_BATCHES * config.batch_size
    parts = Parts(out, -(-len(articles.rows) // length))
    plan = {"model": card.sha256, "name": bundle.name, "temperature": card.temperature, "data": digest, "part": length}
    plan |= {"top_k": config.top_k, "threshold": None if threshold is None else threshold.confidence}
    log.info(f"{articles.name}: {len(articles.rows):,} articles, classified by {bundle.name}")
    with parts.planned(plan):
        missing = parts.missing()
        if missing:
            start_inference(config.backend, config.device)
            predictor = Predictor(load_bundle(bundle.folder)[0], card, bundle.name, digest, config.top_k, threshold)
            _write_parts(config, articles, predictor, parts, missing)
        summary = summarise(parts)
        mislabelled = find_mislabelled(parts.tables(), card.classes)
        parts.merge()
    say_summary(summary, out, threshold)
    path = write_mislabelled(mislabelled, articles, bundle, config, out) if len(mislabelled) else None
    return PredictResult(out, summary.num, summary.num_errors, path)


def _write_parts(
    config: PredictConfig, articles: Articles, predictor: Predictor, parts: Parts, missing: list[int]
) -> None:
    """Compute the parts that are missing, one after another, and write each when it is whole."""
    card, size = predictor.card, config.batch_size
    pixels = pixel_source(articles, card.image_size, card.resize, config.paths)
    log.info("reading the image store" if pixels.store is not None else "no image store of this catalogue: decoding")
    length = PART_BATCHES * size
    chosen = np.concatenate([np.arange(n * length, min((n + 1) * length, len(articles.rows))) for n in missing])
    rows = articles.rows.iloc[chosen]
    batches = pixels.batches(rows["image"].tolist(), size)
    with progress_bar() as bar:
        task = bar.add_task("predicting", total=len(articles.rows), completed=len(articles.rows) - len(rows), note="")
        start = 0
        for number in missing:
            count = min(length, len(articles.rows) - number * length)
            tables = []
            for begin in range(start, start + count, size):
                end = min(begin + size, start + count)
                tables.append(predictor.rows(rows.iloc[begin:end], next(batches)))
                bar.advance(task, end - begin)
            parts.write(number, pa.concat_tables(tables))
            start += count
