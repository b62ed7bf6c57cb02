"""Pairs in their order, and curves against thresholds counted by hand."""

import numpy as np
import pytest

from hmexp.metrics.confused import most_confused, pr_curves

CLASSES = ("a", "b", "c")
CONFUSION = np.array([[5, 3, 2], [0, 7, 3], [4, 0, 0]])


def test_the_most_frequent_pair_comes_first_and_then_the_larger_share():
    table = most_confused(CONFUSION, CLASSES)
    assert table.to_numpy().tolist() == [
        ["c", "a", 4, 1.0],
        ["a", "b", 3, 0.3],
        ["b", "c", 3, 0.3],
        ["a", "c", 2, 0.2],
    ]
    assert list(table.columns) == ["target", "predicted", "count", "share"]
    rare = np.array([[90, 2, 0], [2, 2, 0], [0, 0, 1]])
    assert most_confused(rare, CLASSES)["target"].tolist() == ["b", "a"]


def test_a_limit_and_a_model_without_mistakes():
    assert len(most_confused(CONFUSION, CLASSES, limit=2)) == 2
    assert most_confused(np.diag([3, 0, 2]), CLASSES).empty
    assert CONFUSION[0, 0] == 5, "the counts were changed"


def test_curves_by_hand():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 200)
    probabilities = rng.dirichlet(np.ones(3), 200).astype(np.float32)
    probabilities[np.arange(200), targets] += 0.2
    curves = pr_curves(probabilities, targets, CLASSES)
    assert [curve.label for curve in curves] == ["a", "b"]
    for number, curve in enumerate(curves):
        scores, positive = probabilities[:, number], targets == number
        assert curve.support == positive.sum()
        steps, last = 0.0, 0.0
        for threshold in np.unique(scores)[::-1]:
            chosen = scores >= threshold
            precision, recall = positive[chosen].mean(), positive[chosen].sum() / positive.sum()
            assert np.isclose(curve.precision, precision)[np.isclose(curve.recall, recall)].any()
            steps, last = steps + precision * (recall - last), recall
        assert curve.average_precision == pytest.approx(steps)


def test_a_perfect_ranking_has_an_area_of_one():
    targets = np.array([0, 0, 1])
    curves = pr_curves(np.eye(3, dtype=np.float32)[targets], targets, CLASSES)
    assert [curve.average_precision for curve in curves] == [1.0, 1.0]
