"""Figures of how a model errs: calibration, precision and recall, slices, intervals, confusion, comparison."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from hmexp.metrics.calibration import calibration_error
from hmexp.metrics.confused import Curve
from hmexp.metrics.evaluation import Evaluation
from hmexp.metrics.names import METRICS
from hmexp.reports.cells import metric_words
from hmexp.reports.figures import MAX_CLASSES, PAPER
from hmexp.reports.style import GREY, INK, SPLIT_COLOURS, TEST, TRAIN, VAL, new_figure, quiet, shorten

LINES = ("#332288", "#CC6677", "#117733", "#DDCC77", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499")
"""Paul Tol's muted palette: nine lines that are told apart by colour-blind readers."""
MAX_SLICES, LONG_LABEL = 40, 40
MAX_OTHERS = 60
WHISKER = {"ecolor": INK, "elinewidth": 1.0, "capsize": 2.5}


def reliability_diagram(before: pd.DataFrame, after: pd.DataFrame, temperature: float) -> Figure:
    """Accuracy over confidence, as trained and with a temperature, above the share of the pictures in each bin.

    Args:
        before: A table of `hmexp.metrics.calibration.reliability`.
        after: Of the same pictures, with the temperature.
        temperature: That logits were divided by.
    """
    figure = new_figure(10, 5.4)
    # The last number of one axis would touch the first of the next.
    figure.set_layout_engine("constrained", wspace=0.06)
    grid = figure.subplots(2, 2, height_ratios=[3.2, 1], sharex=True, sharey="row")
    titles = ("As trained", f"With a temperature of {temperature:.3g}")
    for column, (table, title) in enumerate(zip((before, after), titles, strict=True)):
        above, below = grid[:, column]
        _bins(quiet(above, f"{title}: ECE {calibration_error(table):.3f}"), table)
        edges = np.linspace(0, 1, len(table) + 1)
        below.bar(edges[:-1], table["count"] / table["count"].sum(), np.diff(edges), align="edge", color=GREY)
        quiet(below).set_xlabel("confidence")
        below.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        below.yaxis.set_major_locator(MaxNLocator(3))
    grid[0, 0].set_ylabel("accuracy")
    grid[1, 0].set_ylabel("pictures")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, fontsize=9, loc="outside lower center", ncols=3)
    return figure


def precision_recall(curves: Sequence[Curve]) -> Figure:
    """Precision over recall of each class; where there are more than nine, only the worst have a colour and a name.

    At each recall stands the best precision at that recall or a higher one, which takes the saw teeth away (Manning et
    al., Introduction to Information Retrieval, 2008, 8.4); average precision is of the teeth themselves.

    Args:
        curves: Of `hmexp.metrics.confused.pr_curves`.
    """
    worst = sorted(curves, key=lambda curve: curve.average_precision)
    named = worst if len(worst) <= len(LINES) else worst[: len(LINES) - 1]
    others = worst[len(named) :]
    figure = new_figure(9.5, 5.2)
    mean = float(np.mean([curve.average_precision for curve in curves])) if curves else 0.0
    axes = quiet(figure.subplots(), f"Precision and recall of each class, mean average precision {mean:.3f}")
    for curve in others[:: -(-len(others) // MAX_OTHERS) or 1]:
        axes.plot(*_envelope(curve), color=GREY, linewidth=0.8, alpha=0.7, drawstyle="steps-pre")
    for curve, colour in zip(named, LINES, strict=False):
        text = f"{shorten(curve.label)}: {curve.average_precision:.2f} ({curve.support:,})"
        axes.plot(*_envelope(curve), color=colour, linewidth=1.6, label=text, drawstyle="steps-pre")
    if others:
        low, high = others[0].average_precision, others[-1].average_precision
        axes.plot([], [], color=GREY, label=f"{len(others)} other classes: {low:.2f} to {high:.2f}")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.02))
    axes.grid(color=GREY, alpha=0.25)
    title = "average precision (pictures), the worst first"
    figure.legend(frameon=False, fontsize=8.5, loc="outside right center", title=title, title_fontsize=8.5)
    return figure


