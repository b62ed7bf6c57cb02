"""What was known before a day: each article's sales, what is popular, what is bought together."""

from dataclasses import dataclass

import polars as pl

from hmexp.config.recommend import CandidatesConfig
from hmexp.recommend.customers import UNKNOWN_AGE, age_group
from hmexp.recommend.sources import LAST_DAY, Source, audit, top_of

SALES_DAYS = (1, 3, 7, 14, 28)
"""Days before the cut-off over which an article's sales are counted."""
POPULAR_DAYS = 8
"""Half-lives that are read for what is popular: later ones count a 256th."""
PRIOR = 200.0
"""Purchases of all customers that stand beside those of an age group, so that a small group has a list as well."""
MAX_BASKET = 12
"""Last articles of a customer that count as bought together: the number of pairs grows with its square."""
PAIR_PRIOR = 10.0
"""Added below the root, so that two articles that were sold once, together, are not the surest pair."""
EVERYONE = 255
"""Number of the age group that holds all customers."""


@dataclass(frozen=True)
class History:
    """The tables of a window, each made of purchases before its cut-off.

    Attributes:
        cutoff: First day that is predicted, in days since 1970.
        sales: `article`, `sold` in all, `sold_1, sold_3, ...` in the last days, `first` and `last` as days before the
            cut-off, `price`, `online` and `age` on average; a row an article that was sold.
        popular: `group, article, share, place`: the best-sold articles of each age group and of `EVERYONE`.
        together: `article, other, strength`: what goes with each article, the strongest ones.

    Raises:
        LeakError: A table holds purchases on or after the cut-off.
    """

    cutoff: int
    sales: Source
    popular: Source
    together: Source

    def __post_init__(self) -> None:
        """Check every table."""
        for source in (self.sales, self.popular, self.together):
            audit(source, self.cutoff)

    def popular_of_everyone(self) -> pl.DataFrame:
        """`article, place`: the best-sold articles of all customers."""
        return self.popular.frame.filter(pl.col("group") == EVERYONE).select("article", "place")


def build_history(known: pl.LazyFrame, cutoff: int, cfg: CandidatesConfig) -> History:
    """Make the tables of a window.

    Args:
        known: Purchases that are known; those on or after the cut-off are not left out here, but found.
        cutoff: First day that is predicted, in days since 1970.
        cfg: The `candidates` section.

    Raises:
        LeakError: `known` holds purchases on or after the cut-off.
    """
    return History(
        cutoff,
        Source("sales", _sales(known, cutoff)),
        Source("popular", _popular(known, cutoff, cfg)),
        Source("together", _together(known, cutoff, cfg)),
    )


def _sales(known: pl.LazyFrame, cutoff: int) -> pl.DataFrame:
    recent = [(pl.col("day") >= cutoff - days).sum().cast(pl.Float32).alias(f"sold_{days}") for days in SALES_DAYS]
    aged = pl.col("age").filter(pl.col("age") != UNKNOWN_AGE)
    rows = known.group_by("article").agg(
        pl.len().cast(pl.Float32).alias("sold"),
        *recent,
        (cutoff - pl.col("day").min()).cast(pl.Float32).alias("first"),
        (cutoff - pl.col("day").max()).cast(pl.Float32).alias("last"),
        pl.col("price").mean(),
        pl.col("online").mean().cast(pl.Float32),
        aged.mean().cast(pl.Float32).alias("age"),
        pl.col("day").max().alias(LAST_DAY),
    )
    found = rows.sort("article").collect(engine="streaming")
    counted = ["sold", *(f"sold_{days}" for days in SALES_DAYS)]
    return found.with_columns(pl.col(counted) * 1000 / pl.col(counted).sum().clip(1))


def _popular(known: pl.LazyFrame, cutoff: int, cfg: CandidatesConfig) -> pl.DataFrame:
    """Recency-weighted: a purchase counts half after each half-life."""
    recent = known.filter(pl.col("day") >= cutoff - max(1, round(POPULAR_DAYS * cfg.half_life)))
    weight = (0.5 ** ((cutoff - 1 - pl.col("day")) / cfg.half_life)).sum()
    counted = recent.group_by(age_group(), "article").agg(weight.alias("weight"), pl.col("day").max().alias(LAST_DAY))
    groups = counted.collect(engine="streaming")
    everyone = groups.group_by("article").agg(pl.col("weight").sum(), pl.col(LAST_DAY).max())
    everyone = everyone.with_columns(share=pl.col("weight") / pl.col("weight").sum())
    total = groups.group_by("group").agg(pl.col("weight").sum().alias("total"))
    own = groups.select("group", "article", pl.col("weight").alias("own"))
    rows = total.join(everyone.select("article", "share", LAST_DAY), how="cross")
    rows = rows.join(own, on=["group", "article"], how="left").with_columns(pl.col("own").fill_null(0.0))
    rows = rows.with_columns(share=(pl.col("own") + PRIOR * pl.col("share")) / (pl.col("total") + PRIOR))
    columns = ["group", "article", "share", LAST_DAY]
    whole = everyone.with_columns(group=pl.lit(EVERYONE, pl.UInt8)).select(columns)
    return top_of(pl.concat([rows.select(columns), whole]), "group", ["share"], cfg.popular)


def _together(known: pl.LazyFrame, cutoff: int, cfg: CandidatesConfig) -> pl.DataFrame:
    """Pairs of articles that the same customers bought, by the cosine of the two sets of customers."""
    recent = known.filter(pl.col("day") >= cutoff - cfg.together_days)
    bought = recent.group_by("customer", "article").agg(pl.col("day").max()).collect(engine="streaming")
    baskets = top_of(bought, "customer", ["day"], MAX_BASKET).select("customer", "article", "day")
    buyers = baskets.group_by("article").agg(pl.len().alias("buyers"))
    other = baskets.lazy().rename({"article": "other", "day": "other_day"})
    pairs = baskets.lazy().join(other, on="customer").filter(pl.col("article") != pl.col("other"))
    counted = pairs.group_by("article", "other").agg(
        pl.len().alias("both"), pl.max_horizontal("day", "other_day").max().alias(LAST_DAY)
    )
    counted = counted.join(buyers.lazy(), on="article")
    counted = counted.join(buyers.lazy().rename({"article": "other", "buyers": "other_buyers"}), on="other")
    cosine = pl.col("both") / (pl.col("buyers") * pl.col("other_buyers") + PAIR_PRIOR).sqrt()
    rows = counted.select("article", "other", cosine.cast(pl.Float32).alias("strength"), LAST_DAY)
    best = rows.collect(engine="streaming").sort(["article", "strength", "other"], descending=[False, True, False])
    return best.group_by("article", maintain_order=True).head(max(1, cfg.together))
