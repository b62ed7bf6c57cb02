"""The figures of a run as SVG: curves, reliability, precision and recall, bars with intervals, counts of classes."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from markupsafe import Markup

from hmexp.metrics.calibration import calibration_error
from hmexp.metrics.confused import Curve
from hmexp.metrics.evaluation import Evaluation
from hmexp.reports.blocks import Chart, Matrix, PageTable, Strip, Strips, axis_strip, bar_marks, percent
from hmexp.reports.cells import metric_words
from hmexp.reports.figures import MAX_CLASSES, TAIL_RATIO, telling_classes
from hmexp.reports.plot import Line, Plot
from hmexp.reports.svg import Scale, around, element, joined, mark

SPLITS = (("train", "train"), ("val", "validation"))
MAX_POINTS = 80
"""Points of a curve of precision over recall: more cannot be told apart."""
MAX_NAMED = 9
MAX_SLICES = 40
MAX_DOTS = 60
"""Epochs up to which each has a dot of its own; of more every other one, and so on."""
FULL = Scale(0.0, 1.0, 0.0, 1.0)
DOTS = {"train": 6.0, "val": 6.0, "test": 3.0}
"""Radius of a split's dot, so that equal counts are all seen."""


def curves(history: pd.DataFrame, best_epoch: int) -> list[Chart]:
    """Macro F1, accuracy and loss of train and validation by epoch; the best epoch is marked."""
    return [_curve(history, name, best_epoch) for name in ("macro_f1", "accuracy", "loss") if f"val/{name}" in history]


def reliability_chart(table: pd.DataFrame, title: str) -> Chart:
    """Accuracy of the pictures in each bin of confidence, and its distance from the confidence that was claimed.

    Args:
        table: Of `hmexp.metrics.calibration.reliability`.
        title: Above the figure.
    """
    plot = Plot.of((0.0, 1.0), (0.0, 1.0), ("confidence", "accuracy"))
    edges = np.linspace(0, 1, len(table) + 1)
    marks = [element("path", d=f"M{plot.x(0)} {plot.y(0)}L{plot.x(1)} {plot.y(1)}", class_="reference")]
    for place, values in enumerate(table[["count", "accuracy", "confidence"]].itertuples(index=False, name=None)):
        count, accuracy, confidence = values
        low, high = float(edges[place]), float(edges[place + 1])
        if not count:
            continue
        left, width, base = plot.x(low) + 1, plot.x(high) - plot.x(low) - 2, plot.y(0)
        top, claimed = plot.y(accuracy), plot.y(confidence)
        bar = element("rect", x=left, y=top, width=width, height=base - top, class_="bar train")
        gap = element("rect", x=left, y=min(top, claimed), width=width, height=abs(top - claimed), class_="gap")
        words = f"confidence {low:.2f} to {high:.2f}: {count:,} pictures, {accuracy:.0%} right"
        marks.append(mark(joined([bar, gap]), f"{words}, {confidence:.0%} claimed"))
    note = f"Expected calibration error {calibration_error(table):.3f}: the mean distance from the dashed line."
    legend = (("share that is right", "train"), ("distance from what is claimed", "gap"))
    numbers = table[table["count"] > 0][["confidence", "accuracy", "count"]].rename(columns={"count": "pictures"})
    return Chart(title, plot.drawn(marks, f"{title}: accuracy over confidence"), note, legend, PageTable("", numbers))


def precision_recall_chart(found: Sequence[Curve]) -> Chart:
    """Precision over recall of each class; where there are more than nine, only the worst have a colour and a name."""
    worst = sorted(found, key=lambda curve: curve.average_precision)
    named = worst if len(worst) <= MAX_NAMED else worst[: MAX_NAMED - 1]
    plot = Plot.of((0.0, 1.0), (0.0, 1.0), ("recall", "precision"))
    marks, legend = [], []
    for curve in [*worst[len(named) :][::-1], *named[::-1]]:
        colour = f"c{named.index(curve)}" if curve in named else "quiet"
        words = f"{curve.label}: average precision {curve.average_precision:.2f}, {curve.support:,} pictures"
        marks.append(mark(plot.line(Line(curve.label, _envelope(curve), colour), steps=True), words))
        legend.append((f"{curve.label} {curve.average_precision:.2f}", colour) if curve in named else ("", ""))
    names = [item for item in legend[::-1] if item[0]]
    if len(worst) > len(named):
        names.append((f"{len(worst) - len(named)} other classes", "quiet"))
    mean = float(np.mean([curve.average_precision for curve in found])) if found else math.nan
    rows = [(curve.label, curve.average_precision, curve.support) for curve in worst]
    numbers = PageTable("", pd.DataFrame(rows, columns=["class", "average precision", "pictures"]))
    drawing = plot.drawn(marks, "precision over recall, a line a class")
    note = f"Mean average precision {mean:.3f}. The legend has each class's, the worst first."
    return Chart("Precision and recall", drawing, note, tuple(names), numbers)


