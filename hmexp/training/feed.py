"""What goes into a training, in what pieces, and what comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Feed:
    """What a training is fed with.

    Attributes:
        train: (first epoch, steps of it that are done, last epoch) -> batches of these epochs one after another.
        val: Batches of one pass over val.
        steps_per_epoch: Training steps of an epoch.
        whole_epoch: Steps of an epoch that nothing limits; the schedule is laid over these.
        val_steps: Steps over val.
        plain: Batches of training pictures as they are, to measure batch norms over; None measures none.
    """

    train: Callable[[int, int, int], Any]
    val: Any
    steps_per_epoch: int
    whole_epoch: int
    val_steps: int
    plain: Any = None


@dataclass(frozen=True)
class FitResult:
    """What a training gave.

    Attributes:
        history: A row an epoch: `epoch, seconds, images_per_second, train/..., val/...`.
        best_epoch: The epoch whose weights the model has now.
        best_value: Its `monitor`.
        stopped_early: Whether `trainer.early_stopping` ended it.
        seconds: Time of all epochs, before an interruption too.
        pruned: Why the pruner ended it; empty where it did not.
    """

    history: pd.DataFrame
    best_epoch: int
    best_value: float
    stopped_early: bool
    seconds: float
    pruned: str = ""


@dataclass(frozen=True)
class Segment:
    """Epochs that one call of Keras's `fit` does; counted from 0, the last one left out."""

    first: int
    last: int
    first_step: int = 0
