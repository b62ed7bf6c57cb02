"""The learning-rate range test (Smith 2017)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pandas as pd

LOWEST, HIGHEST = 1e-6, 3.0
SMOOTHING = 0.9
DIVERGED = 4.0


@dataclass(frozen=True)
class LearningRates:
    """What the range test found.

    Attributes:
        steps: `learning_rate, loss, smoothed`, a row a step.
        steepest: Where the smoothed loss falls fastest, before it is lowest.
        suggestion: A tenth of where the smoothed loss is lowest.
    """

    steps: pd.DataFrame
    steepest: float
    suggestion: float


def find_learning_rate(model: keras.Model, batches: Iterator[Any], steps: int) -> LearningRates:
    """Raise the learning rate step by step until the loss explodes (Smith 2017, as fastai's `lr_find`).

    Args:
        model: Compiled with a constant learning rate; it is spoilt by this.
        batches: Training batches.
        steps: Steps from the lowest to the highest learning rate.
    """
    rates = np.geomspace(LOWEST, HIGHEST, steps)
    rows: list[tuple[float, float, float]] = []
    mean = 0.0
    for number, (rate, batch) in enumerate(zip(rates, batches, strict=False), start=1):
        model.optimizer.learning_rate = float(rate)
        model.reset_metrics()
        loss = float(model.train_on_batch(*batch, return_dict=True)["loss"])
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smoothed = mean / (1 - SMOOTHING**number)
        if not math.isfinite(loss) or (rows and smoothed > DIVERGED * min(row[2] for row in rows)):
            break
        rows.append((float(rate), loss, smoothed))
    table = pd.DataFrame(rows, columns=["learning_rate", "loss", "smoothed"])
    bottom = max(int(table["smoothed"].to_numpy().argmin()), 1)
    slope = np.diff(table["smoothed"].to_numpy()[: bottom + 1])
    tried = table["learning_rate"].to_numpy()
    return LearningRates(table, steepest=float(tried[slope.argmin()]), suggestion=float(tried[bottom]) / 10)