def class_strips(evaluation: Evaluation, ends: pd.DataFrame) -> Strips:
    """F1 of each class with its 95 % interval, the worst on top; of more than 40 the worst 40 that have a picture.

    Args:
        evaluation: The split.
        ends: `label, name, value, low, high` of `hmexp.metrics.bootstrap.Intervals`; may be empty.
    """
    found = ends[ends["name"] == "f1"][["label", "low", "high"]].itertuples(index=False) if len(ends) else ()
    of_f1 = {str(label): (float(low), float(high)) for label, low, high in found if low == low}
    table = evaluation.per_class[evaluation.per_class["support"] > 0]
    shown = table.sort_values(["f1", "support"], kind="stable").head(MAX_CLASSES)
    rows = [
        _strip(str(label), f1, of_f1.get(str(label)), support, evaluation.split)
        for label, f1, support in shown[["label", "f1", "support"]].itertuples(index=False, name=None)
    ]
    which = f" The worst {len(shown)} of {len(table):,} classes." if len(shown) < len(table) else ""
    absent = f" Without a picture in this split: {', '.join(evaluation.absent[:10])}." if evaluation.absent else ""
    note = f"Bars are F1, whiskers its 95 % interval; the worst first.{which}{absent}"
    return Strips("F1 of each class", tuple(rows), ("class", "F1", "95 % interval", "pictures"), _unit_axis(), note)


def slice_strips(table: pd.DataFrame, column: str, mean: float) -> Strips:
    """Accuracy of each slice with its 95 % interval, the worst on top; at most 40 slices.

    Args:
        table: Of `hmexp.metrics.slices.by_slice`.
        column: What it is sliced by.
        mean: Accuracy of all pictures.
    """
    shown = table.head(MAX_SLICES)
    columns = ["value", "accuracy", "low", "high", "num"]
    rows = [
        _strip(str(value), accuracy, (low, high), num, "train", mean)
        for value, accuracy, low, high, num in shown[columns].itertuples(index=False, name=None)
    ]
    which = f" The worst {len(shown)} of {len(table):,}." if len(shown) < len(table) else ""
    note = f"Bars are accuracy, whiskers its 95 % interval; the dashed line is that of all pictures, {mean:.3f}.{which}"
    return Strips(f"By {column}", tuple(rows), (column, "accuracy", "95 % interval", "pictures"), _unit_axis(), note)


def count_strips(counts: pd.DataFrame) -> Strips:
    """Articles of each class in the catalogue and in each split, on a logarithmic axis where the tail is long.

    Args:
        counts: A row a class (index), a column each of `catalogue`, `train`, `val`, `test`, those that are there. Of
            more than 40 classes the 20 smallest and the 20 largest are shown.
    """
    order = counts.iloc[:, 0].sort_values(ascending=False, kind="stable").index
    half = MAX_CLASSES // 2
    table = counts.loc[order if len(order) <= MAX_CLASSES else [*order[:half], *order[-half:]]]
    filled = table.to_numpy()[table.to_numpy() > 0]
    top = float(filled.max()) if filled.size else 1.0
    log = bool(filled.size) and top > TAIL_RATIO * filled.min()
    scale = Scale(0.8 if log else 0.0, 10 ** math.ceil(math.log10(top * 1.05)) if log else 1.05 * top, 0.0, 1.0, log)
    colours = {str(name): str(name) if name in DOTS else "quiet" for name in table.columns}
    rows = tuple(Strip(str(name), _dots(row, scale, colours), "") for name, row in table.iterrows())
    kind = "logarithmic scale: each step is ten times the one before" if log else "linear scale"
    which = f" The {half} smallest and the {half} largest of {len(order):,} classes." if len(order) > len(table) else ""
    columns = ("class", f"articles ({'logarithmic' if log else 'linear'} scale)", "", "")
    axis = axis_strip(scale, scale.ticks())
    legend = tuple(colours.items())
    return Strips("Articles of each class", rows, columns, axis, f"A dot each; {kind}.{which}", legend)


