"""What customers are offered in a window and what they bought in it: rows of training, candidates of validation."""

from dataclasses import dataclass

import polars as pl

from hmexp.config.recommend import RankerConfig
from hmexp.recommend.candidates import Buyers, Shop, find_candidates
from hmexp.recommend.features import add_features
from hmexp.recommend.history import History, build_history
from hmexp.recommend.transactions import of_customers
from hmexp.recommend.windows import Window

PART = 5_000
"""Customers whose candidates are in memory at a time: about 400,000 rows of 45 features, 70 MB."""


@dataclass(frozen=True)
class Offers:
    """What customers are offered in a window.

    Attributes:
        shop: Where candidates come from.
        transactions: All purchases.
        window: The days.
        history: What is known before them.
    """

    shop: Shop
    transactions: pl.LazyFrame
    window: Window
    history: History

    @classmethod
    def of(cls, shop: Shop, transactions: pl.LazyFrame, window: Window) -> "Offers":
        """Make the tables of a window."""
        history = build_history(window.before(transactions), window.cutoff, shop.cfg)
        return cls(shop, transactions, window, history)

    def buyers(self, customers: pl.DataFrame) -> Buyers:
        """Some customers with what they bought before the window."""
        mine = of_customers(self.window.before(self.transactions), customers["customer"])
        return Buyers.of(customers, mine.collect())

    def candidates(self, buyers: Buyers) -> pl.DataFrame:
        """The candidates of some customers, with their features: `customer, article` and the features."""
        return add_features(self.shop, self.history, buyers, find_candidates(self.shop, self.history, buyers))

    def bought(self, customers: pl.DataFrame) -> pl.DataFrame:
        """What customers bought in the window: `customer, article`, each once."""
        mine = of_customers(self.window.within(self.transactions), customers["customer"])
        return mine.select("customer", "article").unique().sort("customer", "article").collect()


def customers_within(window: Window, transactions: pl.LazyFrame, customers: pl.DataFrame) -> pl.DataFrame:
    """The customers who bought something in a window: `customer, age`, sorted."""
    active = window.within(transactions).select("customer").unique().collect(engine="streaming")
    return customers.join(active, on="customer", how="semi").select("customer", "age").sort("customer")


def training_rows(offers: Offers, customers: pl.DataFrame, cfg: RankerConfig, seed: int) -> pl.DataFrame:
    """Candidates of customers who bought one of them, with `bought` (uint8), at most `ranker.negatives` of the others.

    Args:
        offers: Of a window that has been.
        customers: Who bought something in it: `customer, age`.
        cfg: The `ranker` section.
        seed: Of the choice among the candidates that were not bought.

    Returns:
        `window` (its cut-off), `customer, article, bought` and the features, sorted by customer.
    """
    rows = offers.candidates(offers.buyers(customers))
    positive = offers.bought(customers).with_columns(bought=pl.lit(1, pl.UInt8))
    rows = rows.join(positive, on=["customer", "article"], how="left", maintain_order="left")
    rows = rows.with_columns(pl.col("bought").fill_null(0), window=pl.lit(offers.window.cutoff, pl.Int32))
    rows = rows.filter(pl.col("bought").max().over("customer") > 0)
    draw = pl.struct("customer", "article").hash(seed).rank("ordinal").over("customer", "bought")
    return rows.filter((pl.col("bought") == 1) | (draw <= cfg.negatives))


def some_customers(customers: pl.DataFrame, num: int, seed: int) -> pl.DataFrame:
    """A number of customers at most, chosen by a hash of their number, sorted."""
    if len(customers) <= num:
        return customers
    return customers.sort(pl.col("customer").hash(seed)).head(num).sort("customer")


def in_parts(customers: pl.DataFrame, size: int = PART) -> list[pl.DataFrame]:
    """Customers, sorted, in parts of the same size; the last may be smaller."""
    return [customers.slice(start, size) for start in range(0, len(customers), size)]