def slice_bars(table: pd.DataFrame, column: str) -> Figure:
    """Accuracy of each slice with its 95 % interval, the worst on top; at most 40 slices.

    Args:
        table: Of `hmexp.metrics.slices.by_slice`.
        column: What it is sliced by.
    """
    shown = table.head(MAX_SLICES)
    names = [shorten(str(value), LONG_LABEL) for value in shown["value"]]
    texts = [
        f"{row['accuracy']:.2f}  (macro F1 {row['macro_f1']:.2f}, {_pictures(row['num'])})"
        for _, row in shown.iterrows()
    ]
    note = f", the worst {len(shown)} of {len(table):,}" if len(table) > len(shown) else ""
    figure = new_figure(9, 1.6 + 0.32 * len(shown))
    axes = quiet(figure.subplots(), f"Accuracy by {shorten(column)}{note}")
    _whiskered_bars(axes, names, shown[["accuracy", "low", "high"]].to_numpy(np.float64), texts, TRAIN)
    if len(table):
        mean = float(np.average(table["accuracy"], weights=table["num"]))
        axes.axvline(mean, color=GREY, linestyle="--", linewidth=1, zorder=0)
        axes.set_xlabel(f"accuracy with its 95 % interval; the line is that of all pictures, {mean:.3f}")
    return figure


def intervals_bars(evaluation: Evaluation, per_class: pd.DataFrame) -> Figure:
    """F1 of each class with its 95 % interval, the best on top; absent classes are said to be so.

    Of more than 40 classes the worst 40 that have a picture are drawn.

    Args:
        evaluation: The split.
        per_class: `label, name, value, low, high` of `hmexp.metrics.bootstrap.Intervals`, for the same split.
    """
    f1 = per_class[per_class["name"] == "f1"].set_index("label")
    # Absent classes have no F1 and go last.
    support = evaluation.per_class.set_index("label")["support"]
    table = f1.assign(support=support).sort_values(["value", "support"], ascending=False, na_position="last")
    shown = table if len(table) <= MAX_CLASSES else table[table["support"] > 0].tail(MAX_CLASSES)
    which = f", the worst {len(shown)} of {len(table):,}" if len(shown) < len(table) else ""
    texts = [
        f"{row['value']:.2f}  ({row['low']:.2f} to {row['high']:.2f}, {_pictures(row['support'])})"
        if row["support"]
        else "no picture in this split"
        for _, row in shown.iterrows()
    ]
    figure = new_figure(9, 1.6 + 0.32 * len(shown))
    axes = quiet(figure.subplots(), f"F1 of each class on {evaluation.split}, with its 95 % interval{which}")
    values = shown[["value", "low", "high"]].fillna(0.0).to_numpy(np.float64)
    colour = SPLIT_COLOURS.get(evaluation.split, TEST)
    _whiskered_bars(axes, [shorten(str(label)) for label in shown.index], values, texts, colour)
    mean = evaluation.metrics["macro_f1"]
    axes.axvline(mean, color=GREY, linestyle="--", linewidth=1, zorder=0)
    axes.set_xlabel(f"F1; the line is the mean of the classes present, {mean:.3f}")
    return figure


def comparison_bars(table: pd.DataFrame, name_a: str = "a", name_b: str = "b") -> Figure:
    """The difference of each metric with its 95 % interval, to the right where the first model is better.

    Args:
        table: `hmexp.metrics.compare.Comparison.table`.
        name_a: The first model.
        name_b: The second.
    """
    figure = new_figure(9.5, 4.4)
    in_nats = table["metric"] == "loss"
    ratios = [max(1, int((~in_nats).sum())), max(1, int(in_nats.sum()))]
    points, nats = figure.subplots(2, 1, height_ratios=ratios)
    _difference_rows(points, table[~in_nats], 100.0, digits=1)
    _difference_rows(nats, table[in_nats], 1.0, digits=3)
    first, second = shorten(name_a), shorten(name_b)
    points.set_xlabel(f"points by which {first} is better")
    nats.set_xlabel(f"nats by which {first} is better")
    quiet(points, f"{first} against {second}: difference with its 95 % interval")
    for colour, text in ((TRAIN, f"{first} is better"), (VAL, f"{second} is better"), (GREY, "may be chance")):
        points.plot([], [], "o", color=colour, label=text)
    figure.legend(frameon=False, fontsize=9, loc="outside lower center", ncols=3)
    return figure


