"""Search: every index gives what all scores give, filters included."""

import numpy as np
import pytest

from hmexp.metrics.retrieval import normalised
from hmexp.recommend.approximate import FILE, FaissIndex, agreement
from hmexp.recommend.embeddings import Embeddings, write_embeddings
from hmexp.recommend.exact import MANY, ExactIndex, leading_directions, scan
from hmexp.recommend.index import build_index


def vectors(num: int, features: int, directions: int, seed: int = 0) -> np.ndarray:
    """Vectors that lie nearly in a few directions; all of them are round where `directions` is `features`."""
    rng = np.random.default_rng(seed)
    led = rng.normal(size=(num, directions)) @ rng.normal(size=(directions, features))
    return normalised(led + 0.05 * rng.normal(size=(num, features)) * (directions < features)).astype(np.float16)


def expected(stored, queries, k, allowed=None):
    """By the definition, in float64."""
    scores = queries.astype(np.float64) @ stored.astype(np.float64).T
    if allowed is not None:
        scores[:, ~allowed] = -np.inf
    return -np.sort(-scores, axis=1)[:, :k]


@pytest.mark.parametrize("directions", [6, 64])
@pytest.mark.parametrize("num_queries", [1, 3, MANY])
@pytest.mark.parametrize("filtered", [False, True])
def test_exact_search_finds_what_all_scores_say(directions, num_queries, filtered):
    stored = vectors(5000, 64, directions)
    assert leading_directions(stored).shape == (64, 32 if directions == 6 else 64)
    queries = normalised(stored[:num_queries] + 0.1 * vectors(num_queries, 64, 64, seed=1))
    allowed = np.random.default_rng(2).random(5000) < 0.3 if filtered else None
    scores, rows = ExactIndex(stored).search(queries, 10, allowed)
    assert scores.dtype == np.float32
    assert rows.dtype == np.int64
    np.testing.assert_allclose(scores, expected(stored, queries, 10, allowed), atol=1e-5)
    np.testing.assert_allclose(scores, np.sum(stored[rows].astype(np.float32) * queries[:, None], axis=2), atol=1e-5)
    assert not filtered or allowed[rows].all()


@pytest.mark.parametrize("directions", [6, 64])
def test_fewer_than_asked_for_end_in_nothing(directions):
    stored = vectors(1000, 64, directions)
    allowed = np.zeros(1000, bool)
    allowed[[7, 500, 999]] = True
    scores, rows = ExactIndex(stored).search(stored[:1].astype(np.float32), 5, allowed)
    assert sorted(rows[0, :3]) == [7, 500, 999]
    assert rows[0, 3:].tolist() == [-1, -1]
    assert np.isneginf(scores[0, 3:]).all()
    scores, rows = ExactIndex(stored[:4]).search(stored[:1].astype(np.float32), 9)
    assert sorted(rows[0, :4]) == [0, 1, 2, 3]
    assert rows[0, 4:].tolist() == [-1] * 5


def test_equal_scores_come_by_row():
    stored = np.repeat(vectors(1, 16, 2), 600, axis=0)
    for queries in (stored[:1], stored[:MANY]):
        _, rows = build_index(Embeddings([str(n) for n in range(600)], stored, "m", "d")).search(
            queries.astype(np.float32), 3
        )
        assert rows[0].tolist() == [0, 1, 2]


def test_nothing_is_searched_with_nothing():
    stored = vectors(300, 16, 2)
    scores, rows = ExactIndex(stored).search(np.zeros((0, 16), np.float32), 3)
    assert scores.shape == rows.shape == (0, 3)
    assert scan(stored, np.zeros((0, 16), np.float32), 3)[1].shape == (0, 3)


@pytest.fixture(scope="module")
def many():
    return vectors(20_000, 32, 32)


def test_faiss_finds_nearly_the_same(many, tmp_path):
    pytest.importorskip("faiss")
    embeddings = write_embeddings(Embeddings([f"{n:05}" for n in range(len(many))], many, "m", "d"), tmp_path / "key")
    index = build_index(embeddings, faiss_from=20_000)
    assert isinstance(index, FaissIndex)
    assert index.index.nprobe < index.index.nlist, "all cells are no test"
    queries = normalised(vectors(50, 32, 32, seed=1))
    true_scores, true_rows = scan(many, queries, 12)
    scores, rows = index.search(queries, 12)
    assert agreement(true_rows, rows) > 0.9
    np.testing.assert_allclose(scores[:, 0], true_scores[:, 0], atol=0.05)
    again = build_index(embeddings, faiss_from=1)
    assert again.index.nprobe == index.index.nprobe, "it is read, not built"
    np.testing.assert_array_equal(again.search(queries, 12)[1], rows)
    assert sorted(path.name for path in embeddings.folder.iterdir())[2] == "faiss.index"


def test_faiss_finds_as_many_as_there_are(many):
    pytest.importorskip("faiss")
    index = FaissIndex(many)
    queries = many[:2].astype(np.float32)
    few, half = np.zeros(len(many), bool), np.arange(len(many)) % 2 == 0
    few[[3, 9000]] = True
    for allowed, num in ((few, 2), (half, len(many) // 2)):
        scores, rows = index.search(queries, 500, allowed)
        assert (rows >= 0).sum(axis=1).tolist() == [min(500, num)] * 2
        assert allowed[rows[rows >= 0]].all()
        assert (np.diff(scores[:, : min(500, num)], axis=1) <= 0).all()
    assert (index.search(queries, 20_500)[1] >= 0).sum() == 2 * 20_000


def test_a_damaged_index_is_built_anew(many, tmp_path):
    pytest.importorskip("faiss")
    (tmp_path / FILE).write_bytes(b"no index")
    assert FaissIndex(many[:2000], tmp_path).index.ntotal == 2000
    assert FaissIndex(many[:1000], tmp_path).index.ntotal == 1000


def test_without_faiss_search_is_exact(many, monkeypatch):
    monkeypatch.setattr("hmexp.recommend.index.has_faiss", lambda: False)
    index = build_index(Embeddings([str(n) for n in range(len(many))], many, "m", "d"), faiss_from=1)
    assert isinstance(index, ExactIndex)
