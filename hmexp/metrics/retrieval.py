"""How well similar pictures are found: variants of the same product, and articles of the same kind."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from hmexp.metrics.bootstrap import BOUNDS, RESAMPLES, resampled


def normalised(features: np.ndarray) -> np.ndarray:
    """Rows at length 1, float32 `[n, features]`; a row of zeros stays one."""
    features = np.asarray(features, np.float32)
    # float32 squares overflow above 1e19: the largest number comes out first.
    features = features / np.maximum(np.abs(features).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1.0), np.float32)


def depth_needed(groups: np.ndarray, k: int) -> int:
    """Neighbours of each article, itself among them, that `retrieval_scores` needs."""
    largest = int(np.unique(groups, return_counts=True)[1].max(initial=1))
    return int(min(len(groups), k + largest))


def retrieval_scores(
    neighbours: np.ndarray, groups: np.ndarray, kinds: Mapping[str, np.ndarray], k: int
) -> pd.DataFrame:
    """What each article, as a query, finds among the others.

    Variants are what a query with any is to find; for the kinds they are left out, as they nearly always are of the
    same kind. mAP@R is that of Musgrave, Belongie and Lim (A Metric Learning Reality Check, 2020).

    Args:
        neighbours: int64 `[n, depth_needed(groups, k)]`, rows from the nearest on; the article itself may be anywhere.
        groups: Product codes `[n]`.
        kinds: Name -> what each article is, such as its product type, `[n]`; empty text for what is not known.
        k: Neighbours that are looked at.

    Returns:
        `variant/recall@1`, `variant/hit@k` (one or more of them found), `variant/recall@k` (share of them),
        `variant/map@r` and `KIND/precision@k`, a row an article; NaN where an article has no variants or is of no known
        kind.
    """
    _, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    others = _without(neighbours, np.arange(len(neighbours))[:, None] != neighbours, neighbours.shape[1] - 1)
    same = (codes[others] == codes[:, None]) & (others >= 0)
    num_variants = (sizes[codes] - 1).astype(float)
    num_variants[num_variants == 0] = np.nan
    scores = {
        "variant/recall@1": np.where(np.isnan(num_variants), np.nan, same[:, :1].any(axis=1)),
        f"variant/hit@{k}": np.where(np.isnan(num_variants), np.nan, same[:, :k].any(axis=1)),
        f"variant/recall@{k}": same[:, :k].sum(axis=1) / num_variants,
        "variant/map@r": _map_at_r(same, num_variants),
    }
    different = _without(others, (others >= 0) & ~same, k)
    for name, values in kinds.items():
        known, there = values != "", different >= 0
        hits = (values[different] == values[:, None]) & there & known[:, None]
        with np.errstate(invalid="ignore"):
            scores[f"{name}/precision@{k}"] = np.where(known, hits.sum(axis=1) / there.sum(axis=1), np.nan)
    return pd.DataFrame(scores)


def with_intervals(scores: pd.DataFrame, groups: np.ndarray, seed: int = 0) -> pd.DataFrame:
    """Means over the queries, each with the interval that holds 95 % of resamples of whole products.

    Args:
        scores: A column a metric, NaN for what is no query of it.
        groups: Product codes, `[n]`: variants find each other or do not, so that they are drawn together.
        seed: Of the draws.

    Returns:
        `metric, queries, value, low, high`; metrics without a query are left out.
    """
    from scipy.sparse import csr_array

    codes = np.unique(groups, return_inverse=True)[1]
    scores = scores.dropna(axis=1, how="all")
    values = scores.to_numpy(np.float64)
    counted = ~np.isnan(values)
    columns = np.column_stack([np.where(counted, values, 0.0), counted]).astype(np.float64)
    products = csr_array((np.ones(len(codes)), (codes, np.arange(len(codes)))))
    sums = resampled(csr_array(products @ columns), RESAMPLES, seed)
    totals, queries = np.split(sums, 2, axis=1)
    with np.errstate(invalid="ignore"):
        means = totals / queries
    low, high = np.nanquantile(means[1:], BOUNDS, axis=0)
    return pd.DataFrame(
        {"metric": list(scores), "queries": queries[0].astype(int), "value": means[0], "low": low, "high": high}
    )


def _without(rows: np.ndarray, kept: np.ndarray, width: int) -> np.ndarray:
    """The rows that are kept, in their order, moved to the left; `width` of them, -1 behind their end."""
    order = np.argsort(~kept, axis=1, kind="stable")[:, :width]
    moved = np.take_along_axis(np.where(kept, rows, -1), order, axis=1)
    return np.asarray(moved)


def _map_at_r(same: np.ndarray, num_variants: np.ndarray) -> np.ndarray:
    """Mean over the first R neighbours of the precision up to each that is a variant, where R is their number."""
    ranks = np.arange(1, same.shape[1] + 1)
    precision = np.cumsum(same, axis=1) / ranks
    within = ranks[None] <= num_variants[:, None]
    return np.asarray((precision * same * within).sum(axis=1) / num_variants)
