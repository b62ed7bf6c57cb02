"""Articles whose pictures are like an article's, or like any picture."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from hmexp.config.errors import UserError, invalid
from hmexp.metrics.retrieval import normalised
from hmexp.recommend.embeddings import Embeddings
from hmexp.recommend.index import Index

NEIGHBOURS = 500
"""Ids on either side of an unknown one, in their order, among which the nearest is looked for."""
GALLERY_COLUMNS = ("article_id", "image", "label", "group", "name")


@dataclass(frozen=True)
class Gallery:
    """The articles that are searched.

    Attributes:
        embeddings: Of their pictures.
        index: Of these.
        articles: `article_id, image, label, group, name`, one row a vector: label is the class (empty where there is
            none), group the product code, name what the catalogue calls it (empty where it has no names).
        without_vector: Article -> why it is not among them: no picture, or one that cannot be read.
    """

    embeddings: Embeddings
    index: Index
    articles: pd.DataFrame
    without_vector: dict[str, str] = field(default_factory=dict)

    def row_of(self, article_id: str) -> int:
        """The row of an article; see `find_id`."""
        ids = self.embeddings.article_ids
        return bisect_left(ids, find_id(ids, self.without_vector, article_id))


def find_id(ids: Sequence[str], without: Mapping[str, str], article_id: str) -> str:
    """An article's id as the catalogue has it; leading zeros that it has lost are no matter.

    Args:
        ids: Of the articles with a picture, sorted.
        without: Article -> why it is not among them.
        article_id: As it is asked for.

    Raises:
        UserError: An unknown article, with the nearest id, or one without a picture.
    """
    for name in (article_id, article_id.zfill(max(map(len, ids[:1]), default=0))):
        place = bisect_left(ids, name)
        if place < len(ids) and ids[place] == name:
            return name
        if name in without:
            raise invalid("article_id", "an article with a picture", f"{name}: {without[name]}")
    place = bisect_left(ids, article_id)
    near = ids[max(0, place - NEIGHBOURS) : place + NEIGHBOURS]
    raise invalid("article_id", f"one of {len(ids):,} articles", article_id, near)


@dataclass(frozen=True)
class Query:
    """What is searched with.

    Attributes:
        features: float32 `[features]`, L2-normalised.
        label: Its class; empty where it has none.
        group: Its product code; empty for a picture from elsewhere.
        row: Of the article in the gallery, which is not found itself; -1 for a picture from elsewhere.
    """

    features: np.ndarray
    label: str = ""
    group: str = ""
    row: int = -1


@dataclass(frozen=True)
class Filters:
    """Which articles may be found.

    Attributes:
        same_class: Only those of the query's class.
        exclude_variants: None of the query's product.
    """

    same_class: bool = False
    exclude_variants: bool = False


@dataclass(frozen=True)
class SimilarArticle:
    """One that was found.

    Attributes:
        article_id: Its id.
        score: Cosine similarity, from -1 to 1.
        label: Its class; empty where it has none.
        name: What the catalogue calls it; empty where it has no names.
        image: Path of its picture, relative to the catalogue.
    """

    article_id: str
    score: float
    label: str
    name: str
    image: str


def query_of_article(gallery: Gallery, article_id: str) -> Query:
    """The query with an article of the gallery; see `Gallery.row_of` for what it raises."""
    row = gallery.row_of(article_id)
    article = gallery.articles.iloc[row]
    features = normalised(gallery.embeddings.vectors[row : row + 1])[0]
    return Query(features, str(article["label"]), str(article["group"]), row)


def query_of_features(features: np.ndarray, label: str = "") -> Query:
    """The query with the features of a picture, `[features]`, which is of the class `label` if that is known."""
    return Query(normalised(np.asarray(features)[None])[0], label)


def similar_articles(gallery: Gallery, query: Query, k: int = 12, filters: Filters = Filters()) -> list[SimilarArticle]:
    """The `k` articles that are nearest to a query, the nearest first; fewer only where there are no more.

    Raises:
        UserError: `same_class` for a query without a class.
    """
    allowed = _allowed(gallery, query, filters)
    scores, rows = gallery.index.search(query.features[None], k, allowed)
    found = gallery.articles.iloc[rows[0][rows[0] >= 0]]
    return [
        SimilarArticle(str(row.article_id), float(score), str(row.label), str(row.name_), str(row.image))
        for row, score in zip(found.rename(columns={"name": "name_"}).itertuples(), scores[0], strict=False)
    ]


def _allowed(gallery: Gallery, query: Query, filters: Filters) -> np.ndarray | None:
    """Which rows may be found, bool `[articles]`; None for all."""
    if filters.same_class and not query.label:
        raise UserError("same_class: expected an article or a picture with a class, received one without")
    if query.row < 0 and not filters.same_class and not (filters.exclude_variants and query.group):
        return None
    allowed = np.ones(len(gallery.articles), bool)
    if query.row >= 0:
        allowed[query.row] = False
    if filters.same_class:
        allowed &= gallery.articles["label"].to_numpy(dtype=object) == query.label
    if filters.exclude_variants and query.group:
        allowed &= gallery.articles["group"].to_numpy(dtype=object) != query.group
    return allowed


def make_gallery(embeddings: Embeddings, articles: pd.DataFrame, index: Index, missing: dict[str, str]) -> Gallery:
    """Put embeddings and a catalogue's articles together.

    Args:
        embeddings: Of the catalogue.
        articles: `article_id, image, label, group, name` of the catalogue, in any order.
        index: Of the embeddings.
        missing: Article -> why the catalogue has no picture of it.
    """
    unreadable = zip(embeddings.unreadable["article_id"], embeddings.unreadable["reason"], strict=True)
    without = missing | {article: f"its picture cannot be read ({reason})" for article, reason in unreadable}
    rows = articles.set_index("article_id", drop=False).loc[embeddings.article_ids, list(GALLERY_COLUMNS)]
    return Gallery(embeddings, index, rows.reset_index(drop=True), without)
