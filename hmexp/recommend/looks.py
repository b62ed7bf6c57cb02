"""What says which articles look alike: a table, a model's features, or the pixels themselves."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from hmexp.config.errors import UserError
from hmexp.config.recommend import RecommendConfig
from hmexp.config.similar import EmbedConfig
from hmexp.console import log, progress
from hmexp.inference.articles import catalogue_articles
from hmexp.inference.pixels import PixelSource, pixel_source
from hmexp.recommend.articles import Articles
from hmexp.recommend.baselines import BATCH, GREY, small, standardised_grey
from hmexp.recommend.embed import embeddings_of, find_source
from hmexp.recommend.exact import ExactIndex
from hmexp.recommend.index import Index, build_index
from hmexp.recommend.pictures import no_neighbours, read_neighbours
from hmexp.tracking.bundles import find_bundle
from hmexp.tracking.registry import CHAMPION

NUM_NEIGHBOURS = 30
"""Of each article."""
BLOCK = 1024
"""Articles whose neighbours are looked for at a time."""


@dataclass(frozen=True)
class Looks:
    """What says which articles look alike.

    Attributes:
        name: In words; "" where nothing does.
        identity: Changes with what it says.
        neighbours: Makes `article, other, likeness`.
    """

    name: str
    identity: str
    neighbours: Callable[[], pl.DataFrame]


def find_looks(config: RecommendConfig, articles: Articles) -> Looks:
    """What the configuration names; opens no picture.

    Raises:
        UserError: A file or a model that is not there.
    """
    if config.candidates.pictures == 0:
        return Looks("", "", no_neighbours)
    if config.neighbours is not None:
        path = Path(config.neighbours).expanduser().absolute()
        table = read_neighbours(path, articles)
        return Looks(path.name, f"{path} {path.stat().st_mtime_ns}", lambda: table)
    features = EmbedConfig(data=config.data, run=config.run or CHAMPION, tracking=config.tracking, paths=config.paths)
    if config.run is None and not _has_champion(config):
        return _of_pixels(config, articles)
    source = find_source(features)
    identity = f"{source.card.sha256} {source.articles.picture_digest}"

    def of_features() -> pl.DataFrame:
        embeddings = embeddings_of(source, features)
        return nearest(embeddings.vectors, embeddings.article_ids, build_index(embeddings), articles)

    return Looks(source.bundle.name, identity, of_features)


def nearest(vectors: np.ndarray, ids: list[str], index: Index, articles: Articles) -> pl.DataFrame:
    """The neighbours of every article: `article, other, likeness`, the cosine of their vectors.

    Args:
        vectors: float16 `[n, features]`, L2-normalised.
        ids: Of the articles, one a vector.
        index: Of the vectors.
        articles: Others are left out.
    """
    blocks = []
    with progress("looking alike", len(ids), unit="articles") as bar:
        for start in range(0, len(ids), BLOCK):
            queries = np.asarray(vectors[start : start + BLOCK], np.float32)
            scores, rows = index.search(queries, NUM_NEIGHBOURS + 1)
            row = np.repeat(np.arange(start, start + len(queries)), rows.shape[1])
            found = pl.DataFrame({"row": row, "other_row": rows.ravel(), "likeness": scores.ravel()})
            blocks.append(found.filter((pl.col("likeness") > 0) & (pl.col("other_row") != pl.col("row"))))
            bar.advance(len(queries))
    numbers = pl.DataFrame({"article_id": ids}).with_row_index("row").join(articles.numbers, on="article_id")
    numbers = numbers.select(pl.col("row").cast(pl.Int64), "article")
    rows_found = pl.concat(blocks) if blocks else pl.DataFrame(schema={"row": pl.Int64, "other_row": pl.Int64})
    named = rows_found.join(numbers, on="row").join(
        numbers.rename({"row": "other_row", "article": "other"}), on="other_row"
    )
    return named.select("article", "other", pl.col("likeness").cast(pl.Float32)).sort("article", "other")


def _has_champion(config: RecommendConfig) -> bool:
    try:
        find_bundle(CHAMPION, config.tracking, config.paths)
    except UserError:
        return False
    return True


def _of_pixels(config: RecommendConfig, articles: Articles) -> Looks:
    """Standardised grey pixels, where the catalogue has pictures."""
    try:
        pictured = catalogue_articles(config.data, config.paths)
    except UserError as error:
        log.info(f"no pictures: {error}")
        return Looks("", "", no_neighbours)

    def of_pixels() -> pl.DataFrame:
        pixels = pixel_source(pictured, config.data.image_size, config.data.resize, config.paths)
        vectors = _grey(pixels, pictured.rows["image"].tolist())
        return nearest(vectors, pictured.rows["article_id"].tolist(), ExactIndex(vectors), articles)

    return Looks(f"{GREY} pixels (no champion)", f"grey {pictured.picture_digest}", of_pixels)


def _grey(pixels: PixelSource, images: list[str]) -> np.ndarray:
    """Standardised grey pixels, float16 `[images, features]`; zeros for what cannot be read."""
    vectors = []
    with progress("reading pictures", len(images)) as bar:
        for batch in pixels.batches(images, BATCH):
            vectors.append(standardised_grey(np.stack([small(picture) for picture in batch.pixels])).astype(np.float16))
            bar.advance(len(batch.pixels))
    return np.concatenate(vectors)
