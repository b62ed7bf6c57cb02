"""A shop of twenty articles and its purchases, small enough to be worked out by hand."""

import pandas as pd
import polars as pl

from hmexp.config.recommend import CandidatesConfig
from hmexp.recommend.articles import articles_of
from hmexp.recommend.candidates import Shop
from hmexp.recommend.pictures import COLUMNS
from hmexp.recommend.transactions import NUMBERED

NUM = 20
CUTOFF = 100
"""The first day that is predicted."""


def articles():
    """Articles 0 and 1 are one product, 2 and 3 the next, and so on."""
    ids = [f"{1 + number // 2:07}{number % 2 + 1:03}" for number in range(NUM)]
    names = [f"Article {number}" for number in range(NUM)]
    return articles_of(pd.DataFrame({"article_id": ids, "prod_name": names}))


def purchases(*rows):
    """Purchases `(customer, article, day)`."""
    frame = pl.DataFrame(rows, schema={"customer": pl.UInt32, "article": pl.UInt32, "day": pl.Int32}, orient="row")
    more = {"price": pl.lit(0.02, pl.Float32), "online": pl.lit(True), "age": pl.lit(30, pl.UInt8)}
    return frame.with_columns(**more).select(NUMBERED).sort("customer", "day", "article")


def customers(*numbers):
    return pl.DataFrame(
        {"customer": numbers, "age": [30] * len(numbers)}, schema={"customer": pl.UInt32, "age": pl.UInt8}
    )


def shop(neighbours=(), **counts):
    table = pl.DataFrame(list(neighbours), schema=COLUMNS, orient="row")
    return Shop(articles(), table, CandidatesConfig(**counts))


def places(found, source):
    """Article -> place of one customer's candidates of a source."""
    rows = found.filter(pl.col(f"{source}_place").is_not_null())
    return dict(rows.select("article", f"{source}_place").iter_rows())
