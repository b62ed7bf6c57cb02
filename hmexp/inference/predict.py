"""The verb `predict`: a model over a whole catalogue, in memory that does not grow with it."""

from dataclasses import dataclass
from pathlib import Path

from hmexp.cluster import require_runner
from hmexp.config.invocation import Invocation
from hmexp.config.verbs import PredictConfig
from hmexp.console import log
from hmexp.inference.articles import find_articles
from hmexp.inference.mislabelled import find_mislabelled, write_mislabelled
from hmexp.inference.part_job import part_length, write_parts
from hmexp.inference.parts import Parts
from hmexp.inference.pixels import pixel_source
from hmexp.inference.prediction_job import PredictionJob
from hmexp.inference.summary import say_summary, summarise
from hmexp.inference.threshold import threshold_of
from hmexp.models.bundle import read_card
from hmexp.runner.backend import check_inference
from hmexp.tracking.bundles import file_of_run, find_bundle


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
    require_runner(config.runner)
    articles = find_articles(config)
    bundle = find_bundle(config.run, config.tracking, config.paths)
    card = read_card(bundle.folder)
    out = Path(config.out).expanduser().absolute()
    threshold = None
    if config.reject is not None:
        kept = file_of_run(bundle, "predictions.parquet", config.tracking, config.paths)
        threshold = threshold_of(kept, card, config.reject)
        log.info(f"reject={config.reject:g}: {threshold}")
    digest, length = articles.digest, part_length(config)
    parts = Parts(out, -(-len(articles.rows) // length))
    plan = {"model": card.sha256, "name": bundle.name, "temperature": card.temperature, "data": digest, "part": length}
    plan |= {"top_k": config.top_k, "threshold": None if threshold is None else threshold.confidence}
    log.info(f"{articles.name}: {len(articles.rows):,} articles, classified by {bundle.name}")
    with parts.planned(plan):
        missing = parts.missing()
        if missing:
            pixels = pixel_source(articles, card.image_size, card.resize, config.paths)
            job = PredictionJob(config, pixels, bundle.folder, parts, bundle.name, digest, threshold)
            write_parts(job, articles.rows, missing)
        summary = summarise(parts)
        mislabelled = find_mislabelled(parts.tables(), card.classes)
        parts.merge()
    say_summary(summary, out, threshold)
    path = write_mislabelled(mislabelled, articles, bundle, config, out) if len(mislabelled) else None
    return PredictResult(out, summary.num, summary.num_errors, path)
