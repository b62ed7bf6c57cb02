"""Search for similar articles, and `embed` beside `predict`.

    python benchmarks/similar.py search [--num 105000] [--features 256] [--embeddings FOLDER] [--queries 100]
    python benchmarks/similar.py embed [--num 3000] [--rounds 3]

`search` takes turns, one query at a time and 64 at once, on one thread: `similar`'s exact search, numpy's product with
all vectors as float32, the 400 best of 64 leading directions scored again, and faiss (exact, exact float16, and as
`similar` uses it past a million). Agreement is the share of the 12 nearest, by float32 scores, that is found. Vectors
are made: of features with leading directions, as networks have them, and round ones, which have none. `--embeddings`
takes those of a catalogue (the folder that `hmexp embed` names) and draws as many as asked for between its neighbours;
queries are left out of what is searched.

`embed` puts the same pictures of a warm store through the same network both ways.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from hmexp.metrics.retrieval import normalised
from hmexp.recommend.approximate import FaissIndex, agreement
from hmexp.recommend.exact import ExactIndex, best, scan

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
K, BATCH = 12, 64
Search = Callable[[np.ndarray], np.ndarray]
console = Console()


def made(num: int, features: int, round_: bool) -> np.ndarray:
    """Vectors: round, or with variances that fall as those of a network's features do, in clusters."""
    rng = np.random.default_rng(0)
    if round_:
        return normalised(rng.normal(size=(num, features)))
    scale = np.arange(1, features + 1) ** -0.5
    centres = rng.normal(size=(2000, features)) * scale
    return normalised(centres[rng.integers(2000, size=num)] + 0.7 * rng.normal(size=(num, features)) * scale)


def grown(folder: Path, num: int, features: int, queries: int) -> tuple[np.ndarray, np.ndarray]:
    """As many vectors as asked for, from a catalogue's: each moved by a part of the difference of two others."""
    rng = np.random.default_rng(0)
    real = np.load(folder / "vectors.npy").astype(np.float32)
    if real.shape[1] > features:
        real = normalised(real @ np.linalg.svd(real, full_matrices=False)[2][:features].T)
    real = real[rng.permutation(len(real))]
    asked, rest = real[:queries], real[queries:]
    a, b, c = (rest[rng.integers(len(rest), size=num)] for _ in range(3))
    return normalised(a + 0.3 * (b - c)), asked


def rescored(vectors: np.ndarray) -> Search:
    """The 400 best along 64 leading directions, scored again."""
    wide = vectors.astype(np.float32)
    directions = np.linalg.eigh(wide[::8].T @ wide[::8])[1][:, ::-1][:, :64]
    heads = np.ascontiguousarray(wide @ directions)

    def search(queries: np.ndarray) -> np.ndarray:
        found = []
        for query in queries:
            scores = heads @ (query @ directions)
            rows = np.argpartition(scores, len(scores) - 400)[-400:]
            found.append(best(vectors[rows].astype(np.float32) @ query, rows, K)[1])
        return np.stack(found)

    return search


def brute(vectors: np.ndarray) -> Search:
    """All products in float32, and a partition."""
    wide = vectors.astype(np.float32)

    def search(queries: np.ndarray) -> np.ndarray:
        scores = queries @ wide.T
        rows = np.arange(len(wide))
        return np.stack([best(of_query, rows, K)[1] for of_query in scores])

    return search


def by_faiss(vectors: np.ndarray, kind: str) -> Search:
    """An exact index of faiss."""
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.index_factory(vectors.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors[:1000].astype(np.float32))
    index.add(vectors.astype(np.float32))
    return lambda queries: index.search(queries, K)[1]


def by_index(index: Any) -> Search:  # noqa: ANN401
    """An index of hmexp."""
    return lambda queries: index.search(queries, K)[1]


def ways(vectors: np.ndarray) -> dict[str, Callable[[], Search]]:
    """Every way to search, still to be built."""
    return {
        "similar (exact)": lambda: by_index(ExactIndex(vectors)),
        "numpy float32, all": lambda: brute(vectors),
        "64 directions, 400 rescored": lambda: rescored(vectors),
        "faiss Flat": lambda: by_faiss(vectors, "Flat"),
        "faiss SQfp16": lambda: by_faiss(vectors, "SQfp16"),
        "similar (faiss)": lambda: by_index(FaissIndex(vectors)),
    }


def search(vectors: np.ndarray, queries: np.ndarray, title: str) -> None:
    """Print the table of one kind of vectors."""
    stored = vectors.astype(np.float16)
    true = scan(stored, queries, K)[1]
    headers = ["build, s", "ms a query, median", "95 %", f"ms a query of {BATCH}", "agreement"]
    table = Table("search", *headers, title=f"{platform.node()}, one thread: {title}")
    for name, build in ways(stored).items():
        begun = time.process_time()
        find = build()
        built, took, found = time.process_time() - begun, [], []
        find(queries[:1])
        for query in queries:
            begun = time.process_time()
            found.append(find(query[None])[0])
            took.append(1000 * (time.process_time() - begun))
        begun = time.process_time()
        find(queries[:BATCH])
        together = 1000 * (time.process_time() - begun) / len(queries[:BATCH])
        figures = f"{built:.1f}", f"{np.median(took):.2f}", f"{np.quantile(took, 0.95):.2f}", f"{together:.2f}"
        table.add_row(name, *figures, f"{agreement(true, np.stack(found)):.4f}")
    console.print(table)


def embed(num: int, rounds: int) -> None:
    """Print images/s of `embed` and of `predict`."""
    from prediction import hmexp_rows, in_turns, network, stored_pictures

    from hmexp.inference.embedding_job import Embedder
    from hmexp.models.features import feature_model

    table = Table(
        "network", "embed, images/s", "predict, images/s", "ratio", title=f"{platform.node()}, {rounds} rounds"
    )
    with tempfile.TemporaryDirectory() as folder:
        pixels, images = stored_pictures(Path(folder), num)
        rows = pd.DataFrame({"article_id": images, "image": images, "label": ""})
        for name, widths in {"cnn3's convolutions": [16, 32, 64], "one convolution": [8]}.items():
            model = network(widths)
            embedder = Embedder(feature_model(model))

            def run(embedder: Embedder = embedder) -> int:
                batches = pixels.batches(images, 128)
                for start in range(0, num, 128):
                    embedder.rows(rows.iloc[start : start + 128], next(batches))
                return num

            rates = in_turns({"embed": run, "predict": hmexp_rows(model, pixels, images)}, rounds)
            ratio = rates["embed"] / rates["predict"]
            table.add_row(name, f"{rates['embed']:,.0f}", f"{rates['predict']:,.0f}", f"{ratio:.2f}")
    console.print(table)


def main(args: argparse.Namespace) -> None:
    """Print the tables."""
    if args.what == "embed":
        embed(args.num, args.rounds)
        return
    with threadpool_limits(1):
        if args.embeddings:
            vectors, queries = grown(Path(args.embeddings), args.num, args.features, args.queries)
            search(vectors, queries, f"{args.num:,} x {vectors.shape[1]}, from {len(queries):,} held-out pictures")
            return
        for title, round_ in (("features", False), ("round vectors", True)):
            vectors = made(args.num + args.queries, args.features, round_)
            search(vectors[args.queries :], vectors[: args.queries], f"{args.num:,} x {args.features}, made, {title}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["search", "embed"])
    parser.add_argument("--num", type=int)
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--embeddings")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    given.num = given.num or (3000 if given.what == "embed" else 105_000)
    main(given)
