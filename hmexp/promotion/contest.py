"""Challenger and champion on the same articles, which neither has learned from."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hmexp.config.errors import RunError, UserError
from hmexp.config.record import PathsConfig
from hmexp.console import log, progress
from hmexp.datamodule import DataModule
from hmexp.evaluation.predict import SplitResult, evaluate_rows
from hmexp.metrics.calibration import with_temperature
from hmexp.metrics.paired import paired_bootstrap
from hmexp.models.bundle import MODEL_FILE, Card, load_bundle, read_card
from hmexp.promotion.guards import Evidence
from hmexp.runner.backend import start_backend
from hmexp.runner.evaluate import view_for
from hmexp.runner.resume import run_config
from hmexp.tracking.runs import JOB_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

BATCH, WARM_UP, ROUNDS = 32, 2, 15
MANIFEST = "manifest.parquet"
AT_LEAST = 2
"""Articles below which there is nothing to draw from."""


@dataclass(frozen=True)
class Contender:
    """One side.

    Attributes:
        run: That it comes from.
        bundle: The folder of its model, checked.
    """

    run: "Run"
    bundle: Path

    @property
    def card(self) -> Card:
        """Of its bundle."""
        return read_card(self.bundle)


def contest(
    client: "MlflowClient", challenger: Contender, champion: Contender, paths: PathsConfig, plugins: list[str]
) -> Evidence:
    """Evaluate both models anew on the challenger's test articles that the champion has not learned from either.

    Args:
        client: For the champion's manifest.
        challenger: A run whose folder is here.
        champion: Its model is in the registry.
        paths: Where stores are.
        plugins: Modules that the challenger was trained with.

    Raises:
        UserError: Other classes, or a folder or a catalogue that is not there.
    """
    cards = challenger.card, champion.card
    if cards[0].classes != cards[1].classes:
        other = ", ".join(sorted(set(cards[0].classes) ^ set(cards[1].classes))[:5]) or "another order"
        raise UserError(f"run: expected a model of the champion's classes, received one of others: {other}")
    config = run_config(_folder_of(challenger.run), paths, plugins)
    data = DataModule(config.data, config.paths, config.backend, trains=False)
    log.info(f"{data.catalogue.name}: {len(data.manifest):,} rows")
    start_backend(config)
    models = [load_bundle(side.bundle)[0] for side in (challenger, champion)]
    views = [view_for(data, card) for card in cards]
    rows = _unseen(views[0], manifest_of(client, champion.run), cards[0])
    sizes = [(side.bundle / MODEL_FILE).stat().st_size for side in (challenger, champion)]
    if len(rows) < AT_LEAST:
        return Evidence(None, len(rows), (sizes[0], sizes[1]), (1.0, 1.0))
    classes = tuple(cards[0].classes)
    names = "the challenger", "the champion"
    results = [
        _evaluate(model, view, rows, classes, name) for model, view, name in zip(models, views, names, strict=True)
    ]
    calm = [with_temperature(result.logits, card.temperature) for result, card in zip(results, cards, strict=True)]
    with progress("comparing the models"):
        paired = paired_bootstrap(results[0].targets, calm[0], calm[1], rows["group"].to_numpy(), classes)
    return Evidence(paired, len(rows), (sizes[0], sizes[1]), _latencies(models, views, rows))


def manifest_of(client: "MlflowClient", run: "Run") -> pd.DataFrame:
    """`article_id, label, split` of what a run learned from, as MLflow has it.

    Raises:
        UserError: It is gone, so that nobody knows what the model has seen.
    """
    from mlflow.exceptions import MlflowException

    try:
        path = client.download_artifacts(run.info.run_id, MANIFEST)
        return pd.read_parquet(path, columns=["article_id", "label", "split"])
    except (MlflowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        expected = f"the manifest of run {run.info.run_id}, which says what it has learned from"
        raise UserError(f"run: expected {expected}, received {reason}") from None


def _folder_of(run: "Run") -> Path:
    job_dir = Path(run.data.tags.get(JOB_TAG, ""))
    if not (job_dir / "config.yaml").is_file():
        expected = "a run whose folder is on this machine, to evaluate it beside the champion"
        raise UserError(f"run: expected {expected}, received {run.info.run_id} (force=true reason=... does without)")
    return job_dir


def _unseen(data: DataModule, before: pd.DataFrame, card: Card) -> pd.DataFrame:
    """Test articles, each once, that are in no train or val of the champion, under the label that it has for them."""
    rows = data.rows("test").drop_duplicates("article_id").reset_index(drop=True)
    seen = before.loc[before["split"] != "test", "article_id"]
    labels = before.drop_duplicates("article_id").set_index("article_id")["label"]
    then = rows["article_id"].map(labels)
    relabelled = then.notna() & (then != rows["label"])
    learned = rows["article_id"].isin(seen)
    for what, which in (
        ("learned from by the champion", learned),
        ("under another label for the champion", relabelled),
    ):
        if which.any():
            log.info(f"{which.sum():,} test articles left out: {what}")
    rows = rows[~learned & ~relabelled & rows["label"].isin(card.classes)]
    return rows.assign(target=rows["label"].map({name: number for number, name in enumerate(card.classes)}))


def _evaluate(model: Any, data: DataModule, rows: pd.DataFrame, classes: tuple[str, ...], name: str) -> SplitResult:  # noqa: ANN401
    try:
        return evaluate_rows(model, data, "test", rows, classes)
    except RunError as error:
        raise RunError(f"{name}: {error}") from None


def _latencies(models: list[Any], views: list[DataModule], rows: pd.DataFrame) -> tuple[float, float]:
    """Seconds of each for a batch of 32, timed in turns: of its fastest call, as whatever else runs only adds to it.

    Beside work that comes and goes, medians of two equal networks differed by up to 2.3 times, the fastest by 1.1.
    """
    images = rows["image"].head(BATCH).tolist()
    batches = [view.store.read(view.store.rows(images)) for view in views]
    seconds: list[list[float]] = [[], []]
    for round_ in range(WARM_UP + ROUNDS):
        for number, (model, batch) in enumerate(zip(models, batches, strict=True)):
            begun = time.perf_counter()
            np.asarray(model.predict_on_batch(batch))
            if round_ >= WARM_UP:
                seconds[number].append(time.perf_counter() - begun)
    return min(seconds[0]), min(seconds[1])
