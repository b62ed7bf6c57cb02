"""The order of an epoch is a function of (seed, epoch)."""

import numpy as np
import pytest

from hmexp.batches.order import epoch_order, num_batches


def test_order_is_a_permutation_that_seed_and_epoch_decide():
    orders = {(seed, epoch): epoch_order(100, seed, epoch) for seed in (0, 1) for epoch in (1, 2)}
    for key, order in orders.items():
        assert np.array_equal(np.sort(order), np.arange(100))
        assert np.array_equal(order, epoch_order(100, *key))
    assert len({order.tobytes() for order in orders.values()}) == 4


@pytest.mark.parametrize(("num", "limit", "expected"), [(64, None, 2), (65, None, 3), (65, 1, 1), (1, 9, 1)])
def test_steps(num, limit, expected):
    assert num_batches(num, 32, limit) == expected
