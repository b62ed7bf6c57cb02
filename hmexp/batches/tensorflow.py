"""Store and rows -> tf.data batches. Pictures stay uint8 until the device.

Only indices are shuffled, never pictures: the order is drawn anew each epoch by `epoch_order` and a batch is
one read of the store, so that memory does not depend on the size of the catalogue.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from hmexp.batches.order import epoch_order
from hmexp.store import Store

PARALLEL_READS = 2
PREFETCH = 4


@dataclass(frozen=True)
class Rows:
    """Rows of one split.

    Attributes:
        rows: Places in the store, int64 `[rows]`.
        targets: int64 `[rows]`.
        weights: float32 `[rows]`, or None where every row weighs 1.
    """

    rows: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Order:
    """Which epochs, in what batches.

    Attributes:
        batch_size: Pictures a batch; the last one of an epoch may be smaller.
        seed: The run's seed.
        first_epoch: Counted from 1.
        last_epoch: The last one.
        steps: Batches an epoch; None means all.
    """

    batch_size: int
    seed: int
    first_epoch: int
    last_epoch: int
    steps: int | None = None


def train_batches(store: Store, part: Rows, order: Order) -> tf.data.Dataset:
    """Batches of all epochs of `order`, one epoch after another, each row once an epoch.

    Returns:
        Elements `(pictures uint8 [batch, height, width, 3], targets int64 [batch])`, and a third,
        `weights float32 [batch]`, where `part` has weights.
    """
    epochs = tf.data.Dataset.range(order.first_epoch, order.last_epoch + 1)

    def indices(epoch: tf.Tensor) -> tf.data.Dataset:
        def draw(epoch: np.ndarray) -> np.ndarray:
            return epoch_order(len(part), order.seed, int(epoch))

        drawn = tf.numpy_function(draw, [epoch], tf.int64, stateful=False)
        drawn.set_shape([len(part)])
        batches = tf.data.Dataset.from_tensor_slices(drawn).batch(order.batch_size)
        return batches if order.steps is None else batches.take(order.steps)

    return _read(epochs.flat_map(indices), store, part)


def ordered_batches(store: Store, part: Rows, batch_size: int) -> tf.data.Dataset:
    """Batches of one pass in the rows' own order, without weights: `(pictures, targets)`."""
    indices = tf.data.Dataset.range(len(part)).batch(batch_size)
    return _read(indices, store, Rows(part.rows, part.targets))


def _read(indices: tf.data.Dataset, store: Store, part: Rows) -> tf.data.Dataset:
    """Batches of indices -> batches of pictures, read in parallel, in order."""
    size = store.spec.image_size

    def fetch(chosen: np.ndarray) -> np.ndarray:
        return store.read(part.rows[chosen])

    def load(chosen: tf.Tensor) -> tuple[tf.Tensor, ...]:
        pictures = tf.numpy_function(fetch, [chosen], tf.uint8, stateful=False)
        pictures.set_shape([None, size, size, 3])
        columns: list[Any] = [tf.gather(part.targets, chosen)]
        if part.weights is not None:
            columns.append(tf.gather(part.weights, chosen))
        return (pictures, *columns)

    return indices.map(load, num_parallel_calls=PARALLEL_READS, deterministic=True).prefetch(PREFETCH)
