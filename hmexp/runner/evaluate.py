"""The best model on train (a sample), val and test: predictions once, everything else from them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hmexp.config.training import TrainerConfig
from hmexp.console import progress_bar
from hmexp.datamodule import DataModule
from hmexp.metrics.evaluation import Evaluation, evaluate_logits

EVALUATION_BATCH = 128


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
    logits, targets = predict_logits(model, data, rows, f"evaluating {split}"), rows["target"].to_numpy(np.int64)
    evaluation = evaluate_logits(split, logits, targets, classes)
    probabilities = evaluation.probabilities
    predicted = probabilities.argmax(axis=1)
    names = np.array(classes, dtype=object)
    table = pd.DataFrame(
        {
            "article_id": rows["article_id"].to_numpy(),
            "image": rows["image"].to_numpy(),
            "split": split,
            "target": rows["label"].to_numpy(),
            "predicted": names[predicted],
            "confidence": probabilities.max(axis=1),
        }
    )
    by_class = pd.DataFrame(probabilities, columns=[f"p/{name}" for name in classes])
    return SplitResult(evaluation, logits, targets, pd.concat([table, by_class], axis=1))


def predict_logits(model: Any, data: DataModule, rows: pd.DataFrame, what: str) -> np.ndarray:  # noqa: ANN401
    """Logits of rows in their order, float32 `[rows, classes]`."""
    import keras

    with progress_bar() as bar:
        task = bar.add_task(what, total=len(rows), note="")
        advance = keras.callbacks.LambdaCallback()
        advance.on_predict_batch_end = lambda batch, logs=None: bar.advance(task, EVALUATION_BATCH)
        batches = data.ordered_batches(data.part(rows), EVALUATION_BATCH)
        return np.asarray(model.predict(batches, verbose=0, callbacks=[advance]), dtype=np.float32)
