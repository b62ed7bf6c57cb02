"""The model behind the purchases of the sample: what is sold when, who likes what, what follows from what."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hmexp.catalogue.sample.tables import SEED

REPEAT, VARIANT, COMPANION, ALIKE = 0.05, 0.08, 0.08, 0.05
"""Shares of purchases that follow from an earlier one: of the same article, another colour, its companion, its look."""
REMEMBERED = 8
NUM_PALETTES = 6
STAPLES = 0.25
"""Share of articles that are always sold; the others come on some day and fade."""


@dataclass(frozen=True)
class Season:
    """How much is bought, when.

    Attributes:
        customers: How many there are.
        days: Up to the last day, 2020-09-22.
        purchases: In all, about.
        seed: Of the draws.
    """

    customers: int
    days: int
    purchases: int
    seed: int = SEED + 3


class Shop:
    """What is sold when, at which price, and what goes with it."""

    def __init__(self, articles: pd.DataFrame, season: Season, rng: np.random.Generator) -> None:
        num = len(articles)
        self.rng = np.random.default_rng(season.seed + 1)
        codes = articles["product_code"].to_numpy()
        _, self.product = np.unique(codes, return_inverse=True)
        self.prices = rng.lognormal(-3.6, 0.5, int(self.product.max()) + 1)[self.product]
        self.launch = np.where(rng.random(num) < STAPLES, -10_000, rng.integers(-60, season.days, num))
        self.popular = rng.pareto(1.6, num) + 0.05
        self.fade = rng.uniform(20, 90, num)
        self.variants = Groups(self.product)
        look = articles[["product_type_name", "colour_group_name", "graphical_appearance_name"]].agg("|".join, axis=1)
        self.alike = Groups(np.unique(look.to_numpy(str), return_inverse=True)[1])
        departments = Groups(np.unique(articles["index_name"].to_numpy(str), return_inverse=True)[1])
        self.companions = np.stack([departments.draw(rng, np.arange(num)) for _ in range(2)], axis=1)

    def on_sale(self, day: int) -> np.ndarray:
        """How much each article is asked for on a day, float64 `[articles]`; 0 before it came and after it went."""
        if day % 7 == 0:
            self.popular = self.popular * np.exp(self.rng.normal(-0.02, 0.2, len(self.popular)))
        age = day - self.launch
        staple = self.launch < -1_000
        curve = np.where(age >= 0, 2 * np.exp(-np.maximum(age, 0) / self.fade), 0.0)
        return np.asarray(self.popular * np.where(staple, 1.0, np.where(curve > 0.05, curve, 0.0)))

    def followers(self, rng: np.random.Generator, before: np.ndarray) -> np.ndarray:
        """What is bought because of an earlier purchase, int64 `[purchases]`; -1 where nothing is."""
        kind = np.searchsorted(np.cumsum([REPEAT, VARIANT, COMPANION, ALIKE]), rng.random(len(before)))
        companion = self.companions[before, rng.integers(0, 2, len(before))]
        options = [before, self.variants.draw(rng, before), companion, self.alike.draw(rng, before)]
        chosen = np.choose(np.minimum(kind, 3), options)
        return np.where((kind < 4) & (before >= 0), chosen, -1)


class Groups:
    """Draws another member of the group that an article is in."""

    def __init__(self, group: np.ndarray) -> None:
        self.group = group
        self.order = np.argsort(group, kind="stable")
        self.sizes = np.bincount(group)
        self.starts = np.cumsum(self.sizes) - self.sizes

    def draw(self, rng: np.random.Generator, articles: np.ndarray) -> np.ndarray:
        """A member for each article, int64 `[articles]`; it may be the article itself."""
        group = self.group[articles]
        places = self.starts[group] + (rng.random(len(articles)) * self.sizes[group]).astype(np.int64)
        return np.asarray(self.order[places])


class Memory:
    """The last purchases of each customer."""

    def __init__(self, customers: int) -> None:
        self.articles = np.full((customers, REMEMBERED), -1, np.int64)
        self.count = np.zeros(customers, np.int64)

    def draw(self, rng: np.random.Generator, customers: np.ndarray) -> np.ndarray:
        """One of the last purchases for each customer, int64 `[customers]`; -1 for one who has not bought so often."""
        return np.asarray(self.articles[customers, rng.integers(0, REMEMBERED, len(customers))])

    def add(self, customers: np.ndarray, articles: np.ndarray) -> None:
        """Remember purchases; `customers` are sorted."""
        first = np.searchsorted(customers, customers)
        place = self.count[customers] + np.arange(len(customers)) - first
        self.articles[customers, place % REMEMBERED] = articles
        np.add.at(self.count, customers, 1)


@dataclass(frozen=True)
class Tastes:
    """What groups of customers like.

    Attributes:
        weights: Of each article for each taste, float64 `[tastes, articles]`.
        of_customer: Taste of each customer, int64 `[customers]`.
    """

    weights: np.ndarray
    of_customer: np.ndarray


def draw_tastes(articles: pd.DataFrame, ages: np.ndarray, rng: np.random.Generator) -> Tastes:
    """A taste is a department and a palette; the young buy more of the later departments."""
    departments, department = np.unique(articles["index_name"].to_numpy(str), return_inverse=True)
    colours, colour = np.unique(articles["colour_group_name"].to_numpy(str), return_inverse=True)
    palettes = rng.choice([1.0, 5.0], (NUM_PALETTES, len(colours)), p=[0.7, 0.3])
    likes = np.where(np.arange(len(departments))[:, None] == department, 12.0, 1.0)
    weights = (likes[:, None, :] * palettes[:, colour]).reshape(-1, len(articles))
    middle = np.linspace(22, 52, len(departments))
    pull = np.exp(-(((ages[:, None] - middle) / 12) ** 2)) + 0.05
    chosen = (rng.random(len(ages))[:, None] > np.cumsum(pull / pull.sum(1, keepdims=True), axis=1)[:, :-1]).sum(1)
    return Tastes(weights, chosen * NUM_PALETTES + rng.integers(0, NUM_PALETTES, len(ages)))


def draw_popular(rng: np.random.Generator, weights: np.ndarray, on_sale: np.ndarray, taste: np.ndarray) -> np.ndarray:
    """An article for each purchase, by its buyer's taste and by what is on sale, int64 `[purchases]`."""
    found = np.empty(len(taste), np.int64)
    for number in range(len(weights)):
        mine = np.flatnonzero(taste == number)
        if len(mine):
            total = np.cumsum(weights[number] * on_sale)
            found[mine] = np.searchsorted(total, rng.random(len(mine)) * total[-1], side="right")
    return found
