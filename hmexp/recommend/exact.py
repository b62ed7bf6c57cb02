"""Exact search over float16 vectors: a bound from a few leading directions spares most of the product."""

import numpy as np

BLOCK = 8192
"""Vectors that are made float32 at a time: numpy's float16 product is 50 times slower than its float32 one."""
SCORES = 2**24
"""Scores in memory at a time: 64 MiB."""
SAMPLED = 16_384
"""Vectors that the leading directions are taken from."""
REST = 0.1
"""Share of the vectors' squared length, on average, that the leading directions may leave out."""
LEAST = 32
"""Leading directions at least: fewer are no faster, and spare less."""
MOST_BYTES = 2**30
"""Of memory for the leading directions; past it all vectors are scored for each query."""
MANY = 8
"""Queries from which one product with all vectors is cheaper than a bound for each."""
FIRST = 256
"""Vectors at least that are scored before the bound is drawn."""
SLACK = 1e-4
"""What rounding may add to a bound: float32 sums of some hundred products of numbers below 1."""


class ExactIndex:
    """Exact cosine search, float32 arithmetic over vectors that stay float16.

    Split into its part along a few leading directions (of the vectors' second moments) and the rest, a vector v scores
    q.v = q1.v1 + q2.v2 with a query q, which is at most q1.v1 + |q2||v2| (Cauchy-Schwarz). All bounds are one product
    with a narrow matrix; the vectors whose bound is below the k-th best score so far cannot be among the k nearest.
    Vectors without leading directions are kept whole as float32, and the bound is the score.

    Args:
        vectors: float16 `[articles, features]`, L2-normalised; may be mapped.
    """

    def __init__(self, vectors: np.ndarray) -> None:
        self.vectors = vectors
        self.directions = leading_directions(vectors)
        fits = len(vectors) * (self.directions.shape[1] + 1) * 4 <= MOST_BYTES
        self.heads = self._heads() if fits else None

    def search(self, queries: np.ndarray, k: int, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """See `hmexp.recommend.index.Index`."""
        queries = np.asarray(queries, np.float32)
        if self.heads is None or len(queries) >= MANY:
            return scan(self.vectors, queries, k, allowed)
        found = [self._search_one(query, k, allowed) for query in queries]
        scores, rows = (np.stack(part) for part in zip(*found, strict=True)) if found else empty(0, k)
        return scores, rows

    def _heads(self) -> np.ndarray:
        """The vectors along the leading directions, and in the last column the length of their rest, float32."""
        heads = np.empty((len(self.vectors), self.directions.shape[1] + 1), np.float32)
        for start in range(0, len(self.vectors), BLOCK):
            block = np.asarray(self.vectors[start : start + BLOCK], np.float32)
            heads[start : start + BLOCK] = self._head(block)
        return heads

    def _head(self, vectors: np.ndarray) -> np.ndarray:
        led = vectors @ self.directions
        rest = np.maximum(np.square(vectors).sum(axis=1) - np.square(led).sum(axis=1), 0.0)
        return np.column_stack([led, np.sqrt(rest)])

    def _search_one(self, query: np.ndarray, k: int, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        assert self.heads is not None
        bounds = self.heads @ self._head(query[None])[0]
        if allowed is not None:
            bounds[~allowed] = -np.inf
        first = min(len(bounds), max(FIRST, 4 * k))
        rows = np.argpartition(bounds, len(bounds) - first)[len(bounds) - first :]
        rows = rows[bounds[rows] > -np.inf]
        scores = self._score(rows, query)
        if k >= len(rows) or len(rows) < first:  # those are all that may be found
            return best(scores, rows, k)
        reached = np.partition(scores, first - k)[first - k]
        rows = np.flatnonzero(bounds >= reached - SLACK)
        if len(rows) > len(bounds) // 4:
            all_scores, all_rows = scan(self.vectors, query[None], k, allowed)
            return all_scores[0], all_rows[0]
        return best(self._score(rows, query), rows, k)

    def _score(self, rows: np.ndarray, query: np.ndarray) -> np.ndarray:
        return np.asarray(np.asarray(self.vectors[rows], np.float32) @ query)


def leading_directions(vectors: np.ndarray) -> np.ndarray:
    """Orthonormal directions that hold nearly all of the vectors' squared length, float32 `[features, directions]`.

    As many as there are features, where more than half as many would be needed.
    """
    step = max(1, len(vectors) // SAMPLED)
    sample = np.asarray(vectors[::step], np.float32)
    values, directions = np.linalg.eigh(sample.T @ sample)
    left = values.sum() - np.cumsum(values[::-1])
    needed = max(LEAST, 1 + int(np.argmax(left <= REST * values.sum())))
    count = needed if needed <= vectors.shape[1] // 2 else vectors.shape[1]
    return np.ascontiguousarray(directions[:, ::-1][:, :count])


def scan(
    vectors: np.ndarray, queries: np.ndarray, k: int, allowed: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest vectors by all scores; see `hmexp.recommend.index.Index.search`."""
    rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    together = max(1, SCORES // max(1, len(rows)))
    found = []
    for start in range(0, len(queries), together):
        some = queries[start : start + together]
        scores = np.empty((len(some), len(rows)), np.float32)
        for begin in range(0, len(rows), BLOCK):
            part = rows[begin : begin + BLOCK]
            block = vectors[begin : begin + BLOCK] if allowed is None else vectors[part]
            scores[:, begin : begin + BLOCK] = some @ np.asarray(block, np.float32).T
        found += [best(of_query, rows, k) for of_query in scores]
    if not found:
        return empty(0, k)
    return np.stack([scores for scores, _ in found]), np.stack([places for _, places in found])


def best(scores: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The `k` rows of the highest scores, the highest first and equal ones by row; -inf and -1 behind their end."""
    if len(scores) > k:
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        kept = np.flatnonzero(scores >= least)
        scores, rows = scores[kept], rows[kept]
    order = np.lexsort((rows, -scores))[:k]
    of_scores, of_rows = empty(1, k)
    of_scores[0, : len(order)], of_rows[0, : len(order)] = scores[order], rows[order]
    return of_scores[0], of_rows[0]


def empty(num: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The result for `num` queries that find nothing."""
    return np.full((num, k), -np.inf, np.float32), np.full((num, k), -1, np.int64)
