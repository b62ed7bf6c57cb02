"""The batches of one training."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hmexp.training.device_data import PlacedPictures


@dataclass(frozen=True)
class DataLoaders:
    """Batches of train and val, and their numbers.

    Attributes:
        train: (first epoch, steps of it that are done, last epoch) -> batches of these epochs one after another.
        val: Batches of one pass over val.
        steps_per_epoch: Training steps of an epoch.
        whole_epoch: Steps of an epoch that nothing limits; the schedule is laid over these.
        val_steps: Steps over val.
        val_groups: Numbers of the groups of val's rows, int64 `[rows]`; None where nobody asks for them.
        placed: Training pictures that the device holds, where `train` gives rows of them; None where it gives pictures.
        plain: Batches of training pictures as they are, to measure batch norms over; None measures none.
    """

    train: Callable[[int, int, int], Any]
    val: Any
    steps_per_epoch: int
    whole_epoch: int
    val_steps: int
    plain: Any = None
    placed: PlacedPictures | None = None
    val_groups: np.ndarray | None = None
