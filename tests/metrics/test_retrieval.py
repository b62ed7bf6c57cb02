"""Retrieval metrics against cases that are computed by hand."""

import numpy as np
import pandas as pd
import pytest

from hmexp.metrics.retrieval import depth_needed, normalised, retrieval_scores, with_intervals

GROUPS = np.array(["a", "a", "a", "b", "b", "c"])
KIND = np.array(["x", "x", "x", "x", "y", ""])
NEIGHBOURS = np.array(
    [
        [0, 1, 3, 2, 4],  # variants 1 and 2 in places 1 and 3
        [3, 1, 4, 0, 5],  # itself second; its first variant third
        [2, 0, 1, 3, 4],  # both first
        [3, 4, 0, 1, 2],
        [4, 0, 1, 2, 3],  # its variant last
        [5, 0, 1, 2, 3],
    ]
)


def test_by_hand():
    assert depth_needed(GROUPS, 2) == 5
    scores = retrieval_scores(NEIGHBOURS, GROUPS, {"kind": KIND}, 2)
    nan = np.nan
    np.testing.assert_array_equal(scores["variant/recall@1"], [1, 0, 1, 1, 0, nan])
    np.testing.assert_array_equal(scores["variant/hit@2"], [1, 0, 1, 1, 0, nan])
    np.testing.assert_allclose(scores["variant/recall@2"], [0.5, 0, 1, 1, 0, nan])
    # R is 2 for a: (1/1) / 2; nothing within 2; (1 + 1) / 2. R is 1 for b.
    np.testing.assert_allclose(scores["variant/map@r"], [0.5, 0, 1, 1, 0, nan])
    # Without variants: 0 sees 3 x and 4 y; 1 sees 3 and 4; 2 sees 3 and 4; 3 sees 0 and 1; 4 sees 0 and 1, both x.
    np.testing.assert_allclose(scores["kind/precision@2"], [0.5, 0.5, 0.5, 1, 0, nan])


def test_map_at_r_counts_places():
    groups = np.array(["a"] * 4 + ["b", "c"])
    neighbours = np.array([[4, 1, 2, 3, 0, 5]] * 6)
    # Places 2 and 3 of the first R = 3: (1/2 + 2/3) / 3.
    assert retrieval_scores(neighbours, groups, {}, 1)["variant/map@r"][0] == pytest.approx((1 / 2 + 2 / 3) / 3)


def test_intervals_draw_whole_products():
    rng = np.random.default_rng(0)
    of_product = (rng.random(60) < 0.5).astype(float)
    # Fifty equal variants say no more of their product than one does.
    once = retrieval_frame(of_product)
    often = retrieval_frame(np.repeat(of_product, 50))
    single = with_intervals(once, np.arange(60))
    repeated = with_intervals(often, np.repeat(np.arange(60), 50))
    assert repeated["value"][0] == single["value"][0] == of_product.mean()
    np.testing.assert_allclose(repeated[["low", "high"]], single[["low", "high"]])
    assert 0.2 < single["high"][0] - single["low"][0] < 0.3
    assert repeated["queries"][0] == 3000


def retrieval_frame(values):
    return pd.DataFrame({"m": values, "nothing": np.nan})


def test_metrics_without_a_query_are_left_out():
    table = with_intervals(retrieval_frame(np.array([1.0, np.nan, 0.0])), np.array(["a", "b", "c"]))
    assert table["metric"].tolist() == ["m"]
    assert table["queries"].tolist() == [2]


def test_lengths_are_one():
    rows = normalised(np.array([[3.0, 4.0], [0.0, 0.0], [3e30, 4e30], [3e-30, 4e-30]]))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0], [0.6, 0.8], [0.6, 0.8]], rtol=1e-6)
