"""How good each way to recommend is on days that it has not seen, customer by customer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from hmexp.config.recommend import LONGEST_LIST
from hmexp.metrics.map_at_k import average_precision, hits_of
from hmexp.recommend.candidates import PLACES, SOURCE_NAMES, Buyers
from hmexp.recommend.examples import Offers
from hmexp.recommend.lists import NOTHING, as_array, filled, popular_then_any
from hmexp.recommend.ranker import Ranker, best_of, without_pictures
from hmexp.recommend.sources import top_of

RANKER, WITHOUT = "ranker", "ranker without pictures"
METHODS = ("popular last week", "popular now", "repurchase", "pictures", WITHOUT, RANKER)
"""Of the table, the baselines first: what sold most in seven days, what sells now to the age group, what the customer
bought before and then what is popular, what looks like it and then what is popular, and the ranker."""
COLD_METHODS = ("random", "other colours", "look alike")
"""Lists of articles without sales alone: any of them, other colours of what was bought, what looks like it."""


@dataclass(frozen=True)
class Bought:
    """What customers bought in the window.

    Attributes:
        customers: `customer`, each once.
        pairs: `customer, article`, each once, and `cold`: whether nobody had bought the article before.
    """

    customers: pl.DataFrame
    pairs: pl.DataFrame

    @property
    def rows(self) -> np.ndarray:
        """Row of the customer of each pair, int64 `[pairs]`."""
        numbered = self.customers.select("customer").with_row_index("row")
        return self.pairs.join(numbered, on="customer", maintain_order="left")["row"].to_numpy().astype(np.int64)

    def count(self, chosen: np.ndarray | None = None) -> np.ndarray:
        """Articles of each customer, or of those that are chosen (bool `[pairs]`), int64 `[customers]`."""
        rows = self.rows if chosen is None else self.rows[chosen]
        return np.bincount(rows, minlength=len(self.customers))


def measure(offers: Offers, rankers: Mapping[str, Ranker], customers: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Measure every method on some customers who bought something in the window.

    Args:
        offers: Of the window.
        rankers: `RANKER`, and `WITHOUT` where there are pictures.
        customers: `customer, age`, sorted.
        seed: Of the random lists.

    Returns:
        A row a customer: `customer`, `bought` and `cold` (articles, and those without sales before), for each method
        `ap: METHOD` (average precision at 12) and `cold: METHOD` (articles without sales that were found), the same for
        each training that a ranker averages (`RANKER #0`, ...), `new: METHOD` for lists of articles without sales
        alone, `found: SOURCE` (articles among the candidates of each source), and `fresh` and `fresh: SOURCE` of
        articles that the customer had not bought before.
    """
    buyers = offers.buyers(customers)
    candidates = offers.candidates(buyers)
    sold = offers.history.sales.frame.select("article", sold_before=pl.lit(True))
    pairs = offers.bought(customers).join(sold, on="article", how="left", maintain_order="left")
    bought = Bought(customers, pairs.with_columns(cold=pl.col("sold_before").is_null()))
    columns = {"bought": bought.count(), "cold": bought.count(bought.pairs["cold"].to_numpy())}
    cold = np.ones(len(offers.shop.articles.table), bool)
    cold[sold["article"].to_numpy()] = False
    for name, lists in _lists(offers, rankers, customers, candidates).items():
        columns |= _scores(name, as_array(lists, customers), bought, cold)
    for name, array in _cold_lists(customers, candidates, cold, seed).items():
        hits = hits_of(array, bought.rows, bought.pairs["article"].to_numpy().astype(np.int64))
        columns[f"new: {name}"] = hits.sum(axis=1)
    columns |= _found(bought, candidates, buyers)
    return customers.select("customer").with_columns(pl.Series(name, values) for name, values in columns.items())


def _lists(
    offers: Offers, rankers: Mapping[str, Ranker], customers: pl.DataFrame, candidates: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """The list of each method for each customer."""
    anything = popular_then_any(offers.history, len(offers.shop.articles.table))
    week = offers.history.sales.frame.filter(pl.col("sold_7") > 0).with_columns(everyone=pl.lit(0))
    week = top_of(week, "everyone", ["sold_7"], LONGEST_LIST).select("article", "place")
    now = filled(_ranked(candidates, "popular"), customers, anything)
    lists = {
        "popular last week": filled(customers.select("customer").join(week, how="cross"), customers, anything),
        "popular now": now,
        "repurchase": filled(_ranked(candidates, "own"), customers, now),
    }
    if WITHOUT in rankers:
        lists["pictures"] = filled(_ranked(candidates, "pictures"), customers, now)
    for name, ranker in rankers.items():
        rows = without_pictures(candidates) if name == WITHOUT else candidates
        scores = ranker.scores_by_seed(rows)
        lists[name] = filled(best_of(rows, scores.mean(axis=0)), customers, anything)
        for number, of_seed in enumerate(scores):
            lists[of_training(name, number)] = filled(best_of(rows, of_seed), customers, anything)
    return lists


def of_training(name: str, number: int) -> str:
    """What one of the trainings that a ranker averages is called in the columns."""
    return f"{name} #{number}"


def _cold_lists(
    customers: pl.DataFrame, candidates: pl.DataFrame, cold: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """Lists of articles without sales alone; a list has fewer than twelve where a source has fewer."""
    pool = np.flatnonzero(cold)
    rng = np.random.default_rng([seed, int(customers["customer"][0])])
    shape = (len(customers), LONGEST_LIST)
    lists = {"random": rng.choice(pool, shape) if len(pool) else np.full(shape, NOTHING)}
    unsold = candidates.filter(pl.col("article").is_in(pool))
    for name, source in (("other colours", "colours"), ("look alike", "pictures")):
        rows = _ranked(unsold, source).rename({"place": "order"})
        lists[name] = as_array(top_of(rows, "customer", ["order"], LONGEST_LIST, smallest=True), customers)
    return lists


def _ranked(candidates: pl.DataFrame, source: str) -> pl.DataFrame:
    rows = candidates.select("customer", "article", pl.col(f"{source}_place").cast(pl.Int32).alias("place"))
    return rows.filter(pl.col("place").is_not_null())


def _scores(name: str, lists: np.ndarray, bought: Bought, cold: np.ndarray) -> dict[str, np.ndarray]:
    hits = hits_of(lists, bought.rows, bought.pairs["article"].to_numpy().astype(np.int64))
    return {
        f"ap: {name}": average_precision(hits, bought.count()),
        f"cold: {name}": (hits & cold[lists] & (lists != NOTHING)).sum(axis=1),
    }


def _found(bought: Bought, candidates: pl.DataFrame, buyers: Buyers) -> dict[str, np.ndarray]:
    """What was bought and is among the candidates of each source, of all articles and of those new to the customer."""
    own = buyers.bought.frame.select("customer", "article", known=pl.lit(True))
    keys = ["customer", "article"]
    pairs = bought.pairs.join(own, on=keys, how="left", maintain_order="left")
    pairs = pairs.join(candidates.select(*keys, *PLACES), on=keys, how="left", maintain_order="left")
    fresh = pairs["known"].is_null().to_numpy()
    columns = {"fresh": bought.count(fresh)}
    for name, place in zip(SOURCE_NAMES, PLACES, strict=True):
        among = pairs[place].is_not_null().to_numpy()
        columns |= {f"found: {name}": bought.count(among), f"fresh: {name}": bought.count(among & fresh)}
    return columns
