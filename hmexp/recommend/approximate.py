"""Search by faiss (Johnson, Douze and Jégou, 2019) over cells of vectors: nearly exact, for more than memory passes."""

import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np

from hmexp.console import log, progress
from hmexp.files import replacing
from hmexp.metrics.retrieval import normalised
from hmexp.recommend.exact import best, empty, scan

FILE = "faiss.index"
"""Beside the vectors that it was built of."""
AGREEMENT = 0.99
"""Share of the true neighbours that is found at least, on the queries below."""
QUERIES, NEIGHBOURS = 256, 12
"""Queries that the agreement is measured with, and how many neighbours of each."""
CELLS = 4
"""Cells: so many times the square root of the number of vectors."""
TRAINED = 64
"""Vectors a cell that the cells are learned from (faiss warns below 39)."""
BLOCK = 65_536
"""Vectors that are made float32 at a time."""
FEW = 0.1
"""Share of vectors that may be found below which all of these are scored: most cells would hold none."""


def has_faiss() -> bool:
    """Whether faiss is installed."""
    return importlib.util.find_spec("faiss") is not None


class FaissIndex:
    """Nearly exact cosine search: the cells nearest to a query are looked through.

    As many cells as it takes to find 99 % of the true neighbours of vectors near to these; the scores are exact.

    Args:
        vectors: float16 `[articles, features]`, L2-normalised; may be mapped.
        folder: Where the index is kept, once built; None keeps it in memory alone.
    """

    def __init__(self, vectors: np.ndarray, folder: Path | None = None) -> None:
        self.vectors = vectors
        path = None if folder is None else folder / FILE
        self.index: Any = _read(path, vectors) if path is not None and path.is_file() else None
        if self.index is not None:
            return
        self.index = _build(vectors)
        share, searched = self._widen(), f"{self.index.nprobe:,} of {self.index.nlist:,} cells"
        log.info(f"faiss looks through {searched}, which finds {share:.1%} of the nearest")
        if path is not None:
            _write(self.index, path)

    def search(self, queries: np.ndarray, k: int, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """See `hmexp.recommend.index.Index`."""
        queries = np.ascontiguousarray(queries, np.float32)
        num = len(self.vectors) if allowed is None else int(allowed.sum())
        if not len(queries) or num < FEW * len(self.vectors):
            return scan(self.vectors, queries, k, allowed)
        scores, rows = empty(len(queries), k)
        for place, (query, near) in enumerate(zip(queries, self._near(queries, k, allowed), strict=True)):
            near = near[near >= 0]
            if len(near) == min(k, num):
                scores[place], rows[place] = best(np.asarray(self.vectors[near], np.float32) @ query, near, k)
            else:  # the cells that are looked through hold too few
                of_scores, of_rows = scan(self.vectors, query[None], k, allowed)
                scores[place], rows[place] = of_scores[0], of_rows[0]
        return scores, rows

    def _near(self, queries: np.ndarray, k: int, allowed: np.ndarray | None) -> np.ndarray:
        """Rows as faiss finds them, int64 `[queries, k]`, -1 where there are no more."""
        import faiss

        if allowed is None:
            return np.asarray(self.index.search(queries, k)[1])
        selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        params = faiss.SearchParametersIVF(sel=selector, nprobe=self.index.nprobe)
        return np.asarray(self.index.search(queries, k, params=params)[1])

    def _widen(self) -> float:
        """Look through twice as many cells until enough of the true neighbours is found; gives the share of these."""
        queries = between(self.vectors, QUERIES)
        true = scan(self.vectors, queries, NEIGHBOURS)[1]
        while True:
            share = agreement(true, self._near(queries, NEIGHBOURS, None))
            if share >= AGREEMENT or self.index.nprobe >= self.index.nlist:
                return share
            self.index.nprobe = min(self.index.nlist, 2 * self.index.nprobe)


def between(vectors: np.ndarray, num: int) -> np.ndarray:
    """Queries like new pictures: vectors of a catalogue, each moved by the difference of two others.

    A vector of the catalogue itself says little, as it is found in its own cell: the cells that found 99 % of the
    nearest of these found 85 % of those of held-out photographs.

    Args:
        vectors: float16 `[articles, features]`.
        num: Of the queries.

    Returns:
        float32 `[num, features]`, L2-normalised.
    """
    rows = np.random.default_rng(0).integers(len(vectors), size=(3, num))
    a, b, c = (np.asarray(vectors[each], np.float32) for each in rows)
    return normalised(a + b - c)


def agreement(true: np.ndarray, found: np.ndarray) -> float:
    """Share of the true neighbours that are found; both int64 `[queries, k]`."""
    pairs = zip(true, found, strict=True)
    return sum(len(np.intersect1d(one, other)) for one, other in pairs) / max(1, true.size)


def _build(vectors: np.ndarray) -> Any:  # noqa: ANN401
    import faiss

    num, features = vectors.shape
    cells = min(CELLS * math.isqrt(num), max(1, num // TRAINED))
    index: Any = faiss.index_factory(features, f"IVF{cells},SQfp16", faiss.METRIC_INNER_PRODUCT)
    step = max(1, num // (TRAINED * cells))
    index.train(np.asarray(vectors[::step], np.float32))
    with progress("indexing", num, unit="articles") as bar:
        for start in range(0, num, BLOCK):
            index.add(np.asarray(vectors[start : start + BLOCK], np.float32))
            bar.advance(BLOCK)
    index.nprobe = 1
    return index


def _read(path: Path, vectors: np.ndarray) -> Any:  # noqa: ANN401
    """The index that was built before; None where it is of other vectors, or damaged."""
    import faiss

    try:
        index = faiss.read_index(str(path))
    except RuntimeError:
        return None
    return index if (index.ntotal, index.d) == vectors.shape else None


def _write(index: Any, path: Path) -> None:  # noqa: ANN401
    import faiss

    try:
        with replacing(path) as partial:
            faiss.write_index(index, str(partial))
    except (RuntimeError, OSError) as error:  # a full disk, a folder that may only be read: it is built again next time
        log.warning(f"the index is not kept: {' '.join(str(error).split())[:200]}")
