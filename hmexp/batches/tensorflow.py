"""Store and rows -> tf.data batches. Pictures stay uint8 until the device.

Only indices are shuffled, never pictures: the order is drawn anew each epoch by `Order.epoch` and a batch is
one read of the store, so that memory does not depend on the size of the catalogue.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from hmexp.batches.draws import COLUMNS, inputs_of, rows_of
from hmexp.batches.order import Order, Rows
from hmexp.store import RowStore

PARALLEL_READS = 2
PREFETCH = 4
Function = TypeVar("Function", bound=Callable[..., Any])


def as_it_is(function: Function) -> Function:
    """A function that AutoGraph does not rewrite: without a branch on a tensor there is nothing to gain by it."""
    kept: Function = tf.autograph.experimental.do_not_convert(function)
    return kept


def train_batches(store: RowStore, part: Rows, order: Order) -> tf.data.Dataset:
    """Batches of all epochs of `order`, one epoch after another, each row once an epoch.

    Returns:
        Elements `(pictures uint8 [batch, height, width, 3], targets int64 [batch])`, and a third,
        `weights float32 [batch]`, where `part` has weights. Where `order` augments, `{"pictures": ..., "draws":
        float32 [batch, columns]}` stands in place of the pictures; where `part` has groups, `"groups": int64 [batch]`
        is beside them.
    """
    return _read(_indices(part, order), store, part)


def index_batches(part: Rows, order: Order) -> tf.data.Dataset:
    """As `train_batches`, for a device that holds the pictures: `"rows": int64 [batch]` in place of `"pictures"`."""

    @as_it_is
    def load(chosen: tf.Tensor, draws: tf.Tensor) -> tuple[Any, ...]:
        rows = tf.gather(part.rows, chosen)
        return (rows_of(rows, draws if draws.shape[-1] else None, _groups(part, chosen)), *_columns(part, chosen))

    return _indices(part, order).map(load).prefetch(PREFETCH)


def _indices(part: Rows, order: Order) -> tf.data.Dataset:
    """Batches of rows of the split and their draws, epoch by epoch."""
    epochs = tf.data.Dataset.range(order.first_epoch, order.last_epoch + 1)
    width = len(COLUMNS) if order.augments else 0

    @as_it_is
    def indices(epoch: tf.Tensor) -> tf.data.Dataset:
        def one(epoch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return order.epoch(len(part), int(epoch), part.groups)

        chosen, draws = tf.numpy_function(one, [epoch], (tf.int64, tf.float32), stateful=False)
        chosen.set_shape([None])
        draws.set_shape([None, width])
        return tf.data.Dataset.from_tensor_slices((chosen, draws)).batch(order.batch_size)

    return epochs.flat_map(indices)


def ordered_batches(store: RowStore, part: Rows, batch_size: int) -> tf.data.Dataset:
    """Batches of one pass in the rows' own order, without weights: `(pictures, targets)`."""

    @as_it_is
    def without_draws(chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return chosen, tf.zeros([tf.size(chosen), 0])

    indices = tf.data.Dataset.range(len(part)).batch(batch_size).map(without_draws)
    return _read(indices, store, Rows(part.rows, part.targets))


def _read(indices: tf.data.Dataset, store: RowStore, part: Rows) -> tf.data.Dataset:
    """Batches of indices and draws -> batches of pictures, read in parallel, in order."""

    def fetch(chosen: np.ndarray) -> np.ndarray:
        return store.read(part.rows[chosen])

    @as_it_is
    def load(chosen: tf.Tensor, draws: tf.Tensor) -> tuple[Any, ...]:
        pictures = tf.numpy_function(fetch, [chosen], store.dtype, stateful=False)
        pictures.set_shape([None, *store.row_shape])
        inputs = inputs_of(pictures, draws if draws.shape[-1] else None, _groups(part, chosen))
        return (inputs, *_columns(part, chosen))

    return indices.map(load, num_parallel_calls=PARALLEL_READS, deterministic=True).prefetch(PREFETCH)


def _columns(part: Rows, chosen: tf.Tensor) -> list[tf.Tensor]:
    """Targets, and weights where there are any."""
    columns = [part.targets] if part.weights is None else [part.targets, part.weights]
    return [tf.gather(column, chosen) for column in columns]


def _groups(part: Rows, chosen: tf.Tensor) -> tf.Tensor | None:
    return None if part.groups is None else tf.gather(part.groups, chosen)
