"""The figures of a run: curves, confusion, F1 of each class, class distribution."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

from hmexp.metrics.evaluation import Evaluation
from hmexp.metrics.names import VAL_IMAGE_SIZE
from hmexp.reports.style import GREY, INK, SPLIT_COLOURS, new_figure, quiet, shorten

MAX_CLASSES = 40
"""Classes that a figure shows by name; of more it shows the telling ones."""
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
TAIL_RATIO = 20
ABSENT = " (none)"
MANY = 20


def curves(history: pd.DataFrame, best_epoch: int) -> Figure:
    """Accuracy and loss, train and validation, side by side; the best epoch is marked, and where pictures grow.

    Args:
        history: A row an epoch: `epoch, train/loss, train/accuracy, val/loss, val/accuracy`, and `val_image_size`
            where pictures grow.
        best_epoch: Counted from 1.
    """
    figure = new_figure(11, 4.2)
    for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        quiet(axes, name.capitalize(), pad=16.0 if VAL_IMAGE_SIZE in history else 6.0)
        for split, word in (("train", "train"), ("val", "validation")):
            values = history[f"{split}/{name}"]
            axes.plot(history["epoch"], values, marker="o", markersize=4, color=SPLIT_COLOURS[split], label=word)
        axes.axvline(best_epoch, color=GREY, linewidth=1, linestyle="--", label=f"best epoch ({best_epoch})", zorder=0)
        _mark_sizes(axes, history)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlim(history["epoch"].min() - 0.5, history["epoch"].max() + 0.5)
        axes.grid(axis="y", color=GREY, alpha=0.35)
        axes.legend(frameon=False, fontsize=9)
    return figure


def _mark_sizes(axes: Axes, history: pd.DataFrame) -> None:
    """A dotted line where val's pictures grow, and their side at the top of each part: figures jump there."""
    if VAL_IMAGE_SIZE not in history:
        return
    sizes = history[VAL_IMAGE_SIZE]
    place: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "va": "bottom", "fontsize": 7, "color": INK}
    for first in history.index[sizes != sizes.shift()]:
        start = history["epoch"][first] - 0.5
        if first != history.index[0]:
            axes.axvline(start, color=GREY, linewidth=1, linestyle=":", zorder=0)
        axes.text(start, 1.0, f" {sizes[first]:.0f} px", **place)


def learning_rate_curve(steps: pd.DataFrame, steepest: float, suggestion: float) -> Figure:
    """The range test: loss over learning rate, with the two that it found.

    Args:
        steps: `learning_rate, loss, smoothed`, a row a step.
        steepest: Where the smoothed loss falls fastest.
        suggestion: The learning rate to try.
    """
    figure = new_figure(8, 4.2)
    axes = quiet(figure.subplots(), "Learning-rate range test")
    axes.plot(steps["learning_rate"], steps["loss"], color=GREY, linewidth=0.8, label="loss of a batch")
    axes.plot(steps["learning_rate"], steps["smoothed"], color=SPLIT_COLOURS["train"], label="smoothed")
    axes.axvline(steepest, color=INK, linestyle=":", label=f"falls fastest, {steepest:.2g}")
    axes.axvline(suggestion, color=SPLIT_COLOURS["val"], linestyle="--", label=f"suggestion, {suggestion:.2g}")
    axes.set_xscale("log")
    axes.set_ylim(top=1.3 * steps["smoothed"].max(), bottom=0.6 * steps["smoothed"].min())
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.legend(frameon=False, fontsize=9)
    return figure


