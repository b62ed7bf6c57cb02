"""The generated purchases: H&M's columns, the same everywhere, with the structure that a ranker learns."""

import pandas as pd
import pytest

from hmexp.catalogue.sample import sample_articles
from hmexp.catalogue.sample.purchases import (
    CUSTOMERS_FILE,
    NUM_CUSTOMERS,
    NUM_DAYS,
    TRANSACTIONS_FILE,
    generate_purchases,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("made") / "purchases"
    generate_purchases(root)
    return root


@pytest.fixture(scope="module")
def table(folder):
    return pd.read_csv(folder / TRANSACTIONS_FILE, dtype={"article_id": str})


def test_files_are_in_the_competitions_format(folder, table):
    customers = pd.read_csv(folder / CUSTOMERS_FILE)
    assert len(customers) == NUM_CUSTOMERS
    assert list(table.columns) == ["t_dat", "customer_id", "article_id", "price", "sales_channel_id"]
    assert set(table["customer_id"]) <= set(customers["customer_id"])
    assert set(table["article_id"]) <= set(sample_articles()["article_id"])
    assert table["t_dat"].is_monotonic_increasing
    assert table["t_dat"].nunique() == NUM_DAYS
    assert table["t_dat"].max() == "2020-09-22"
    assert (table["price"] > 0).all()
    assert set(table["sales_channel_id"]) == {1, 2}


def test_the_same_everywhere(folder, tmp_path):
    generate_purchases(tmp_path / "again")
    for name in (CUSTOMERS_FILE, TRANSACTIONS_FILE):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_there_is_something_to_learn_and_something_new(table):
    counts = table["article_id"].value_counts()
    assert counts.head(len(counts) // 10).sum() > 0.4 * len(table), "a few articles are popular"
    before, week = table[table["t_dat"] < "2020-09-16"], table[table["t_dat"] >= "2020-09-16"]
    known = set(zip(before["customer_id"], before["article_id"], strict=True))
    again = [pair in known for pair in zip(week["customer_id"], week["article_id"], strict=True)]
    shuffled = week.assign(article_id=week["article_id"].sample(frac=1, random_state=0).to_numpy())
    by_chance = [pair in known for pair in zip(shuffled["customer_id"], shuffled["article_id"], strict=True)]
    assert sum(again) > 2 * sum(by_chance), "customers buy again"
    new = ~week["article_id"].isin(before["article_id"])
    assert 0.02 < new.mean() < 0.2, "articles that nobody had bought before"
