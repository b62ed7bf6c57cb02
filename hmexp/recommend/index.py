"""The nearest vectors by cosine similarity: exact, or by faiss past a size."""

from typing import Protocol

import numpy as np

from hmexp.console import log
from hmexp.recommend.approximate import FaissIndex, has_faiss
from hmexp.recommend.embeddings import Embeddings
from hmexp.recommend.exact import ExactIndex

FAISS_FROM = 1_000_000
"""Vectors from which faiss searches, where it is installed; below it exact search is fast enough."""


class Index(Protocol):
    """Searches the vectors of a catalogue."""

    def search(self, queries: np.ndarray, k: int, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The `k` nearest vectors of each query, the nearest first; equal scores by row.

        Args:
            queries: float32 `[queries, features]`, L2-normalised.
            k: How many.
            allowed: bool `[articles]`, which vectors may be found; None is all of them.

        Returns:
            Scores float32 `[queries, k]` and rows int64 `[queries, k]`; where fewer than `k` may be found, the rest is
            -inf and -1.
        """
        ...


def build_index(embeddings: Embeddings, faiss_from: int = FAISS_FROM) -> Index:
    """An index of embeddings: exact, or by faiss from so many vectors, where it is installed.

    Args:
        embeddings: Of the catalogue.
        faiss_from: Vectors from which faiss searches.
    """
    if len(embeddings.vectors) < faiss_from:
        return ExactIndex(embeddings.vectors)
    if not has_faiss():
        log.info(f"{len(embeddings.vectors):,} articles are searched exactly (pip install 'hmexp[faiss]' is faster)")
        return ExactIndex(embeddings.vectors)
    return FaissIndex(embeddings.vectors, embeddings.folder)
