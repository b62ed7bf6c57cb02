"""Figures of how a model errs: what they say, and that nothing overlaps or is cut, from 2 classes to 40."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from hmexp.metrics.bootstrap import bootstrap
from hmexp.metrics.calibration import reliability, with_temperature
from hmexp.metrics.compare import compare
from hmexp.metrics.confused import most_confused, pr_curves
from hmexp.metrics.evaluation import evaluate_logits
from hmexp.metrics.slices import by_slice
from hmexp.reports import evaluation as drawings
from hmexp.reports import figures, sheets
from hmexp.reports.style import png_bytes, shorten

pytestmark = pytest.mark.slow

CLASSES = {
    2: ("Bags", "Shoes and other things that are worn on feet"),
    9: tuple(f"Garment group {number}" for number in range(9)),
    40: tuple(f"Product group with a long name {number:02d}" for number in range(40)),
}
COUNTS = pytest.mark.parametrize("count", CLASSES)


def world(count, skill=2.0, seed=1):
    """Logits, targets and evaluation of 400 pictures; the last class has none where there are more than two."""
    targets = np.random.default_rng(0).integers(0, count - (count > 2), 400)
    logits = np.random.default_rng(seed).normal(size=(400, count)).astype(np.float32)
    logits[np.arange(400), targets] += skill
    return logits, targets, evaluate_logits("test", logits, targets, CLASSES[count])


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]


def out_of_view(figure):
    """Names of ticks beyond the ends of their axis, which exist but are not drawn."""
    return {
        id(tick.label1)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }


def is_whole(figure):
    """Every word is inside the figure, and no two names of an axis overlap."""
    png_bytes(figure)
    assert 450 <= figure.bbox.width <= 1660
    hidden = out_of_view(figure)
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible() and id(text) not in hidden:
            box = text.get_window_extent()
            inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= figure.bbox.width + 1
            assert inside and box.y1 <= figure.bbox.height + 1, text.get_text()
    for axes in figure.axes:
        labels = [label for label in axes.get_yticklabels() if label.get_text() and id(label) not in hidden]
        heights = sorted((box.y0, box.y1) for box in (label.get_window_extent() for label in labels))
        assert all(below[1] <= above[0] + 0.5 for below, above in pairwise(heights))
    return True


@COUNTS
def test_a_reliability_diagram_shows_both_errors_and_the_temperature(count):
    logits, targets, evaluation = world(count)
    cool = with_temperature(logits, 1.5)
    figure = drawings.reliability_diagram(
        reliability(evaluation.probabilities, targets), reliability(cool, targets), 1.5
    )
    after = evaluate_logits("test", logits / 1.5, targets, evaluation.classes).metrics["ece"]
    assert f"As trained: ECE {evaluation.metrics['ece']:.3f}" in texts(figure)
    assert f"With a temperature of 1.5: ECE {after:.3f}" in texts(figure)
    assert is_whole(figure)


def test_bars_of_accuracy_stand_where_the_confidence_is():
    probabilities = np.float32([[0.6, 0.4], [0.62, 0.38], [0.05, 0.95]])
    table = reliability(probabilities, np.array([0, 1, 1]))
    figure = drawings.reliability_diagram(table, table, 1.0)
    accuracy, gap = figure.axes[0].containers
    assert [(bar.get_x(), bar.get_height()) for bar in accuracy] == [
        (pytest.approx(0.6), 0.5),
        (pytest.approx(14 / 15), 1),
    ]
    assert [bar.get_y() + bar.get_height() for bar in gap] == pytest.approx([0.61, 0.95])
    assert sum(bar.get_height() for bar in figure.axes[2].patches) == pytest.approx(1)


@COUNTS
def test_precision_and_recall_name_the_worst_classes(count):
    _, targets, evaluation = world(count)
    curves = pr_curves(evaluation.probabilities, targets, evaluation.classes)
    figure = drawings.precision_recall(curves)
    worst = min(curves, key=lambda curve: curve.average_precision)
    assert f"{shorten(worst.label)}: {worst.average_precision:.2f} ({worst.support:,})" in texts(figure)
    assert any("other classes" in text for text in texts(figure)) == (count == 40)
    assert is_whole(figure)
    drawn = [line for line in figure.axes[0].lines if len(line.get_xdata())]
    assert len(drawn) == len(curves)
    assert all((np.diff(line.get_ydata()) <= 0).all() and (np.diff(line.get_xdata()) >= 0).all() for line in drawn)


def table_of_slices(num, accuracy=None):
    rng = np.random.default_rng(0)
    share = np.sort(rng.random(num)) if accuracy is None else np.full(num, accuracy)
    names = [f"{number:02d} of the colour groups of a long catalogue" for number in range(num)]
    low, high = np.maximum(share - 0.2, 0), np.minimum(share + 0.1, 1)
    columns = {"value": names, "num": 12_345, "accuracy": share, "low": low, "high": high, "macro_f1": share}
    return pd.DataFrame(columns)


@pytest.mark.parametrize(("num", "accuracy"), [(0, None), (1, None), (5, 1.0), (12, None), (70, None)])
def test_slices_are_whole_and_at_most_forty(num, accuracy):
    table = table_of_slices(num, accuracy)
    figure = drawings.slice_bars(table, "colour_group_name_of_the_article")
    assert is_whole(figure)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels() if label.get_text()]
    assert labels == [shorten(name, drawings.LONG_LABEL) for name in table["value"].head(40)]
    assert any("the worst 40 of 70" in text for text in texts(figure)) == (num == 70)


def test_the_worst_slice_is_on_top_and_whiskers_are_the_interval():
    frame = pd.DataFrame(
        {"target": ["a"] * 80, "predicted": ["a"] * 30 + ["b"] * 50, "colour": ["red"] * 40 + ["blue"] * 40}
    )
    table = by_slice(frame, "colour")
    axes = drawings.slice_bars(table, "colour").axes[0]
    bars = {bar.get_width(): bar.get_y() for bar in axes.patches}
    assert bars[0.0] > bars[0.75]
    segments = axes.collections[0].get_segments()
    assert [segment[:, 0].tolist() for segment in segments] == [
        pytest.approx([row["low"], row["high"]]) for _, row in table.iterrows()
    ]
    assert "accuracy with its 95 % interval; the line is that of all pictures, 0.375" in axes.get_xlabel()


@COUNTS
def test_intervals_of_classes_name_support_and_absent_classes(count):
    _, targets, evaluation = world(count)
    intervals = bootstrap(evaluation.probabilities, targets, evaluation.classes, resamples=100)
    figure = drawings.intervals_bars(evaluation, intervals.per_class)
    assert is_whole(figure)
    assert texts(figure).count("no picture in this split") == (count > 2)
    row = intervals.per_class[intervals.per_class["name"] == "f1"].iloc[0]
    support = evaluation.per_class["support"][0]
    said = f"{row['value']:.2f}  ({row['low']:.2f} to {row['high']:.2f}, {support} pictures)"
    assert said in texts(figure)
    best = evaluation.per_class.sort_values(["f1", "support"])["label"].iloc[-1]
    assert figure.axes[0].get_yticklabels()[0].get_text() == shorten(best)


def test_a_perfect_model_still_fits():
    targets = np.arange(400) % 2
    logits = 20 * np.eye(2, dtype=np.float32)[targets]
    evaluation = evaluate_logits("test", logits, targets, CLASSES[2])
    intervals = bootstrap(evaluation.probabilities, targets, CLASSES[2], resamples=50)
    assert is_whole(drawings.intervals_bars(evaluation, intervals.per_class))
    assert is_whole(drawings.precision_recall(pr_curves(evaluation.probabilities, targets, CLASSES[2])))
    assert is_whole(sheets.confused_pairs(most_confused(evaluation.confusion, CLASSES[2]), [], []))


@COUNTS
def test_a_normalised_confusion_has_percentages_of_the_row(count):
    evaluation = world(count)[2]
    figure = figures.confusion(evaluation, normalised=True)
    assert is_whole(figure)
    shares = evaluation.confusion / np.maximum(evaluation.confusion.sum(axis=1, keepdims=True), 1)
    printed = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    assert printed[(0, 0)] == f"{100 * shares[0, 0]:.0f}"
    assert len(printed) == (evaluation.confusion > 0).sum()
    assert np.allclose(figure.axes[0].images[0].get_array(), shares)


def test_a_small_share_is_not_printed_as_none():
    targets = np.zeros(1000, np.int64)
    logits = np.tile(np.float32([1, 0]), (1000, 1))
    logits[0] = [0, 1]
    evaluation = evaluate_logits("test", logits, targets, CLASSES[2])
    assert {"100", "<1"} <= set(texts(figures.confusion(evaluation, normalised=True)))


@COUNTS
def test_a_comparison_points_to_the_better_model_whatever_the_metrics_direction(count):
    _, targets, evaluation = world(count)
    worse = world(count, skill=1.0, seed=2)[2].probabilities
    table = compare(targets, evaluation.probabilities, worse).table
    figure = drawings.comparison_bars(table, "a_run_with_a_long_name_of_2024-11-02", "baseline")
    assert is_whole(figure)
    points, nats = figure.axes
    loss = table.set_index("metric").loc["loss", "difference"]
    assert loss < 0
    assert nats.lines[1].get_xdata()[0] == pytest.approx(-loss)
    macro_f1 = table.set_index("metric").loc["macro_f1", "difference"]
    assert any(
        line.get_xdata()[0] == pytest.approx(100 * macro_f1) for line in points.lines if len(line.get_xdata()) == 1
    )


def test_a_comparison_with_itself_is_grey():
    _, targets, evaluation = world(9)
    figure = drawings.comparison_bars(compare(targets, evaluation.probabilities, evaluation.probabilities).table)
    assert is_whole(figure)
    drawn = [line for axes in figure.axes for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert {line.get_color() for line in drawn} == {drawings.GREY}


@pytest.mark.parametrize("rows", [1, 6])
def test_pairs_have_their_pictures_and_captions_beside_them(rows):
    pairs = pd.DataFrame(
        {"target": CLASSES[40][:rows], "predicted": CLASSES[40][6 : 6 + rows], "count": 1234, "share": 0.125}
    )
    pictures = [np.full((1 + number, 24, 24, 3), 20 * number, np.uint8) for number in range(rows)]
    captions = [
        [f"article {number} {row}\n90 %" for number in range(len(images))] for row, images in enumerate(pictures)
    ]
    figure = sheets.confused_pairs(pairs, pictures, captions)
    assert is_whole(figure)
    (axes,) = figure.axes
    assert len(axes.images) == sum(len(images) for images in pictures)
    assert {text for row in captions for text in row} <= set(texts(figure))
    heads = [text for text in axes.texts if "taken for" in text.get_text()]
    assert len(heads) == rows
    assert "1,234 times, 12% of its pictures" in heads[0].get_text()
    column = min(image.get_window_extent().x0 for image in axes.images)
    assert all(head.get_window_extent().x1 < column for head in heads)


def test_more_pictures_than_fit_a_row_are_left_out():
    pairs = pd.DataFrame({"target": ["a"], "predicted": ["b"], "count": [9], "share": [0.5]})
    pictures = [np.zeros((9, 8, 8, 3), np.uint8)]
    figure = sheets.confused_pairs(pairs, pictures, [["x"] * 9])
    assert len(figure.axes[0].images) == sheets.A_ROW


@pytest.mark.parametrize("count", [1, 9])
def test_heat_is_clear_where_it_is_cold(count):
    pictures = np.full((count, 16, 16, 3), 200, np.uint8)
    heats = np.zeros((count, 16, 16), np.float32)
    heats[:, 4, 5] = 1
    captions = [f"Garment Upper body\ntaken for Shoes\n{number}%" for number in range(count)]
    figure = sheets.heat_sheet(pictures, heats, captions, "Where the model looked")
    assert is_whole(figure)
    assert set(captions) <= set(texts(figure))
    overlays = figure.axes[0].images[count:]
    assert len(overlays) == count
    for overlay in overlays:
        assert overlay.get_alpha()[4, 5] == pytest.approx(sheets.HEAT)
        assert overlay.get_alpha().sum() == pytest.approx(sheets.HEAT)


def test_each_picture_needs_a_heat_map():
    with pytest.raises(ValueError):
        sheets.heat_sheet(np.zeros((2, 8, 8, 3), np.uint8), np.zeros((1, 8, 8), np.float32), ["a", "b"], "title")


def test_these_figures_import_neither_pyplot_nor_tensorflow_nor_scipy():
    code = "import sys, hmexp.reports.evaluation, hmexp.reports.sheets; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"matplotlib.pyplot", "tensorflow", "keras", "sklearn", "scipy.stats"} & set(done.stdout.split())
