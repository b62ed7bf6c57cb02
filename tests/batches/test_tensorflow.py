"""Batches from a real store: the right pictures, in the order of (seed, epoch), each once an epoch."""

import numpy as np
import pytest
from PIL import Image

from hmexp.batches.order import epoch_order
from hmexp.catalogue.pictures import DirectoryPictures
from hmexp.store import Store, StoreSpec, stage

pytestmark = pytest.mark.slow
NUM = 50


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    """Fifty plain pictures whose grey value is their number."""
    root = tmp_path_factory.mktemp("pictures")
    for i in range(NUM):
        Image.new("RGB", (20, 20), (i, i, i)).save(root / f"{i:02d}.png")
    source = DirectoryPictures(root)
    spec = StoreSpec(16, "stretch", 10**6)
    return stage(source, [picture.path for picture in source.list()], spec, tmp_path_factory.mktemp("cache"))


def read(dataset) -> list[tuple[np.ndarray, ...]]:
    return [tuple(np.asarray(part) for part in batch) for batch in dataset]


def test_epochs_are_permutations_that_can_be_replayed(store):
    from hmexp.batches.order import Order, Rows
    from hmexp.batches.tensorflow import train_batches

    part = Rows(np.arange(NUM), np.arange(NUM))
    batches = read(train_batches(store, part, Order(16, 3, 1, 2)))
    assert [len(batch[1]) for batch in batches] == [16, 16, 16, 2] * 2
    for epoch in (1, 2):
        seen = np.concatenate([batch[1] for batch in batches[4 * (epoch - 1) : 4 * epoch]])
        assert np.array_equal(seen, epoch_order(NUM, 3, epoch))
    second = read(train_batches(store, part, Order(16, 3, 2, 2)))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(second, batches[4:], strict=True))


def test_pictures_targets_and_weights_belong_together(store):
    from hmexp.batches.order import Order, Rows
    from hmexp.batches.tensorflow import train_batches

    rows = np.arange(NUM)[::2]
    part = Rows(rows, rows * 10, (rows / 2).astype(np.float32))
    for pictures, targets, weights in read(train_batches(store, part, Order(8, 0, 1, 1))):
        assert pictures.dtype == np.uint8
        assert np.array_equal(pictures[:, 8, 8, 0].astype(int) * 10, targets)
        assert np.array_equal(weights, targets / 20)


def test_a_limit_of_steps_keeps_the_order_of_each_epoch(store):
    from hmexp.batches.order import Order, Rows
    from hmexp.batches.tensorflow import train_batches

    part = Rows(np.arange(NUM), np.arange(NUM))
    batches = read(train_batches(store, part, Order(16, 3, 1, 2, steps=1)))
    assert len(batches) == 2
    assert np.array_equal(batches[1][1], epoch_order(NUM, 3, 2)[:16])


def test_evaluation_keeps_the_rows_order_and_drops_weights(store):
    from hmexp.batches.order import Rows
    from hmexp.batches.tensorflow import ordered_batches

    rows = np.array([5, 3, 40])
    (batch,) = read(ordered_batches(store, Rows(rows, rows, np.ones(3, np.float32)), 16))
    assert len(batch) == 2
    assert np.array_equal(batch[0][:, 0, 0, 0], rows)
