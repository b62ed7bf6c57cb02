"""What the figures of a page show."""

import re

import numpy as np
import pandas as pd
import pytest

from hmexp.metrics.calibration import reliability
from hmexp.metrics.confused import Curve
from hmexp.metrics.evaluation import evaluate_logits
from hmexp.reports import charts
from hmexp.reports.comparison import difference_strips


@pytest.fixture
def evaluation():
    logits = np.array([[3, 0, 0], [3, 0, 0], [0, 3, 0], [3, 0, 0]], np.float32)
    return evaluate_logits("test", logits, np.array([0, 0, 1, 1]), ("a", "b", "c"))


def test_curves_mark_the_best_epoch_and_name_each_point():
    history = pd.DataFrame({"epoch": [1, 2], "train/loss": [1.0, 0.5], "val/loss": [1.2, np.nan]})
    (chart,) = charts.curves(history, best_epoch=2)
    assert chart.title == "Loss"
    assert "best: 2" in chart.drawing
    assert "epoch 2: train loss 0.500" in chart.drawing
    assert "nan" not in chart.drawing
    assert chart.numbers.frame.columns.tolist() == ["epoch", "train", "val"]


def test_many_epochs_have_few_dots():
    epochs = np.arange(1, 501)
    history = pd.DataFrame({"epoch": epochs, "train/accuracy": epochs / 500, "val/accuracy": epochs / 600})
    (chart,) = charts.curves(history, best_epoch=500)
    assert chart.drawing.count('class="mark"') <= 2 * (charts.MAX_DOTS + 1)
    assert "epoch 500: val" in chart.drawing


def test_a_long_tail_is_on_a_logarithmic_scale_that_says_so():
    tail = pd.DataFrame({"catalogue": [9000, 3], "train": [900, 0]}, index=["a", "b"])
    strips = charts.count_strips(tail)
    assert "logarithmic scale" in strips.columns[1] and "logarithmic scale" in strips.note
    assert strips.rows[1].drawing.count("<circle") == 1, "no dot for nothing"
    assert "linear" in charts.count_strips(tail.clip(lower=800)).note
    assert charts.count_strips(pd.DataFrame({"total": [0]}, index=["a"])).rows


def test_class_strips_leave_absent_classes_to_the_note(evaluation):
    ends = pd.DataFrame({"label": ["a", "b"], "name": "f1", "value": 0.5, "low": [0.4, np.nan], "high": [0.6, np.nan]})
    strips = charts.class_strips(evaluation, ends)
    assert [row.name for row in strips.rows] == ["b", "a"], "the worst first"
    assert [row.words for row in strips.rows] == ["0.67", "0.80 (0.40 to 0.60)"]
    assert "Without a picture in this split: c" in strips.note
    assert charts.class_strips(evaluation, pd.DataFrame()).rows[0].words == "0.67"


def test_the_matrix_counts_and_shades(evaluation):
    matrix = charts.confusion_matrix(evaluation)
    assert [[cell[:2] for cell in row] for row in matrix.rows()] == [
        [(2, 10), (0, 0), (0, 0)],
        [(1, 5), (1, 5), (0, 0)],
        [(0, 0), (0, 0), (0, 0)],
    ]


def test_reliability_says_what_was_claimed(evaluation):
    table = reliability(evaluation.probabilities, np.array([0, 0, 1, 1]))
    chart = charts.reliability_chart(table, "As trained")
    assert "4 pictures, 75% right, 91% claimed" in chart.drawing
    assert chart.numbers.frame["pictures"].sum() == 4


def test_of_many_classes_the_worst_have_a_colour_and_a_name():
    found = [Curve(f"c{n}", 5, np.array([0.5, 1.0]), np.array([1.0, 0.0]), n / 20) for n in range(15)]
    chart = charts.precision_recall_chart(found)
    assert [name for name, _ in chart.legend] == [*(f"c{n} {n / 20:.2f}" for n in range(8)), "7 other classes"]
    assert "c14: average precision 0.70" in chart.drawing
    assert charts.precision_recall_chart([]).legend == ()


def test_differences_point_to_the_better_model_whatever_the_direction():
    rows = [
        ("accuracy", 0.8, 0.7, 0.1, 0.05, 0.15),
        ("ece", 0.2, 0.1, 0.1, 0.05, 0.15),
        ("loss", 0.5, 0.6, -0.1, -0.2, 0.1),
    ]
    table = pd.DataFrame(rows, columns=["metric", "a", "b", "difference", "low", "high"])
    points, nats = difference_strips(table, "one", "two")
    assert [row.words for row in points.rows] == ["+10.0 (+5.0 to +15.0)", "-10.0 (-15.0 to -5.0)"]
    assert [re.search(r"dot (\w+)", row.drawing)[1] for row in points.rows] == ["train", "val"]
    assert nats.rows[0].words == "+0.100 (-0.100 to +0.200)"
    assert "dot quiet" in nats.rows[0].drawing
