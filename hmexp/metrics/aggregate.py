"""Repeated runs as one figure: mean, standard deviation, 95 % interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Aggregate:
    """Of repeated runs.

    Attributes:
        num: Values.
        mean: Of the values.
        std: Standard deviation of one value; NaN for a single one.
        low: Lower end of the interval of the mean; NaN for a single value.
        high: Upper end.
    """

    num: int
    mean: float
    std: float
    low: float
    high: float


def aggregate(values: Sequence[float], folds: int = 1) -> Aggregate:
    """Summarise repeated runs, with Student's t for the interval.

    Args:
        values: One a run, or one a fold; at least one.
        folds: Folds of a cross-validation. They share most of train, so the variance of the mean gets
            n_val / n_train added to 1 / n (Nadeau and Bengio 2003, "Inference for the Generalization Error").
    """
    num, mean = len(values), float(np.mean(values))
    if num < 2:
        return Aggregate(num, mean, math.nan, math.nan, math.nan)
    std = float(np.std(values, ddof=1))
    shared = 1 / (folds - 1) if folds > 1 else 0.0
    half = float(t.ppf((1 + CONFIDENCE) / 2, num - 1)) * std * math.sqrt(1 / num + shared)
    return Aggregate(num, mean, std, mean - half, mean + half)
