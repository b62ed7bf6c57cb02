"""How well similar pictures are found."""

import numpy as np

BLOCK = 1024
"""Queries whose scores are in memory at a time."""


def normalised(features: np.ndarray) -> np.ndarray:
    """Rows at length 1, float32 `[n, features]`; a row of zeros stays one."""
    features = np.asarray(features, np.float32)
    # float32 squares overflow above 1e19: the largest number comes out first.
    features = features / np.maximum(np.abs(features).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1.0), np.float32)


def recall_at_1(features: np.ndarray, groups: np.ndarray) -> float:
    """Share of the articles with siblings whose nearest other article, by cosine, is a sibling; NaN without any.

    Args:
        features: Floating, `[articles, features]`.
        groups: Their groups, `[articles]`; siblings are those of the same.
    """
    _, of_group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    asked = np.flatnonzero(sizes[of_group] > 1)
    units = normalised(features)
    found = 0
    for start in range(0, len(asked), BLOCK):
        rows = asked[start : start + BLOCK]
        scores = units[rows] @ units.T
        scores[np.arange(len(rows)), rows] = -np.inf
        found += int((of_group[scores.argmax(axis=1)] == of_group[rows]).sum())
    return found / len(asked) if len(asked) else float("nan")
