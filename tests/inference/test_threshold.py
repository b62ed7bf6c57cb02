"""The confidence below which a prediction is unknown."""

import numpy as np
import pandas as pd
import pytest

from hmexp.config.errors import UserError
from hmexp.inference.threshold import choose_threshold, threshold_of
from hmexp.models.bundle import Card

CARD = Card(["a", "b"], 16, "stretch", 2.0, {}, "", {})


def test_the_most_predictions_that_have_the_precision_stay():
    confidences = np.linspace(1.0, 0.5, 100)
    right = np.ones(100, bool)
    right[[50, 60, 70, 80, 90]] = False
    found = choose_threshold(confidences, right, 0.97)
    assert (found.precision, found.coverage) == (pytest.approx(68 / 70), 0.70)
    assert found.confidence == pytest.approx(confidences[69])
    assert found.low < found.precision
    assert choose_threshold(confidences, right, 0.95).coverage == 1.0


def test_equal_confidences_stay_together():
    confidences = np.repeat([0.9, 0.6], 50)
    right = np.concatenate([np.ones(50, bool), np.tile([True, False], 25)])
    assert choose_threshold(confidences, right, 0.9).coverage == 0.5
    with pytest.raises(UserError, match=r"received 0.9 \(0.750 at best\)"):
        choose_threshold(np.full(100, 0.7), np.arange(100) >= 25, 0.9)


@pytest.mark.parametrize("num", [0, 29])
def test_too_few_pictures_say_nothing(num):
    with pytest.raises(UserError, match=f"{num} pictures of val"):
        choose_threshold(np.ones(num), np.ones(num, bool), 0.9)


def test_a_few_lucky_ones_are_no_threshold():
    """The surest 5 are right, and half of all: a precision of 0.9 that 5 pictures have is none."""
    right = np.concatenate([np.ones(5, bool), np.tile([True, False], 100)])
    with pytest.raises(UserError, match="reject: expected a precision that 30 pictures"):
        choose_threshold(np.linspace(1, 0, 205), right, 0.9)


def test_only_val_counts_and_the_temperature_is_that_of_the_card(tmp_path):
    val = pd.DataFrame({"split": "val", "target": ["a"] * 40, "p/a": 0.9, "p/b": 0.1})
    test = pd.DataFrame({"split": "test", "target": ["b"] * 99, "p/a": 0.99, "p/b": 0.01})
    pd.concat([val, test]).to_parquet(tmp_path / "predictions.parquet")
    found = threshold_of(tmp_path / "predictions.parquet", CARD, 0.95)
    assert (found.precision, found.coverage) == (1.0, 1.0)
    assert found.confidence == pytest.approx(0.75), "0.9 to 0.1 is 9 to 1, and 3 to 1 at temperature 2"
    with pytest.raises(UserError, match="reject: expected a model whose run has kept"):
        threshold_of(None, CARD, 0.95)
