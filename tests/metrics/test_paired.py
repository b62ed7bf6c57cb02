"""Two models on the same articles: bounds that hold, with variants of a product kept together."""

import numpy as np
import pytest

from hmexp.metrics.paired import holm, paired_bootstrap

CLASSES = tuple("abcdefghi")
SHARES = np.array([42680, 19770, 13276, 11302, 5462, 5156, 3125, 2431, 1898]) / 105_100
"""Of H&M's nine classes."""


def probabilities(predicted, confidence=0.8):
    table = np.full((len(predicted), len(CLASSES)), (1 - confidence) / (len(CLASSES) - 1), np.float32)
    table[np.arange(len(predicted)), predicted] = confidence
    return table


def predictions(rng, targets, both=0.75, only_a=0.05, only_b=0.05):
    """Two models' classes: both right, one alone, or neither."""
    chance = rng.random(len(targets))
    wrong = (targets + 1 + rng.integers(len(CLASSES) - 1, size=len(targets))) % len(CLASSES)
    right_a = chance < both + only_a
    right_b = (chance < both) | ((chance >= both + only_a) & (chance < both + only_a + only_b))
    return np.where(right_a, targets, wrong), np.where(right_b, targets, wrong)


def compared(seed, num, draws=1000, groups=None, **shares):
    rng = np.random.default_rng(seed)
    targets = rng.choice(len(CLASSES), size=num, p=SHARES)
    a, b = predictions(rng, targets, **shares)
    groups = np.arange(num) if groups is None else groups
    return paired_bootstrap(targets, probabilities(a), probabilities(b), groups, CLASSES, draws, seed)


def test_a_model_against_itself_differs_in_nothing():
    found = compared(0, 500, only_a=0.0, only_b=0.0)
    assert all((item.value, item.low, item.high) == (0, 0, 0) for item in found.metrics.values())
    assert (found.classes["p"] == 1).all()


def test_equal_models_are_found_better_as_often_as_promised():
    better = [compared(seed, 1000).metrics["macro_f1"].low > 0 for seed in range(100)]
    assert np.mean(better) <= 0.08, "5 % and what 100 tries add by chance"


def test_a_better_model_is_found_and_a_worse_one_not():
    found = [compared(seed, 2000, only_a=0.09, only_b=0.04).metrics["accuracy"] for seed in range(10)]
    assert all(item.low > 0 for item in found)
    assert not any(compared(seed, 2000, only_a=0.04, only_b=0.09).metrics["accuracy"].high > 0 for seed in range(10))


def test_variants_are_drawn_together():
    """Ten copies of each article say no more than one."""
    rng = np.random.default_rng(0)
    targets = rng.choice(len(CLASSES), size=300, p=SHARES)
    a, b = predictions(rng, targets)
    once = paired_bootstrap(targets, probabilities(a), probabilities(b), np.arange(300), CLASSES, 4000)
    ten = [np.repeat(values, 10) for values in (targets, a, b, np.arange(300))]
    often = paired_bootstrap(ten[0], probabilities(ten[1]), probabilities(ten[2]), ten[3], CLASSES, 4000)
    alone = paired_bootstrap(ten[0], probabilities(ten[1]), probabilities(ten[2]), np.arange(3000), CLASSES, 4000)
    error = once.metrics["accuracy"].standard_error
    assert often.metrics["accuracy"].standard_error == pytest.approx(error, rel=0.1)
    assert alone.metrics["accuracy"].standard_error == pytest.approx(error / np.sqrt(10), rel=0.1)


def test_the_standard_error_is_that_of_the_textbook():
    num = 4000
    found = compared(3, num, draws=4000).metrics["accuracy"]
    assert found.standard_error == pytest.approx(np.sqrt(0.10 / num), rel=0.1)


def test_the_class_that_is_worse_has_a_small_p():
    targets = np.repeat(np.arange(9), 200)
    a, b = targets.copy(), targets.copy()
    a[:60] = 1  # 60 of 200 of the class `a`
    found = paired_bootstrap(
        targets, probabilities(a), probabilities(b), np.arange(len(targets)), CLASSES, 1000
    ).classes
    assert found.loc[0, "p"] < 0.01
    assert found.loc[0, ["label", "articles"]].tolist() == ["a", 200]
    assert found.loc[2:, "p"].tolist() == [1.0] * 7


def test_draws_in_several_parts_are_as_many(monkeypatch):
    monkeypatch.setattr("hmexp.metrics.paired.AT_ONCE", 88 * 100)
    found = compared(0, 200, draws=250)
    assert (found.classes["p"] * 251).round(6).eq((found.classes["p"] * 251).round()).all()
    assert found.metrics["accuracy"].standard_error == pytest.approx(np.sqrt(0.10 / 200), rel=0.2)


def test_holm():
    adjusted = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])  # the example of the textbooks
    assert holm(np.array([0.9, 0.8])) == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize(("targets", "rows", "groups"), [(0, 0, 0), (3, 2, 3), (3, 3, 2)])
def test_other_shapes_are_refused(targets, rows, groups):
    with pytest.raises(ValueError, match="expected probabilities of the same articles"):
        table = probabilities(np.zeros(rows, int))
        paired_bootstrap(np.zeros(targets, int), table, table, np.arange(groups), CLASSES)
