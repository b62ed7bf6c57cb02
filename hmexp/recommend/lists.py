"""Lists of twelve: what a source or a ranker has for a customer, filled up with what is popular."""

import numpy as np
import polars as pl

from hmexp.config.recommend import LONGEST_LIST
from hmexp.recommend.history import History
from hmexp.recommend.sources import top_of

BEHIND = 1_000_000
"""Added to the place of an article that fills up a list."""
NOTHING = -1
"""Stands for no article in an array of lists."""


def popular_then_any(history: History, num_articles: int) -> pl.DataFrame:
    """`article, place`: what everyone buys now, and then the first articles of the catalogue, for small shops."""
    popular = history.popular_of_everyone().sort("place")["article"]
    first = pl.Series("article", range(min(num_articles, 2 * LONGEST_LIST)), dtype=pl.UInt32)
    articles = pl.concat([popular, first]).unique(maintain_order=True)
    return articles.to_frame().with_row_index("place").select("article", pl.col("place").cast(pl.Int32))


def filled(ranked: pl.DataFrame, customers: pl.DataFrame, filler: pl.DataFrame) -> pl.DataFrame:
    """Twelve different articles for each customer: those that are ranked, then the filler's.

    Args:
        ranked: `customer, article, place`; what has no place is no part of it.
        customers: `customer`.
        filler: `article, place`, at least twelve, or `customer, article, place`.

    Returns:
        `customer, article, place` with places from 0 to 11.
    """
    behind = filler if "customer" in filler.columns else customers.select("customer").join(filler, how="cross")
    columns = ["customer", "article", "place"]
    ranked = ranked.filter(pl.col("place").is_not_null()).select(columns).cast({"place": pl.Int32})
    behind = behind.filter(pl.col("place").is_not_null()).with_columns(pl.col("place").cast(pl.Int32) + BEHIND)
    both = pl.concat([ranked, behind.select(columns)]).group_by("customer", "article").agg(pl.col("place").min())
    best = top_of(both.rename({"place": "order"}), "customer", ["order"], LONGEST_LIST, smallest=True)
    return best.select(columns)


def as_array(lists: pl.DataFrame, customers: pl.DataFrame) -> np.ndarray:
    """Lists as int64 `[customers, 12]`, a row a customer in their order, -1 where a list is shorter.

    Args:
        lists: `customer, article, place`.
        customers: `customer`, each once.
    """
    rows = lists.join(customers.select("customer").with_row_index("row"), on="customer")
    found = np.full((len(customers), LONGEST_LIST), NOTHING, np.int64)
    found[rows["row"].to_numpy(), rows["place"].to_numpy()] = rows["article"].to_numpy()
    return found
