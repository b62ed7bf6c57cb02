"""Customers and purchases of the sample, for recommendations: enough of both that a ranker can learn from them.

They are a set of files of their own beside the catalogue, whose own `transactions_train.csv` is a small one. A purchase
is drawn from what is popular that day with customers of the same department, colours and age, or follows from what the
customer bought before: the same article, another colour of it, its companion, or one of the same kind and look.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hmexp.catalogue.sample.once import make_once
from hmexp.catalogue.sample.shop import Memory, Season, Shop, draw_popular, draw_tastes
from hmexp.catalogue.sample.tables import LAST_DAY, articles_table, customers_table
from hmexp.console import progress

PURCHASES_VERSION = "1"
"""Part of the folder's name; a change of the purchases changes it."""
CUSTOMERS_FILE, TRANSACTIONS_FILE = "customers.csv", "transactions_train.csv"
NUM_CUSTOMERS, NUM_DAYS, NUM_PURCHASES = 3_000, 112, 75_000


@dataclass(frozen=True)
class Day:
    """The purchases of one day, in places of the tables.

    Attributes:
        date: Of the day.
        customer: Row of the customer, int64 `[purchases]`, sorted.
        article: Row of the article, int64 `[purchases]`.
        price: float64 `[purchases]`.
        channel: 1 for a shop, 2 for online, int64 `[purchases]`.
    """

    date: pd.Timestamp
    customer: np.ndarray
    article: np.ndarray
    price: np.ndarray
    channel: np.ndarray


def sample_customers() -> pd.DataFrame:
    """H&M's seven columns, one row a customer of the purchases."""
    return customers_table(NUM_CUSTOMERS)


def generate_purchases(root: Path) -> None:
    """Write customers.csv and transactions_train.csv, both or neither; returns at once where they are there."""
    make_once(root, _write)


def _write(root: Path) -> None:
    sentence = f"drawing purchases of the sample: about {NUM_PURCHASES:,} in {root.parent}"
    with progress("drawing purchases", sentence=sentence):
        _write_tables(root)


def _write_tables(root: Path) -> None:
    articles, customers = articles_table(), sample_customers()
    ids, buyers = articles["article_id"].to_numpy(), customers["customer_id"].to_numpy()
    days = [
        pd.DataFrame(
            {
                "t_dat": day.date.date().isoformat(),
                "customer_id": buyers[day.customer],
                "article_id": ids[day.article],
                "price": day.price.round(6),
                "sales_channel_id": day.channel,
            }
        )
        for day in purchases(articles, customers["age"].to_numpy(), Season(NUM_CUSTOMERS, NUM_DAYS, NUM_PURCHASES))
    ]
    customers.to_csv(root / CUSTOMERS_FILE, index=False)
    pd.concat(days).to_csv(root / TRANSACTIONS_FILE, index=False)


def purchases(articles: pd.DataFrame, ages: np.ndarray, season: Season) -> Iterator[Day]:
    """Draw purchases, day after day; the same arguments give the same.

    Args:
        articles: `product_code, product_type_name, index_name, colour_group_name, graphical_appearance_name`.
        ages: Of the customers, int64 `[customers]`.
        season: How much is bought, when.
    """
    rng = np.random.default_rng(season.seed)
    shop = Shop(articles, season, rng)
    tastes = draw_tastes(articles, ages, rng)
    rates = rng.gamma(0.8, 1.0, season.customers)
    rates *= season.purchases / season.days / 2 / rates.sum()
    memory = Memory(season.customers)
    for day in range(season.days):
        visits = rng.poisson(rates)
        buyers = np.repeat(np.arange(season.customers), visits)
        baskets = 1 + rng.poisson(1.0, len(buyers))
        channel = np.repeat(rng.integers(1, 3, len(buyers)), baskets)
        buyers = np.repeat(buyers, baskets)
        on_sale = shop.on_sale(day)
        popular = draw_popular(rng, tastes.weights, on_sale, tastes.of_customer[buyers])
        followed = shop.followers(rng, memory.draw(rng, buyers))
        bought = np.where((followed >= 0) & (on_sale[followed] > 0), followed, popular)
        memory.add(buyers, bought)
        date = LAST_DAY - pd.Timedelta(days=season.days - 1 - day)
        discount = np.where(rng.random(len(bought)) < 0.15, 0.7, 1.0)
        yield Day(date, buyers, bought, shop.prices[bought] * discount, channel)
