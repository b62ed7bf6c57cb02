"""What the ranker sees of a customer and a candidate; everything is made of purchases before a cut-off."""

import numpy as np
import polars as pl

from hmexp.recommend.articles import KINDS
from hmexp.recommend.candidates import PLACES, Buyers, Shop
from hmexp.recommend.customers import UNKNOWN_AGE
from hmexp.recommend.history import SALES_DAYS, History
from hmexp.recommend.sources import LAST_DAY

OF_PICTURES = ("pictures_place", "likeness")
"""Features that the ablation goes without."""
OF_PAIR = (*PLACES, "strength", "likeness", "times", "days_since", "product_times", "product_days_since")
SOLD = ("sold", *(f"sold_{days}" for days in SALES_DAYS))
OF_ARTICLE = (*SOLD, "trend", "first", "last", "price", "online", "buyer_age")
OF_CUSTOMER = ("num_bought", "num_articles", "num_recent", "since_last", "mean_price", "online_share", "age")
OF_TASTE = tuple(f"taste_{name}" for name in KINDS)
COMPARED = ("price_ratio", "age_gap")
FEATURES = (*OF_PAIR, *OF_ARTICLE, *OF_CUSTOMER, *OF_TASTE, *COMPARED)
RECENT = 28
"""Days of a customer's recent purchases."""


def add_features(shop: Shop, history: History, buyers: Buyers, candidates: pl.DataFrame) -> pl.DataFrame:
    """The candidates with a column a feature.

    Args:
        shop: The catalogue.
        history: The tables of the window.
        buyers: The customers.
        candidates: Of `find_candidates`.

    Returns:
        `customer, article` and `FEATURES` as float32, in the order of the candidates.

    Raises:
        LeakError: The customers' purchases are not all before the cut-off.
    """
    cutoff = history.cutoff
    customers = customer_features(buyers, cutoff)
    attributes = shop.articles.table.select("article", "product", *KINDS)
    rows = candidates.join(attributes, on="article", how="left", maintain_order="left")
    rows = _with_own(rows, buyers, attributes, cutoff)
    sales = history.sales.frame.drop(LAST_DAY).rename({"age": "buyer_age"})
    rows = rows.join(sales, on="article", how="left", maintain_order="left")
    rows = rows.join(customers, on="customer", how="left", maintain_order="left")
    rows = _with_taste(rows, buyers, attributes)
    trend = (pl.col("sold_7") + 1) / (pl.col("sold_14") - pl.col("sold_7") + 1)
    price, age = pl.col("price") / pl.col("mean_price"), pl.col("buyer_age") - pl.col("age")
    rows = rows.with_columns(trend=trend, price_ratio=price, age_gap=age)
    return rows.select("customer", "article", *(pl.col(name).cast(pl.Float32) for name in FEATURES))


def customer_features(buyers: Buyers, cutoff: int) -> pl.DataFrame:
    """`customer` and `OF_CUSTOMER`, a row a customer; null where a customer has bought nothing.

    Raises:
        LeakError: A purchase on or after the cut-off.
    """
    buyers.check(cutoff)
    since = cutoff - pl.col("day")
    summed = buyers.purchases.frame.group_by("customer").agg(
        pl.len().alias("num_bought"),
        pl.col("article").n_unique().alias("num_articles"),
        (since <= RECENT).sum().alias("num_recent"),
        since.min().alias("since_last"),
        pl.col("price").mean().alias("mean_price"),
        pl.col("online").mean().alias("online_share"),
    )
    age = pl.when(pl.col("age") != UNKNOWN_AGE).then(pl.col("age").cast(pl.Float32)).alias("age")
    return buyers.customers.select("customer", age).join(summed, on="customer", how="left", maintain_order="left")


def matrix(rows: pl.DataFrame, features: tuple[str, ...] = FEATURES) -> np.ndarray:
    """The features of rows, float32 `[rows, features]`; NaN where a feature is not known."""
    return rows.select(features).to_numpy(order="c")


def _with_own(rows: pl.DataFrame, buyers: Buyers, attributes: pl.DataFrame, cutoff: int) -> pl.DataFrame:
    """How often and how long ago the customer bought the article, and its product."""
    bought = buyers.bought.frame.join(attributes.select("article", "product"), on="article", how="left")
    since = (cutoff - pl.col(LAST_DAY)).cast(pl.Float32)
    own = bought.select("customer", "article", "times", since.alias("days_since"))
    products = bought.group_by("customer", "product").agg(
        pl.col("times").sum().alias("product_times"), since.min().alias("product_days_since")
    )
    rows = rows.join(own, on=["customer", "article"], how="left", maintain_order="left")
    return rows.join(products, on=["customer", "product"], how="left", maintain_order="left")


def _with_taste(rows: pl.DataFrame, buyers: Buyers, attributes: pl.DataFrame) -> pl.DataFrame:
    """The share of the customer's articles that are of the candidate's kind, department, colour and so on."""
    bought = buyers.bought.frame.select("customer", "article").join(attributes, on="article", how="left")
    for name in KINDS:
        counts = bought.group_by("customer", name).agg(pl.len().cast(pl.Float32).alias(f"taste_{name}"))
        rows = rows.join(counts, on=["customer", name], how="left", maintain_order="left")
    shares = [pl.col(f"taste_{name}").fill_null(0.0) / pl.col("num_articles") for name in KINDS]
    return rows.with_columns(shares)
