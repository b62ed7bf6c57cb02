"""Bins against a count by hand, and a temperature that is known."""

import numpy as np
import pytest
from scipy.special import softmax

from hmexp.metrics.calibration import (
    calibration_error,
    cross_entropy,
    fit_temperature,
    helpful_temperature,
    reliability,
    with_temperature,
)
from hmexp.metrics.evaluation import expected_calibration_error


def calibrated(num=20_000, seed=0):
    """Logits, and targets drawn from exactly their probabilities."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(scale=2.0, size=(num, 5))
    cumulated = softmax(logits, axis=1).cumsum(axis=1)
    targets = (rng.random((num, 1)) > cumulated).sum(axis=1).clip(max=4)
    return logits.astype(np.float32), targets


def test_bins_by_hand():
    probabilities = np.float32([[0.6, 0.4], [0.62, 0.38], [0.05, 0.95], [0.0, 1.0]])
    table = reliability(probabilities, np.array([0, 1, 1, 1]))
    assert len(table) == 15
    assert table["count"].sum() == 4
    assert table.loc[9].tolist() == pytest.approx([0.61, 0.5, 2])
    assert table.loc[14].tolist() == pytest.approx([0.975, 1.0, 2])
    assert table.loc[[0, 8, 10, 13], ["confidence", "accuracy"]].isna().all(axis=None)


def test_the_error_of_the_bins_is_the_expected_calibration_error():
    logits, targets = calibrated(500)
    probabilities = softmax(3 * logits, axis=1)
    expected = expected_calibration_error(probabilities.astype(np.float64), targets)
    assert expected > 0.05
    assert calibration_error(reliability(probabilities, targets)) == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_known_temperature_is_found(temperature):
    logits, targets = calibrated()
    assert fit_temperature(logits * temperature, targets) == pytest.approx(temperature, rel=0.03)


def test_the_temperature_is_the_lowest_of_a_grid_and_mends_confidence():
    logits, targets = calibrated(2000)
    loud = 3 * logits
    found = fit_temperature(loud, targets)
    grid = np.geomspace(0.05, 20, 400)
    lowest = grid[np.argmin([cross_entropy(loud.astype(np.float64) / value, targets) for value in grid])]
    assert found == pytest.approx(lowest, rel=0.02)
    before, after = (reliability(with_temperature(loud, value), targets) for value in (1.0, found))
    assert calibration_error(after) < calibration_error(before) / 3


def test_a_temperature_moves_no_prediction():
    logits, _ = calibrated(300)
    cool = with_temperature(logits, 4.0)
    assert cool.dtype == np.float32
    assert np.array_equal(cool.argmax(axis=1), logits.argmax(axis=1))
    assert cool == pytest.approx(softmax(logits / 4, axis=1), abs=1e-6)


def test_a_model_that_is_always_right_or_always_wrong_stays_within_the_bounds():
    logits = np.float32([[4, 0], [0, 4]])
    assert 0.05 <= fit_temperature(logits, np.array([0, 1])) < 0.1
    assert 19 < fit_temperature(logits, np.array([1, 0])) <= 20


def test_no_rows_is_an_error():
    with pytest.raises(ValueError, match="received none"):
        fit_temperature(np.zeros((0, 2), np.float32), np.zeros(0, np.int64))


def test_a_temperature_that_helps_is_kept():
    logits, targets = calibrated(2000)
    assert helpful_temperature(3 * logits, targets) == fit_temperature(3 * logits, targets)


@pytest.mark.parametrize("num", [3, 12, 60])
def test_a_temperature_that_only_fits_its_own_pictures_is_not_kept(num):
    """Calibrated already: what a fit finds in a few pictures is chance. Over many draws few are kept."""
    kept = [helpful_temperature(*calibrated(num, seed)) != 1.0 for seed in range(40)]
    assert np.mean(kept) < 0.3


def test_logits_without_numbers_have_the_temperature_one():
    logits = np.full((50, 3), np.nan, np.float32)
    assert helpful_temperature(logits, np.zeros(50, np.int64)) == 1.0