def confusion(evaluation: Evaluation, normalised: bool = False) -> Figure:
    """The confusion matrix: each row's shares as colour, and counts as numbers, or shares (`normalised`).

    Of more than 40 classes it shows the 40 that are in the most mistakes.
    """
    chosen = telling_classes(evaluation.confusion)
    matrix = evaluation.confusion[np.ix_(chosen, chosen)]
    count, total = len(chosen), len(evaluation.classes)
    side = min(11.0, max(5.0, 2.6 + 0.62 * count))
    figure = new_figure(side + 1.2, side)
    shares = matrix / np.maximum(evaluation.confusion.sum(axis=1)[chosen, None], 1)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    labels = [evaluation.classes[number] for number in chosen]
    names = [shorten(name) + ABSENT * (name in evaluation.absent) for name in labels]
    size = max(5.0, min(9.0, 9 * 14 / count))
    axes.set_xticks(range(count), names, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticks(range(count), names, fontsize=size)
    axes.set_xlabel("predicted")
    axes.set_ylabel("target")
    what = "% of each target's pictures" if normalised else f"{evaluation.num:,} pictures"
    which = f", the {count} classes of {total:,} with the most mistakes" if count < total else ""
    axes.set_title(f"Confusion on {evaluation.split}, {what}{which}", loc="left", fontsize=11, color=INK)
    for row, column in np.argwhere(matrix > 0):
        colour = "white" if shares[row, column] > 0.5 else INK
        text = _percent(shares[row, column]) if normalised else f"{matrix[row, column]:,}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=max(4.0, size - 1))
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=30, format=PercentFormatter(1))
    bar.set_label("share of the target's pictures", fontsize=9)
    bar.outline.set_visible(False)
    return figure


def telling_classes(confusion: np.ndarray) -> np.ndarray:
    """Numbers of the at most 40 classes that are in the most mistakes, in the order of the classes."""
    if len(confusion) <= MAX_CLASSES:
        return np.arange(len(confusion))
    mistakes = confusion.sum(axis=0) + confusion.sum(axis=1) - 2 * np.diag(confusion)
    return np.sort(np.argsort(-mistakes, kind="stable")[:MAX_CLASSES])


def class_distribution(counts: pd.DataFrame) -> Figure:
    """Articles of each class before and after the strategies, on a log scale where the tail is long.

    Args:
        counts: A row a class (index); a column a bar, such as `catalogue`, `train`, `val`, `test`. Of more than 40
            classes the 20 smallest and the 20 largest are drawn.
    """
    order = counts.iloc[:, 0].sort_values(kind="stable").index
    half = MAX_CLASSES // 2
    table = counts.loc[order if len(order) <= MAX_CLASSES else [*order[:half], *order[-half:]]]
    which = f", the {half} smallest and the {half} largest of {len(order):,}" if len(order) > MAX_CLASSES else ""
    thickness = 0.13 if len(table) <= MANY else 0.085
    figure = new_figure(10, 1.6 + thickness * len(table) * max(2, len(table.columns)))
    axes = quiet(figure.subplots(), f"Articles of each class, before and after{which}")
    height = 0.82 / len(table.columns)
    places = np.arange(len(table))
    for number, name in enumerate(table.columns):
        offset = (len(table.columns) / 2 - number - 0.5) * height
        colour = SPLIT_COLOURS.get(str(name), GREY)
        bars = axes.barh(places + offset, table[name], height, color=colour, label=str(name))
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=7 if len(table) <= MANY else 5.5, padding=2, color=INK)
    filled = table.to_numpy()[table.to_numpy() > 0]
    if filled.size and filled.max() > TAIL_RATIO * filled.min():
        axes.set_xscale("log")
        axes.set_xlim(left=0.7, right=3.0 * filled.max())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    else:
        axes.margins(x=0.12)
    axes.set_yticks(places, [shorten(str(name)) for name in table.index])
    axes.set_xlabel("articles")
    axes.margins(y=0.01)
    figure.legend(frameon=False, fontsize=9, loc="outside upper right", ncols=len(table.columns))
    return figure


def _percent(share: float) -> str:
    """A whole percentage; a rest below one half is `<1`, so that it does not look like none."""
    return f"{100 * share:.0f}" if share >= 0.005 else "<1"
