"""Which articles look alike: the table that candidates by picture come from."""

from pathlib import Path

import polars as pl

from hmexp.config.errors import UserError
from hmexp.recommend.articles import Articles
from hmexp.recommend.transactions import article_ids, scan_table

COLUMNS = {"article": pl.UInt32, "other": pl.UInt32, "likeness": pl.Float32}
"""Of a table of neighbours, by number: `likeness` is larger for what looks more alike."""
LISTS = ("neighbours", "similar_items")
"""Names of a column of lists of ids, the nearest first."""


def no_neighbours() -> pl.DataFrame:
    """A table of no neighbours."""
    return pl.DataFrame(schema=COLUMNS)


def read_neighbours(path: Path, articles: Articles) -> pl.DataFrame:
    """Neighbours from a file: `article_id, neighbour, score`, or `article_id` and a list of ids, the nearest first.

    Args:
        path: CSV or Parquet; ids as text or as numbers.
        articles: Others are left out.

    Returns:
        `article, other, likeness`; for lists likeness is 1 over the place.

    Raises:
        UserError: Another kind of file, other columns, or ids that none of the articles has.
    """
    rows = scan_table(path, "neighbours")
    names = rows.collect_schema().names()
    lists = next((name for name in LISTS if name in names), None)
    if "article_id" in names and lists is not None:
        place = pl.int_ranges(1, pl.col(lists).list.len() + 1)
        rows = rows.select("article_id", pl.col(lists).alias("neighbour"), place.alias("place"))
        rows = rows.explode("neighbour", "place").with_columns(score=1 / pl.col("place"))
    elif not {"article_id", "neighbour", "score"} <= set(names):
        expected = f"columns article_id, neighbour and score, or article_id and {LISTS[0]}, in {path}"
        raise UserError(f"neighbours: expected {expected}, received {', '.join(names[:20])}")
    text = rows.select(
        pl.col("article_id", "neighbour").cast(pl.String), pl.col("score").cast(pl.Float32).alias("likeness")
    )
    text = text.select(article_ids(), article_ids("neighbour"), "likeness")
    known = text.join(articles.numbers.lazy(), on="article_id")
    known = known.join(articles.numbers.lazy().rename({"article_id": "neighbour", "article": "other"}), on="neighbour")
    found = known.filter(pl.col("article") != pl.col("other")).select(*COLUMNS).collect()
    if found.is_empty():
        raise UserError(f"neighbours: expected ids of the articles in {path}, received none")
    return found.group_by("article", "other").agg(pl.col("likeness").max()).sort("article", "other")
