"""MAP@12 beside cases that were computed by hand."""

import numpy as np
import pytest

from hmexp.metrics.map_at_k import average_precision, hits_of


def score(predicted, bought):
    """Average precision at 12 of one customer, whose articles are small numbers."""
    lists = np.full((1, 12), -1)
    lists[0, : len(predicted)] = predicted
    hits = hits_of(lists, np.zeros(len(bought), np.int64), np.array(bought, np.int64))
    return average_precision(hits, np.array([len(set(bought))]))[0]


@pytest.mark.parametrize(
    ("predicted", "bought", "expected"),
    [
        (range(1, 13), [1], 1.0),
        (range(1, 13), [12], 1 / 12),
        (range(1, 13), [99], 0.0),
        ([5, 6, 7], [6, 7], (1 / 2 + 2 / 3) / 2),
        ([5, 6, 7], [5, 99], 1 / 2),
        ([5, 5, 6], [5, 6], (1 + 2 / 3) / 2),  # the second 5 counts for nothing, and takes its place
        ([5, 6], [5, 5, 6, 6], 1.0),  # bought twice is bought once
        (range(1, 13), list(range(1, 31)), 1.0),  # min(30, 12)
        (range(1, 13), [2, 4, *range(100, 120)], (1 / 2 + 2 / 4) / 12),
        ([], [3], 0.0),
    ],
)
def test_one_customer(predicted, bought, expected):
    assert score(list(predicted), bought) == pytest.approx(expected, abs=1e-12)


def test_the_mean_is_over_customers():
    lists = np.array([[1, 2, 3], [1, 2, 3], [3, 2, 1]])
    hits = hits_of(lists, np.array([0, 1, 2, 2]), np.array([1, 3, 3, 2]))
    assert average_precision(hits, np.array([1, 1, 2])).tolist() == pytest.approx([1, 1 / 3, 1])


def test_places_behind_the_twelfth_do_not_count():
    hits = np.zeros((1, 20), bool)
    hits[0, 12:] = True
    assert average_precision(hits, np.array([3]))[0] == 0


def test_a_list_that_is_short_ends_with_nothing():
    """-1 stands for no article, and is not the last article of the customer before."""
    hits = hits_of(np.array([[0, 4], [0, -1]]), np.array([0]), np.array([4]))
    assert hits.tolist() == [[False, True], [False, False]]


def test_customers_who_bought_nothing_are_refused():
    with pytest.raises(ValueError, match="bought something"):
        average_precision(np.zeros((1, 12), bool), np.array([0]))
