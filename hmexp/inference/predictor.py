"""A model over batches: logits -> the rows of a table of predictions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from hmexp.config.errors import RunError
from hmexp.inference.pixels import PixelBatch
from hmexp.inference.threshold import UNKNOWN, Threshold
from hmexp.metrics.calibration import with_temperature
from hmexp.models.bundle import Card

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Predictor:
    """A model and what becomes of its logits.

    Attributes:
        model: uint8 `[batch, height, width, 3]` -> logits `[batch, classes]`.
        card: Of its bundle.
        name: Of the model, in the table.
        digest: Of the data, in the table.
        top_k: Classes in the table.
        threshold: Below which a class is `unknown`; None for none.
    """

    model: "keras.Model"
    card: Card
    name: str
    digest: str
    top_k: int
    threshold: Threshold | None

    def rows(self, articles: pd.DataFrame, batch: PixelBatch) -> pa.Table:
        """The table's rows of a batch.

        Returns:
            `article_id, image, label, predicted, probability, confidence, top_1, confidence_1, ..., label_confidence,
            error, model, data_digest`: probability as trained, confidences calibrated, null where there is none.
        """
        logits = np.asarray(self.model.predict_on_batch(batch.pixels), np.float32)
        if not np.isfinite(logits).all():
            raise RunError(f"{self.name}: its logits are no numbers")
        calibrated = with_temperature(logits, self.card.temperature)
        ranked = np.argsort(-calibrated, axis=1, kind="stable")[:, : self.top_k]
        best, names = ranked[:, 0], np.array(self.card.classes, dtype=object)
        place = np.arange(len(logits))
        confidence = calibrated[place, best]
        predicted = names[best]
        if self.threshold is not None:
            predicted = np.where(confidence < self.threshold.confidence, UNKNOWN, predicted)
        failed = np.array([error != "" for error in batch.errors])
        labels = articles["label"].to_numpy(dtype=object)
        targets = pd.Index(self.card.classes).get_indexer(pd.Index(labels))
        own = np.where(targets >= 0, calibrated[place, np.maximum(targets, 0)], np.nan)
        columns = {
            "article_id": pa.array(articles["article_id"], pa.string()),
            "image": pa.array(articles["image"], pa.string()),
            "label": pa.array(labels, pa.string(), mask=labels == ""),
            "predicted": pa.array(predicted, pa.string(), mask=failed),
            "probability": pa.array(with_temperature(logits, 1.0)[place, best], pa.float32(), mask=failed),
            "confidence": pa.array(confidence, pa.float32(), mask=failed),
        }
        for rank in range(ranked.shape[1]):
            chosen = ranked[:, rank]
            columns[f"top_{rank + 1}"] = pa.array(names[chosen], pa.string(), mask=failed)
            columns[f"confidence_{rank + 1}"] = pa.array(calibrated[place, chosen], pa.float32(), mask=failed)
        columns["label_confidence"] = pa.array(own.astype(np.float32), pa.float32(), mask=failed | np.isnan(own))
        columns["error"] = pa.array(np.array(batch.errors, dtype=object), pa.string(), mask=~failed)
        columns["model"] = pa.array([self.name] * len(logits), pa.string())
        columns["data_digest"] = pa.array([self.digest] * len(logits), pa.string())
        return pa.table(columns)
