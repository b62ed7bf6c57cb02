"""The order of an epoch is a function of (seed, epoch)."""

import numpy as np
import pytest

from hmexp.batches.order import Order, epoch_order, num_batches, side_by_side


def test_order_is_a_permutation_that_seed_and_epoch_decide():
    orders = {(seed, epoch): epoch_order(100, seed, epoch) for seed in (0, 1) for epoch in (1, 2)}
    for key, order in orders.items():
        assert np.array_equal(np.sort(order), np.arange(100))
        assert np.array_equal(order, epoch_order(100, *key))
    assert len({order.tobytes() for order in orders.values()}) == 4


def test_articles_of_a_group_stand_in_runs_and_every_row_stands_once():
    groups = np.random.default_rng(0).integers(0, 30, 200)
    order = side_by_side(epoch_order(200, 0, 1), groups, together=3)
    assert np.array_equal(np.sort(order), np.arange(200))
    cuts = np.flatnonzero(np.diff(groups[order]) != 0) + 1
    runs = [len(run) for run in np.split(order, cuts)]
    fewest = sum(-(-count // 3) for count in np.bincount(groups))
    assert fewest - 10 <= len(runs) <= fewest, "two runs of a group may meet by chance"
    assert set(groups[order][:20].tolist()) != set(
        groups[side_by_side(epoch_order(200, 0, 2), groups, 3)][:20].tolist()
    )


def test_an_epoch_of_runs_can_be_gone_on_with_from_any_step():
    groups = np.arange(100) // 3
    whole, _ = Order(8, 5, 1, 3, together=3).epoch(100, 2, groups)
    late, _ = Order(8, 5, 2, 3, together=3, first_step=4).epoch(100, 2, groups)
    assert np.array_equal(late, whole[32:])


@pytest.mark.parametrize(("num", "limit", "expected"), [(64, None, 2), (65, None, 3), (65, 1, 1), (1, 9, 1)])
def test_steps(num, limit, expected):
    assert num_batches(num, 32, limit) == expected