def confusion_matrix(evaluation: Evaluation) -> Matrix:
    """The confusion; of more than 40 classes the 40 that are in the most mistakes."""
    chosen = telling_classes(evaluation.confusion)
    names = tuple(evaluation.classes[number] for number in chosen)
    which = f" The {len(chosen)} of {len(evaluation.classes):,} classes with the most mistakes."
    note = (
        "Rows are what a picture is, columns what it was taken for; the colour is the share of the row. "
        f"Point at a cell, or press it to see its mistakes.{which if len(chosen) < len(evaluation.classes) else ''}"
    )
    totals = evaluation.confusion.sum(axis=1)[chosen]
    return Matrix(f"Confusion on {evaluation.split}", names, evaluation.confusion[np.ix_(chosen, chosen)], totals, note)


def _curve(history: pd.DataFrame, name: str, best_epoch: int) -> Chart:
    epochs = history["epoch"].to_numpy(np.float64)
    every = -(-len(epochs) // MAX_DOTS)
    columns = {split: history[f"{split}/{name}"] for split, _ in SPLITS if f"{split}/{name}" in history}
    words = metric_words(name)
    title = f"{words[0].upper()}{words[1:]}"
    reach = around([value for column in columns.values() for value in column])
    low, high = (reach[0], min(1.0, reach[1])) if name != "loss" else (max(0.0, reach[0]), reach[1])
    span = (epochs.min() - 0.3, epochs.max() + 0.3)
    plot = Plot.of(span, (low, high), ("epoch", title + (" (nats)" if name == "loss" else "")))
    marks = [plot.upright(best_epoch, f"best: {best_epoch}")]
    for split, values in columns.items():
        points = tuple(zip(epochs, values.to_numpy(np.float64), strict=True))
        some = points if every == 1 else (*points[::every], points[-1])
        marks.append(plot.line(Line(split, points, split)))
        marks += [plot.dot(x, y, split, f"epoch {x:.0f}: {split} {words} {y:.3f}") for x, y in some if math.isfinite(y)]
    whole = [(tick, f"{tick:.0f}") for tick in plot.x.ticks(6) if tick == round(tick)]
    numbers = pd.DataFrame({"epoch": history["epoch"], **columns})
    legend = tuple((word, split) for split, word in SPLITS if split in columns)
    drawing = plot.drawn(marks, f"{title} by epoch", whole)
    return Chart(title, drawing, legend=legend, numbers=PageTable("", numbers))


def _envelope(curve: Curve) -> tuple[tuple[float, float], ...]:
    """Recall upwards and the best precision from there on, at some of the thresholds; see `precision_recall`."""
    recall, precision = curve.recall[::-1], np.maximum.accumulate(curve.precision)[::-1]
    kept = np.unique(np.linspace(0, len(recall) - 1, MAX_POINTS).astype(int))
    return tuple(zip(recall[kept].tolist(), precision[kept].tolist(), strict=True))


def _strip(
    name: str, value: float, ends: tuple[float, float] | None, num: int, colour: str, mean: float | None = None
) -> Strip:
    low, high = ends or (None, None)
    drawn = [bar_marks(value, low, high, colour)]
    if mean is not None:
        drawn.append(element("line", x1=percent(mean), x2=percent(mean), y1=0, y2=24, class_="reference"))
    words = f"{value:.2f}" if low is None else f"{value:.2f} ({low:.2f} to {high:.2f})"
    return Strip(name, element("svg", joined(drawn), class_="strip", aria_hidden="true"), words, int(num))


def _dots(row: pd.Series, scale: Scale, colours: dict[str, str]) -> Markup:
    track = element("line", x1="0%", x2="100%", y1=12, y2=12, class_="grid")
    dots = [
        mark(
            element(
                "circle",
                cx=percent(scale(count)),
                cy=12,
                r=DOTS.get(str(name), 6.5),
                class_=f"dot {colours[str(name)]}",
            ),
            words,
        )
        for name, count in row.items()
        if count > 0 and (words := f"{row.name}: {int(count):,} articles in {name}")
    ]
    return element("svg", joined([track, *dots]), class_="strip", aria_hidden="true")


def _unit_axis() -> Markup:
    return axis_strip(FULL, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
