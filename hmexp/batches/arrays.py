"""Store and rows -> batches of numpy arrays, in the same order as tf.data's, for backends without TensorFlow."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import keras
import numpy as np

from hmexp.batches.draws import inputs_of, rows_of
from hmexp.batches.order import Order, Rows, num_batches
from hmexp.store import RowStore, row_bytes

READERS = 2
AHEAD = 2
"""Pieces that are read ahead."""
PIECE = 8
"""Batches of a piece, at most: handing one from thread to thread takes up to half a millisecond."""
PIECE_BYTES = 16 * 2**20
"""Of a piece, at most, beyond its first batch."""
EPOCHS_KEPT = 2

Batch = tuple[Any, ...]


class ReadAhead(keras.utils.PyDataset):  # type: ignore[misc]
    """A finite sequence of batches, the next ones read by threads while one is used.

    Keras's own workers are left alone: they begin the sequence anew after every epoch.
    """

    def __init__(self, batch_bytes: int) -> None:
        super().__init__(workers=1)
        self._pool = ThreadPoolExecutor(READERS)
        self._piece = max(1, min(PIECE, PIECE_BYTES // max(1, batch_bytes)))
        self._waiting: dict[int, Future[list[Batch]]] = {}
        self._ready: tuple[int, list[Batch]] = 0, []

    def read(self, number: int) -> Batch:
        """Read batch `number`."""
        raise NotImplementedError

    def __getitem__(self, number: int) -> Batch:
        """Batch `number`; those after it are begun."""
        first, batches = self._ready
        if not first <= number < first + len(batches):
            first, batches = self._ready = number, self._next(number)
        return batches[number - first]

    def _next(self, number: int) -> list[Batch]:
        """The piece that begins with batch `number`; the next ones are begun, and whatever else was is forgotten."""
        starts = range(number, min(number + (1 + AHEAD) * self._piece, self.num_batches), self._piece)
        self._waiting = {i: self._waiting.get(i) or self._pool.submit(self._read_piece, i) for i in starts}
        return self._waiting.pop(number).result()

    def _read_piece(self, first: int) -> list[Batch]:
        return [self.read(i) for i in range(first, min(first + self._piece, self.num_batches))]

    def __iter__(self) -> Iterator[Batch]:
        return (self[i] for i in range(self.num_batches))


def train_batches(store: RowStore, part: Rows, order: Order) -> "ArrayBatches":
    """Batches of all epochs of `order`, one epoch after another; elements as those of `batches.tensorflow`."""
    return ArrayBatches(store, part, order)


def index_batches(part: Rows, order: Order) -> "IndexBatches":
    """Batches of all epochs of `order` for a device that holds the pictures; see `batches.tensorflow`."""
    return IndexBatches(part, order)


def ordered_batches(store: RowStore, part: Rows, batch_size: int) -> "OrderedBatches":
    """Batches of one pass in the rows' own order, without weights: `(pictures, targets)`."""
    return OrderedBatches(store, part, batch_size)


class OrderedBatches(ReadAhead):
    """One pass."""

    def __init__(self, store: RowStore, part: Rows, batch_size: int) -> None:
        super().__init__(batch_size * row_bytes(store))
        self.store, self.part, self.batch_size = store, part, batch_size

    @property
    def num_batches(self) -> int:
        """Batches of the pass."""
        return num_batches(len(self.part), self.batch_size)

    def read(self, number: int) -> Batch:
        """Read batch `number`."""
        chosen = slice(number * self.batch_size, (number + 1) * self.batch_size)
        return self.store.read(self.part.rows[chosen]), self.part.targets[chosen]


class EpochBatches(ReadAhead):
    """All epochs as one sequence: batch i is a function of i, so that reading ahead goes on across epochs."""

    def __init__(self, part: Rows, order: Order, row_bytes: int) -> None:
        super().__init__(order.batch_size * row_bytes)
        self.part, self.order = part, order
        self.steps = num_batches(len(part), order.batch_size, order.steps)
        # Two epochs, since near the end of one the threads read from both.
        self._epoch = lru_cache(maxsize=EPOCHS_KEPT)(self._draw_epoch)

    @property
    def num_batches(self) -> int:
        """Steps from the first to the last epoch."""
        return (self.order.last_epoch - self.order.first_epoch + 1) * self.steps - self.order.first_step

    def read(self, number: int) -> Batch:
        """Read batch `number`, counted from the first step."""
        epochs, step = divmod(number + self.order.first_step, self.steps)
        chosen, draws = self._epoch(self.order.first_epoch + epochs)
        place = slice(step * self.order.batch_size, (step + 1) * self.order.batch_size)
        rows = chosen[place]
        columns = [self.part.targets[rows]]
        if self.part.weights is not None:
            columns.append(self.part.weights[rows])
        groups = None if self.part.groups is None else self.part.groups[rows]
        return (self.inputs(self.part.rows[rows], draws[place] if self.order.augments else None, groups), *columns)

    def inputs(self, rows: np.ndarray, draws: np.ndarray | None, groups: np.ndarray | None) -> Any:  # noqa: ANN401
        """What a learner takes for these rows."""
        raise NotImplementedError

    def _draw_epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The whole epoch, whatever step it starts at."""
        whole = Order(**(vars(self.order) | {"first_step": 0}))
        return whole.epoch(len(self.part), epoch, self.part.groups)


class ArrayBatches(EpochBatches):
    """With the pictures, read from a store."""

    def __init__(self, store: RowStore, part: Rows, order: Order) -> None:
        super().__init__(part, order, row_bytes(store))
        self.store = store

    def inputs(self, rows: np.ndarray, draws: np.ndarray | None, groups: np.ndarray | None) -> Any:  # noqa: ANN401
        """What a learner takes for these rows of the store."""
        return inputs_of(self.store.read(rows), draws, groups)


class IndexBatches(EpochBatches):
    """With the rows of pictures that the device holds, int32 `[batch]`, in place of the pictures."""

    def __init__(self, part: Rows, order: Order) -> None:
        super().__init__(part, order, row_bytes=0)

    def __getitem__(self, number: int) -> Batch:
        """Batch `number`; there is nothing to read ahead."""
        return self.read(number)

    def inputs(self, rows: np.ndarray, draws: np.ndarray | None, groups: np.ndarray | None) -> Any:  # noqa: ANN401
        """What a learner that holds the pictures takes for these rows of them."""
        return rows_of(rows.astype(np.int32), draws, groups)
