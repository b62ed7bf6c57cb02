"""Which articles a customer may be shown, and which source each comes from."""

from dataclasses import dataclass

import polars as pl

from hmexp.config.recommend import CandidatesConfig
from hmexp.recommend.articles import Articles
from hmexp.recommend.customers import age_group
from hmexp.recommend.history import History
from hmexp.recommend.sources import LAST_DAY, Source, audit, top_of

PLACES = ("own_place", "popular_place", "together_place", "colours_place", "pictures_place")
"""Columns of the candidates: the place in the list of each source, from 0; null where it is not in it."""
SOURCE_NAMES = tuple(name.removesuffix("_place") for name in PLACES)
RECENT_DAYS = "sold_28"
"""Sales of an article that is still sold; other colours that are sold no more are left out."""


@dataclass(frozen=True)
class Shop:
    """What candidates are drawn from.

    Attributes:
        articles: The catalogue.
        neighbours: `article, other, likeness`: which articles look alike.
        cfg: The `candidates` section.
    """

    articles: Articles
    neighbours: pl.DataFrame
    cfg: CandidatesConfig


@dataclass(frozen=True)
class Buyers:
    """Some customers, with what they bought before a cut-off.

    Attributes:
        customers: `customer, age`, sorted.
        purchases: All they bought, as `hmexp.recommend.transactions` has it.
        bought: `customer, article, times, place` and the latest day: what each bought, the last in place 0.
    """

    customers: pl.DataFrame
    purchases: Source
    bought: Source

    @classmethod
    def of(cls, customers: pl.DataFrame, purchases: pl.DataFrame) -> "Buyers":
        """Summarise purchases by customer and article."""
        bought = purchases.group_by("customer", "article").agg(
            pl.len().cast(pl.Float32).alias("times"), pl.col("day").max().alias(LAST_DAY)
        )
        ranked = top_of(bought, "customer", [LAST_DAY, "times"], bought.height + 1)
        dated = Source("purchases", purchases.with_columns(pl.col("day").alias(LAST_DAY)))
        return cls(customers.select("customer", "age").sort("customer"), dated, Source("bought", ranked))

    def check(self, cutoff: int) -> None:
        """Raise `LeakError` where a purchase is on or after the cut-off."""
        for source in (self.purchases, self.bought):
            audit(source, cutoff)


def find_candidates(shop: Shop, history: History, buyers: Buyers) -> pl.DataFrame:
    """The candidates of some customers, each once.

    Returns:
        `customer, article`, the places of `PLACES` (int32), `strength` of bought together and `likeness` by picture
        (float32, null where the source has it not), sorted by customer and article.

    Raises:
        LeakError: The customers' purchases are not all before the cut-off of the history.
    """
    buyers.check(history.cutoff)
    cfg = shop.cfg
    bought = buyers.bought.frame.select("customer", "article", "times", "place")
    recent = bought.filter(pl.col("place") < cfg.last)
    found = [
        bought.filter(pl.col("place") < cfg.own).select("customer", "article", own_place="place"),
        _popular(history, buyers, cfg.popular),
        _together(history, recent, cfg.together),
        _colours(shop, history, recent),
        _pictures(shop, history, recent),
    ]
    values = [*PLACES, "strength", "likeness"]
    return (
        pl.concat(found, how="diagonal")
        .group_by("customer", "article")
        .agg(pl.col(*values).max())
        .sort("customer", "article")
    )


def sources_of() -> pl.Expr:
    """The names of a candidate's sources, joined by `+`."""
    named = [pl.when(pl.col(place).is_not_null()).then(pl.lit(place.removesuffix("_place"))) for place in PLACES]
    return pl.concat_str(named, separator="+", ignore_nulls=True).alias("sources")


def _popular(history: History, buyers: Buyers, num: int) -> pl.DataFrame:
    groups = buyers.customers.select("customer", age_group())
    known = history.popular.frame
    lists = known.filter(pl.col("place") < num).select("group", "article", popular_place="place")
    with_list = groups.join(lists, on="group")
    # An age group without a purchase has the list of everyone.
    without = groups.join(known.select("group").unique(), on="group", how="anti")
    everyone = history.popular_of_everyone().filter(pl.col("place") < num).rename({"place": "popular_place"})
    rows = [with_list, without.join(everyone, how="cross")]
    return pl.concat([row.select("customer", "article", "popular_place") for row in rows])


def _together(history: History, recent: pl.DataFrame, num: int) -> pl.DataFrame:
    pairs = recent.join(history.together.frame.select("article", "other", "strength"), on="article")
    summed = pairs.group_by("customer", pl.col("other").alias("article")).agg(pl.col("strength").sum())
    return top_of(summed, "customer", ["strength"], num).rename({"place": "together_place"})


def _colours(shop: Shop, history: History, recent: pl.DataFrame) -> pl.DataFrame:
    """Other articles of the products, the last bought product first and its best-sold colour first."""
    products = shop.articles.table.select("article", "product")
    sales = history.sales.frame.select("article", RECENT_DAYS, "sold_7")
    others = products.join(sales, on="article", how="left").filter(
        pl.col(RECENT_DAYS).is_null() | (pl.col(RECENT_DAYS) > 0)
    )
    others = others.rename({"article": "other"}).with_columns(pl.col("sold_7", RECENT_DAYS).fill_null(0.0))
    pairs = recent.join(products, on="article").join(others, on="product").filter(pl.col("article") != pl.col("other"))
    best = pairs.group_by("customer", pl.col("other").alias("article")).agg(
        (-pl.col("place").cast(pl.Int32).min()).alias("latest"), pl.col("sold_7", RECENT_DAYS).first()
    )
    ranked = top_of(best, "customer", ["latest", "sold_7", RECENT_DAYS], shop.cfg.colours)
    return ranked.select("customer", "article", colours_place="place")


def _pictures(shop: Shop, history: History, recent: pl.DataFrame) -> pl.DataFrame:
    """What looks like the last purchases, and of what nobody has bought yet half as many again."""
    pairs = recent.join(shop.neighbours, on="article")
    best = pairs.group_by("customer", pl.col("other").alias("article")).agg(pl.col("likeness").max())
    new = best.join(history.sales.frame.select("article"), on="article", how="anti")
    nearest = top_of(best, "customer", ["likeness"], shop.cfg.pictures)
    unsold = top_of(new, "customer", ["likeness"], shop.cfg.pictures // 2)
    both = pl.concat([nearest, unsold]).group_by("customer", "article").agg(pl.col("likeness").max())
    return top_of(both, "customer", ["likeness"], both.height + 1).rename({"place": "pictures_place"})
