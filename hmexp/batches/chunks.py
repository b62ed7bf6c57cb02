"""Batches of rows, many steps in one element, for a backend that computes many steps at once."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from hmexp.batches.arrays import IndexBatches

COUNT = "count"
"""How many steps of an element there are to be done, int32 `[]`; its arrays are as long as the longest may be."""


def chunks(batches: IndexBatches, longest: int, checkpoint_steps: int | None) -> Iterator[tuple[Any, ...]]:
    """Batches of equal size that follow one another, stacked: arrays `[longest, batch, ...]`, and `count`.

    No element goes over the end of an epoch, or over a step after which there may be a checkpoint. The last batch of an
    epoch, where it is smaller, is an element of its own, `[1, batch, ...]`.

    Args:
        batches: Of the epochs, step by step.
        longest: Steps of an element, at most.
        checkpoint_steps: Steps from one checkpoint to the next inside an epoch; None for none.
    """
    done, size = 0, batches.order.batch_size
    while done < batches.num_batches:
        step = (batches.order.first_step + done) % batches.steps
        whole = min(batches.steps, len(batches.part) // size)
        last = whole if checkpoint_steps is None else min(whole, (step // checkpoint_steps + 1) * checkpoint_steps)
        count = min(max(last - step, 1), longest)
        yield _stacked([batches.read(done + number) for number in range(count)], longest if step < whole else 1)
        done += count


def _stacked(several: list[tuple[Any, ...]], length: int) -> tuple[Any, ...]:
    """Batches -> one of arrays that are `length` long, beyond the batches zeros."""

    def stack(parts: list[np.ndarray]) -> np.ndarray:
        stacked = np.zeros((length, *parts[0].shape), parts[0].dtype)
        np.stack(parts, out=stacked[: len(parts)])
        return stacked

    inputs = {name: stack([batch[0][name] for batch in several]) for name in several[0][0]}
    columns = (stack([batch[number] for batch in several]) for number in range(1, len(several[0])))
    return ({COUNT: np.int32(len(several)), **inputs}, *columns)
