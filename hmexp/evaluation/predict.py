"""Predictions of a model: logits of any pictures of a catalogue, and of the rows of a split with their targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hmexp.batches.order import Rows
from hmexp.config.errors import RunError
from hmexp.config.training import TrainerConfig
from hmexp.console import progress
from hmexp.datamodule import DataModule
from hmexp.metrics.evaluation import Evaluation, evaluate_logits

BATCH_SIZE = 128
REMEDIES = "lower optimizer.learning_rate, set optimizer.clip_norm=1, or use trainer.precision=float32"


@dataclass(frozen=True)
class SplitResult:
    """A split's figures and its predictions.

    Attributes:
        evaluation: Metrics, classes, confusion.
        logits: float32 `[pictures, classes]`.
        targets: int64 `[pictures]`.
        predictions: `article_id, image, split, target, predicted, confidence` and `p/<class>`, a row a picture.
    """

    evaluation: Evaluation
    logits: np.ndarray
    targets: np.ndarray
    predictions: pd.DataFrame


def predict_logits(model: Any, data: DataModule, images: Sequence[str], what: str) -> np.ndarray:  # noqa: ANN401
    """Logits of pictures in their order, float32 `[pictures, classes]`; nobody has to know their classes.

    Args:
        model: uint8 `[batch, height, width, 3]` -> logits `[batch, classes]`.
        data: Prepared; its store holds the pictures.
        images: Their paths in the catalogue.
        what: What the progress bar says.
    """
    import keras

    part = Rows(data.store.rows(list(images)), np.zeros(len(images), np.int64))
    with progress(what, len(images)) as bar:
        advance = keras.callbacks.LambdaCallback()
        advance.on_predict_batch_end = lambda batch, logs=None: bar.advance(BATCH_SIZE)
        batches = data.ordered_batches(part, BATCH_SIZE)
        return np.asarray(model.predict(batches, verbose=0, callbacks=[advance]), dtype=np.float32)


def evaluate_splits(model: Any, data: DataModule, cfg: TrainerConfig) -> dict[str, SplitResult]:  # noqa: ANN401
    """Evaluate a model on every split that has rows; on train only on a sample of `trainer.train_sample`."""
    limit = None if cfg.limit_batches is None else cfg.limit_batches * cfg.batch_size
    results = {}
    for split in data.sizes():
        most = cfg.train_sample if split == "train" else None
        sizes = [size for size in (most, limit) if size is not None]
        rows = data.rows(split, limit=min(sizes) if sizes else None)
        results[split] = evaluate_rows(model, data, split, rows, data.class_names)
    return results


def evaluate_rows(
    model: Any,  # noqa: ANN401
    data: DataModule,
    split: str,
    rows: pd.DataFrame,
    classes: tuple[str, ...],
) -> SplitResult:
    """Evaluate a model on rows of the manifest, whose `target` numbers the model's `classes`."""
    logits = predict_logits(model, data, rows["image"].tolist(), f"evaluating {split}")
    if not np.isfinite(logits).all():
        raise RunError(f"the model's logits on {split} are no numbers: {REMEDIES}")
    targets = rows["target"].to_numpy(np.int64)
    evaluation = evaluate_logits(split, logits, targets, classes)
    return SplitResult(evaluation, logits, targets, _predictions(rows, evaluation))


def _predictions(rows: pd.DataFrame, evaluation: Evaluation) -> pd.DataFrame:
    """The table of predictions, as `SplitResult` has it."""
    probabilities = evaluation.probabilities
    names = np.array(evaluation.classes, dtype=object)
    table = pd.DataFrame(
        {
            "article_id": rows["article_id"].to_numpy(),
            "image": rows["image"].to_numpy(),
            "split": evaluation.split,
            "target": rows["label"].to_numpy(),
            "predicted": names[probabilities.argmax(axis=1)],
            "confidence": probabilities.max(axis=1),
        }
    )
    by_class = pd.DataFrame(probabilities, columns=[f"p/{name}" for name in evaluation.classes])
    return pd.concat([table, by_class], axis=1)