def _envelope(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Recall upwards, and the best precision from there on."""
    return curve.recall[::-1], np.maximum.accumulate(curve.precision)[::-1]


def _bins(axes: Axes, table: pd.DataFrame) -> None:
    """Bars of accuracy, and the step from each to the confidence that was claimed."""
    edges = np.linspace(0, 1, len(table) + 1)
    some = (table["count"] > 0).to_numpy()
    places, accuracy = edges[:-1][some], table["accuracy"].to_numpy()[some]
    gap = table["confidence"].to_numpy()[some] - accuracy
    width = edges[1]
    axes.bar(places, accuracy, width, align="edge", color=TRAIN, edgecolor="white", linewidth=0.5, label="accuracy")
    claimed = axes.bar(places, gap, width, bottom=accuracy, align="edge", label="distance from confidence")
    for bar in claimed:
        bar.set(facecolor="none", edgecolor=VAL, hatch="///", linewidth=0.8)
    axes.plot([0, 1], [0, 1], color=INK, linestyle=":", linewidth=1, label="confidence is accuracy")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))


def _whiskered_bars(axes: Axes, names: Sequence[str], values: np.ndarray, texts: Sequence[str], colour: str) -> None:
    """Horizontal bars from 0 to 1, the first on top, each with its interval and what is said of it.

    Args:
        axes: To draw on.
        names: Of the bars.
        values: Value, low and high, float64 `[bars, 3]`.
        texts: To the right of the bars.
        colour: Of the bars.
    """
    places = np.arange(len(names))[::-1]
    value, low, high = values.T
    # A percentile interval need not hold the value itself.
    reach = np.maximum(0.0, [value - low, high - value])
    axes.barh(places, value, 0.7, color=colour, xerr=reach, error_kw=WHISKER)
    for place, end, text in zip(places, np.maximum(value, high), texts, strict=True):
        axes.text(end + 0.015, place, text, va="center", fontsize=8, color=INK, bbox=PAPER)
    axes.set_yticks(places, names)
    axes.set_xlim(0, 1.55)
    axes.set_xticks(np.linspace(0, 1, 6))
    axes.set_ylim(-0.6, len(names) - 0.4)


def _difference_rows(axes: Axes, table: pd.DataFrame, scale: float, digits: int) -> None:
    """A point and a whisker a metric, in units of 1 / scale; right is better, whatever the metric's direction."""
    quiet(axes)
    names = []
    for place, (_, row) in enumerate(table.iloc[::-1].iterrows()):
        sign = scale if METRICS[row["metric"]].higher_is_better else -scale
        difference, low, high = sign * row["difference"], *sorted((sign * row["low"], sign * row["high"]))
        colour = TRAIN if low > 0 else VAL if high < 0 else GREY
        axes.plot([low, high], [place, place], color=colour, linewidth=2.5, solid_capstyle="butt")
        axes.plot(difference, place, "o", color=colour, markersize=7)
        text = f"{difference:+.{digits}f}"
        axes.annotate(text, (difference, place), (0, 7), textcoords="offset points", ha="center", fontsize=8, color=INK)
        names.append(f"{metric_words(row['metric'])}  {row['a']:.3f} / {row['b']:.3f}")
    axes.axvline(0, color=INK, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, max(len(names), 1) - 0.3)
    reach = max(1e-3, *np.abs(axes.get_xlim()))
    axes.set_xlim(-reach, reach)


def _pictures(count: int) -> str:
    return f"{count:,} picture{'' if count == 1 else 's'}"
