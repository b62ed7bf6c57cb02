"""The confidence below which a prediction is `unknown`: chosen on val, for a precision."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hmexp.config.errors import UserError
from hmexp.metrics.calibration import with_temperature
from hmexp.models.bundle import Card

UNKNOWN = "unknown"
LEAST = 30
"""Pictures of val at least that are above a threshold; fewer say too little of a precision."""


@dataclass(frozen=True)
class Threshold:
    """A confidence, and what it does on val.

    Attributes:
        confidence: Predictions below it are `unknown`.
        precision: Share of those above it that are right.
        low: Lower end of the 95 % interval of that (Clopper and Pearson 1934).
        coverage: Share of val that is above it.
    """

    confidence: float
    precision: float
    low: float
    coverage: float

    def __str__(self) -> str:
        """In a sentence."""
        kept = f"{self.coverage:.1%} of val are above a confidence of {self.confidence:.4f}"
        return f"{kept}, of which {self.precision:.1%} are right (at least {self.low:.1%} with 97.5 % confidence)"


def choose_threshold(confidences: np.ndarray, right: np.ndarray, precision: float) -> Threshold:
    """The lowest confidence above which a share of `precision` is right, so that the most predictions stay.

    Args:
        confidences: Calibrated, of val, float `[n]`.
        right: Whether each prediction is right, bool `[n]`.
        precision: Wanted, from 0 to 1.

    Raises:
        UserError: No confidence has it.
    """
    order = np.argsort(-confidences, kind="stable")
    ranked = confidences[order]
    hits = np.cumsum(right[order])
    counts = np.arange(1, len(order) + 1)
    shares = hits / counts
    last_of_ties = np.append(ranked[1:] != ranked[:-1], True)
    fits = np.flatnonzero((shares >= precision) & last_of_ties & (counts >= LEAST))
    if not len(fits):
        usable = shares[LEAST - 1 :]
        best = f"{usable.max():.3f} at best" if len(usable) else f"{len(order)} pictures of val"
        raise UserError(
            f"reject: expected a precision that {LEAST} pictures of val reach, received {precision:g} ({best})"
        )
    place = fits[-1]
    # Imported here: scipy.stats takes a second.
    from scipy.stats import binomtest

    low = binomtest(int(hits[place]), int(counts[place])).proportion_ci(0.95).low
    return Threshold(float(ranked[place]), float(shares[place]), float(low), float(counts[place] / len(order)))


def threshold_of(predictions: Path | None, card: Card, precision: float) -> Threshold:
    """The threshold of a model, by the predictions on val that its run has kept.

    Raises:
        UserError: They are not there, or no confidence has the precision.
    """
    if predictions is None:
        raise UserError("reject: expected a model whose run has kept its predictions on val, received one without")
    columns = [f"p/{name}" for name in card.classes]
    rows = pd.read_parquet(predictions, columns=["split", "target", *columns])
    rows = rows[rows["split"] == "val"]
    raw = rows[columns].to_numpy(np.float64)
    probabilities = with_temperature(np.log(np.maximum(raw, np.finfo(np.float32).tiny)), card.temperature)
    predicted = np.array(card.classes, dtype=object)[probabilities.argmax(axis=1)]
    return choose_threshold(probabilities.max(axis=1), predicted == rows["target"].to_numpy(), precision)
