"""Recall of the nearest article: counted by hand, in blocks, with articles that have no sibling."""

import numpy as np
import pytest

from hmexp.metrics import retrieval
from hmexp.metrics.retrieval import recall_at_1


def test_it_is_counted_over_the_articles_that_have_a_sibling():
    angles = np.deg2rad([0, 5, 90, 94, 92, 180])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1) * [[3], [1], [2], [9], [1], [1]]
    groups = np.array(["a", "a", "b", "b", "c", "d"])
    # a finds a, twice; both b are nearest to the lone c; c and d are not asked.
    assert recall_at_1(features, groups) == pytest.approx(2 / 4)


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    features, groups = rng.normal(size=(100, 8)).astype(np.float16), rng.integers(0, 40, 100)
    whole = recall_at_1(features, groups)
    monkeypatch.setattr(retrieval, "BLOCK", 7)
    assert recall_at_1(features, groups) == whole
    assert 0 < whole < 0.3


def test_it_is_the_mean_of_what_retrieval_scores_say():
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 40, 100)
    features = rng.normal(size=(100, 8)) + 2 * rng.normal(size=(40, 8))[groups]
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    scores = retrieval.retrieval_scores(np.argsort(-units @ units.T, axis=1), groups, {}, 12)
    assert recall_at_1(features, groups) == pytest.approx(scores["variant/recall@1"].mean())


def test_without_siblings_it_is_no_number():
    assert np.isnan(recall_at_1(np.eye(3), np.arange(3)))
