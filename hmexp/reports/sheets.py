"""Sheets of pictures about mistakes: pairs that are confused, and where the model looked."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hmexp.reports.figures import sample_sheet
from hmexp.reports.style import INK, new_figure, shorten

A_ROW = 6
HEAT = 0.65
"""Opacity where the heat is 1."""


def confused_pairs(pairs: pd.DataFrame, pictures: Sequence[np.ndarray], captions: Sequence[Sequence[str]]) -> Figure:
    """A row of pictures for each pair of classes that is confused, with what was confused on its left.

    Args:
        pairs: `target, predicted, count, share` of `hmexp.metrics.confused.most_confused`.
        pictures: Of each pair, uint8 `[n, height, width, 3]`; the first six are shown.
        captions: Of each pair, one a picture.
    """
    rows = max(1, len(pairs))
    lines = max((text.count("\n") + 1 for row in captions for text in row), default=1)
    figure = new_figure(11.5, (1.5 + 0.14 * lines) * rows + 0.5)
    grid = figure.subplots(rows, A_ROW + 1, squeeze=False, width_ratios=[1.6] + [1.0] * A_ROW)
    for axes in grid.flat:
        axes.set_axis_off()
    for place, ((_, pair), images, texts) in enumerate(zip(pairs.iterrows(), pictures, captions, strict=True)):
        head = f"{shorten(str(pair['target']))}\ntaken for\n{shorten(str(pair['predicted']))}"
        share = f"{pair['count']:,} times, {pair['share']:.0%} of its pictures"
        grid[place, 0].text(0, 0.5, f"{head}\n\n{share}", va="center", fontsize=8.5, color=INK)
        for axes, image, text in zip(grid[place, 1:], images[:A_ROW], texts[:A_ROW], strict=False):
            axes.set_axis_on()
            _picture(axes, image, text, size=7)
    title = "The pairs that are confused most" if len(pairs) else "No two classes are confused"
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK)
    return figure


def heat_sheet(pictures: np.ndarray, heats: np.ndarray, captions: Sequence[str], title: str) -> Figure:
    """A sheet of pictures under their heat maps, which are clear where they are cold.

    Args:
        pictures: uint8 `[n, height, width, 3]`.
        heats: float32 `[n, height, width]` from 0 to 1, of `hmexp.training.grad_cam`.
        captions: One each; line breaks are kept.
        title: Above all.
    """
    figure = sample_sheet(pictures, captions, title)
    shown = [axes for axes in figure.axes if axes.images]
    for axes, heat in zip(shown, heats, strict=True):
        axes.imshow(heat, cmap="jet", vmin=0, vmax=1, alpha=HEAT * heat, interpolation="bilinear")
    return figure


def similar_sheet(query: np.ndarray, head: str, pictures: np.ndarray, captions: Sequence[str], title: str) -> Figure:
    """A picture on the left, and beside it those that are like it, by rows.

    Args:
        query: uint8 `[height, width, 3]`.
        head: Below the query; line breaks are kept.
        pictures: uint8 `[n, height, width, 3]`.
        captions: One each; line breaks are kept.
        title: Above all.
    """
    rows = max(2, math.ceil(len(pictures) / A_ROW))
    lines = max((text.count("\n") + 1 for text in captions), default=1)
    figure = new_figure(2.6 + 1.55 * A_ROW, (1.55 + 0.14 * lines) * rows + 0.5)
    grid = figure.add_gridspec(rows, A_ROW + 1, width_ratios=[1.8] + [1.0] * A_ROW)
    _picture(figure.add_subplot(grid[:2, 0]), query, head, size=8.5)
    for place, (picture, text) in enumerate(zip(pictures, captions, strict=True)):
        _picture(figure.add_subplot(grid[place // A_ROW, 1 + place % A_ROW]), picture, text, size=7)
    for place in range(len(pictures), rows * A_ROW):
        figure.add_subplot(grid[place // A_ROW, 1 + place % A_ROW]).set_axis_off()
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK)
    return figure


def _picture(axes: Axes, picture: np.ndarray, text: str, size: float) -> None:
    """One picture with a text below it, which has room kept for it."""
    axes.imshow(picture)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_xlabel(text, fontsize=size, color=INK)
