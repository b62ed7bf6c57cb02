"""Slices by text and by numbers, small ones together, with intervals that SciPy confirms."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from hmexp.metrics.slices import by_slice, slice_values, wilson


def predictions(column, share=0.7, seed=0):
    rng = np.random.default_rng(seed)
    targets = rng.choice(["a", "b", "c"], len(column))
    predicted = np.where(rng.random(len(column)) < share, targets, rng.choice(["a", "b", "c", "d"], len(column)))
    return pd.DataFrame({"target": targets, "predicted": predicted, "colour": column})


def test_figures_of_each_value_are_those_of_its_rows():
    frame = predictions(["red"] * 50 + ["blue"] * 80 + ["green"] * 30)
    table = by_slice(frame, "colour").set_index("value")
    assert set(table.index) == {"red", "blue", "green"}
    for value, part in frame.groupby("colour"):
        row = table.loc[value]
        right = int((part["target"] == part["predicted"]).sum())
        assert row["num"] == len(part)
        assert row["accuracy"] == pytest.approx(right / len(part))
        labels = sorted(part["target"].unique())
        expected = f1_score(part["target"], part["predicted"], labels=labels, average="macro", zero_division=0)
        assert row["macro_f1"] == pytest.approx(expected)
        interval = binomtest(right, len(part)).proportion_ci(method="wilson")
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))


def test_the_worst_comes_first():
    frame = pd.concat([predictions(["good"] * 60, 1.0), predictions(["bad"] * 60, 0.0), predictions(["fair"] * 60)])
    table = by_slice(frame.reset_index(drop=True), "colour")
    assert table["value"].tolist() == ["bad", "fair", "good"]
    assert list(table.columns) == ["value", "num", "accuracy", "low", "high", "macro_f1"]


def test_small_slices_go_together_and_missing_ones_have_a_name():
    column = ["red"] * 40 + ["pink"] * 19 + ["gold"] * 3 + [None] * 20 + [""] * 5 + [" "]
    table = by_slice(predictions(column), "colour").set_index("value")
    assert table["num"].to_dict() == {"red": 40, "(rare)": 22, "(none)": 26}
    table = by_slice(predictions(column), "colour", min_num=3).set_index("value")
    assert table["num"].to_dict() == {"red": 40, "pink": 19, "gold": 3, "(none)": 26}


def test_all_rows_are_in_exactly_one_slice():
    column = np.random.default_rng(0).normal(size=500)
    column[::7] = np.nan
    table = by_slice(predictions(column), "colour")
    assert table["num"].sum() == 500


@pytest.mark.parametrize("kind", [float, str])
def test_many_numbers_are_cut_into_quartiles_be_they_text_or_not(kind):
    column = pd.Series([kind(value) for value in range(100)], dtype=object if kind is str else float)
    found = slice_values(column)
    names = ["up to 24.75", "above 24.75 to 49.5", "above 49.5 to 74.25", "above 74.25"]
    assert found.value_counts().to_dict() == dict.fromkeys(names, 25)
    assert found.tolist() == np.repeat(names, 25).tolist()


def test_a_number_that_most_rows_share_leaves_fewer_parts():
    found = slice_values(pd.Series([0.0] * 90 + list(range(1, 21))))
    assert found.value_counts().to_dict() == {"up to 0": 90, "above 0": 20}


def test_few_numbers_stay_as_they_are_and_so_do_codes():
    assert slice_values(pd.Series([1, 2, None, 2.5])).tolist() == ["1", "2", "(none)", "2.5"]
    codes = [f"{number:03d}" for number in range(20)]
    assert slice_values(pd.Series(codes)).tolist() == codes
    mixed = [*map(str, range(20)), "unknown"]
    assert slice_values(pd.Series(mixed)).tolist() == mixed
    assert slice_values(pd.Series([True, False])).tolist() == ["True", "False"]
    assert slice_values(pd.Series(["", None], dtype=object)).tolist() == ["(none)", "(none)"]
    assert slice_values(pd.Series(pd.Categorical(["x", None]))).tolist() == ["x", "(none)"]


@pytest.mark.parametrize(("right", "num"), [(0, 5), (5, 5), (1, 3), (70, 100), (999, 1000)])
def test_wilson_is_scipys(right, num):
    expected = binomtest(right, num).proportion_ci(method="wilson")
    assert wilson(right, num) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_any_index_will_do():
    frame = predictions(["red"] * 30 + ["blue"] * 30)
    assert by_slice(frame.set_index(np.zeros(60, int)), "colour").equals(by_slice(frame, "colour"))


def test_an_unknown_column_is_named_with_the_ones_there_are():
    with pytest.raises(ValueError, match="expected one of target, predicted, colour, received color"):
        by_slice(predictions(["red"]), "color")
