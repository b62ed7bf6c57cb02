"""Store and rows -> batches of numpy arrays, in the same order as tf.data's, for backends without TensorFlow."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import keras
import numpy as np

from hmexp.batches.draws import DRAWS, PICTURES
from hmexp.batches.order import Order, Rows, num_batches
from hmexp.store import Store

READERS = 2
QUEUE = 4
EPOCHS_KEPT = 2


def train_batches(store: Store, part: Rows, order: Order) -> "ArrayBatches":
    """Batches of all epochs of `order`, one epoch after another; elements as those of `batches.tensorflow`."""
    return ArrayBatches(store, part, order)


def ordered_batches(store: Store, part: Rows, batch_size: int) -> "OrderedBatches":
    """Batches of one pass in the rows' own order, without weights: `(pictures, targets)`."""
    return OrderedBatches(store, Rows(part.rows, part.targets), batch_size)


def read_ahead(batches: keras.utils.PyDataset, number: int) -> Iterator[tuple[Any, ...]]:
    """The first `number` batches in their order, read by threads while they are used."""
    with ThreadPoolExecutor(READERS) as pool:
        waiting = deque(pool.submit(batches.__getitem__, i) for i in range(min(QUEUE, number)))
        for following in range(len(waiting), number + len(waiting)):
            yield waiting.popleft().result()
            if following < number:
                waiting.append(pool.submit(batches.__getitem__, following))


class OrderedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """One pass, read ahead by threads."""

    def __init__(self, store: Store, part: Rows, batch_size: int) -> None:
        super().__init__(workers=READERS, max_queue_size=QUEUE)
        self.store, self.part, self.batch_size = store, part, batch_size

    def __len__(self) -> int:
        return num_batches(len(self.part), self.batch_size)

    def __getitem__(self, step: int) -> tuple[Any, ...]:
        """Batch number `step`."""
        first = step * self.batch_size
        chosen = np.arange(first, min(first + self.batch_size, len(self.part)))
        return self.store.read(self.part.rows[chosen]), self.part.targets[chosen]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return read_ahead(self, len(self))


class ArrayBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """All epochs as one sequence: batch i is a function of i, so that reading ahead goes on across epochs."""

    def __init__(self, store: Store, part: Rows, order: Order) -> None:
        super().__init__(workers=READERS, max_queue_size=QUEUE)
        self.store, self.part, self.order = store, part, order
        self.steps = num_batches(len(part), order.batch_size, order.steps)
        # Two epochs, since near the end of one the threads read from both.
        self._epoch = lru_cache(maxsize=EPOCHS_KEPT)(self._draw_epoch)

    @property
    def num_batches(self) -> int:
        """Steps from the first to the last epoch."""
        return (self.order.last_epoch - self.order.first_epoch + 1) * self.steps - self.order.first_step

    def __getitem__(self, number: int) -> tuple[Any, ...]:
        """Batch `number`, counted from the first step."""
        epochs, step = divmod(number + self.order.first_step, self.steps)
        chosen, draws = self._epoch(self.order.first_epoch + epochs)
        place = slice(step * self.order.batch_size, (step + 1) * self.order.batch_size)
        rows = chosen[place]
        pictures = self.store.read(self.part.rows[rows])
        columns = [self.part.targets[rows]]
        if self.part.weights is not None:
            columns.append(self.part.weights[rows])
        return ({PICTURES: pictures, DRAWS: draws[place]} if self.order.augments else pictures, *columns)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return read_ahead(self, self.num_batches)

    def _draw_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The whole epoch, whatever step it starts at."""
        whole = Order(**(vars(self.order) | {"first_step": 0}))
        return whole.epoch(len(self.part), epoch)
