"""Figures of a validation: means and shares as they are by hand, with intervals, and differences that are paired."""

import numpy as np
import pandas as pd
import pytest

from hmexp.recommend.candidates import SOURCE_NAMES
from hmexp.recommend.evaluation import evaluate, words_of
from hmexp.recommend.validation import COLD_METHODS, METHODS, RANKER, WITHOUT, of_training


def rows(num=400, trainings=1, gain=0.01, noise=0.0):
    """Customers whose ranker is better by `gain` everywhere, and by `noise` in every other training."""
    rng = np.random.default_rng(0)
    base = rng.random(num)
    table = {"bought": np.full(num, 2), "cold": np.arange(num) % 2, "fresh": np.full(num, 1)}
    for name in METHODS:
        table |= {f"ap: {name}": base + gain * (name == RANKER), f"cold: {name}": np.zeros(num)}
    for number in range(trainings):
        for name in (RANKER, WITHOUT):
            better = (gain + noise * (-1) ** number) * (name == RANKER)
            table |= {f"ap: {of_training(name, number)}": base + better, f"cold: {of_training(name, number)}": 0.0}
    table |= {f"new: {name}": (np.arange(num) % 4 == 1) * (name == "look alike") for name in COLD_METHODS}
    for name in SOURCE_NAMES:
        table |= {f"found: {name}": (name == "own") * np.ones(num), f"fresh: {name}": np.zeros(num)}
    return pd.DataFrame(table)


def test_figures_are_means_and_shares():
    table = rows()
    found = evaluate(table, seed=0)
    assert (found.num_customers, found.num_bought, found.num_cold) == (400, 800, 200)
    methods = found.methods.set_index("method")
    assert list(methods.index) == list(METHODS)
    for name in METHODS:
        assert methods.loc[name, "map_at_12"] == pytest.approx(table[f"ap: {name}"].mean())
        assert methods.loc[name, "low"] < methods.loc[name, "map_at_12"] < methods.loc[name, "high"]
    half = 1.96 * table["ap: repurchase"].std() / 20
    assert methods.loc["repurchase", "high"] - methods.loc["repurchase", "map_at_12"] == pytest.approx(half, rel=0.2)
    lists = found.cold_lists.set_index("method")
    assert lists.loc["look alike", "hit_rate"] == 0.5
    assert lists.loc["look alike", "low"] < 0.5 < lists.loc["look alike", "high"]
    assert lists.loc["random", "hit_rate"] == 0
    assert found.sources.set_index("source").loc["own"].tolist() == [0.5, 0.0]


def test_what_pictures_add_is_paired_over_customers():
    gain = evaluate(rows(), seed=0).pictures.set_index("figure").loc["MAP@12"]
    assert gain["value"] == pytest.approx(0.01)
    assert gain["high"] - gain["low"] < 1e-9, "every customer gains the same"


def test_its_interval_knows_that_trainings_differ():
    found = evaluate(rows(trainings=6, noise=0.02), seed=0)
    gain = found.pictures.set_index("figure").loc["MAP@12"]
    assert gain["value"] == pytest.approx(0.01)
    assert gain["low"] < 0 < gain["high"]
    assert len(found.trainings) == 12
    assert "6 trainings" in words_of(found)[-1]
    assert "another may differ" in words_of(evaluate(rows(), seed=0))[-1]


def test_without_purchases_of_new_articles_there_is_no_hit_rate():
    found = evaluate(rows().assign(cold=0), seed=0)
    assert found.methods["cold_hit_rate"].isna().all()
    assert found.pictures["value"].isna().tolist() == [False, True]
    assert len(words_of(found)) == 2


def test_without_pictures_nothing_is_said_of_them():
    table = rows()
    found = evaluate(
        table[[name for name in table if WITHOUT not in name and "pictures" not in name]].assign(
            **{"found: pictures": 0, "fresh: pictures": 0}
        ),
        seed=0,
    )
    assert found.pictures.empty
    assert words_of(found) == []
