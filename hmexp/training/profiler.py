"""Where the time of a training step goes."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np
import pandas as pd

WARM_UP = 3
TRACED = 10


def profile(
    model: keras.Model,
    batches: Iterator[Any],
    steps: int,
    told: Callable[[int], None],
    trace: AbstractContextManager[Any],
) -> pd.DataFrame:
    """Time each part of some steps, after a warm-up; then trace a few more.

    Args:
        model: Compiled.
        batches: Training batches, read ahead as in a training.
        steps: Steps to time.
        told: Called after each step, as a training calls its callbacks.
        trace: Traces what runs inside it.

    Returns:
        `part, seconds, share, milliseconds_a_step` of `waiting for input`, `computing` and `callbacks`.
    """
    spent = {"waiting for input": 0.0, "computing": 0.0, "callbacks": 0.0}
    for number in range(WARM_UP + steps):
        times = [time.perf_counter()]
        batch = next(batches)
        times.append(time.perf_counter())
        model.train_on_batch(*batch)
        times.append(time.perf_counter())
        told(number)
        times.append(time.perf_counter())
        if number >= WARM_UP:
            for part, seconds in zip(spent, np.diff(times), strict=True):
                spent[part] += float(seconds)
    with trace:
        for _ in range(min(TRACED, steps)):
            model.train_on_batch(*next(batches))
    total = sum(spent.values())
    rows = [(part, seconds, seconds / total, 1000 * seconds / steps) for part, seconds in spent.items()]
    return pd.DataFrame(rows, columns=["part", "seconds", "share", "milliseconds_a_step"])
