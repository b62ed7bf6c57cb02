"""Sheets of pictures: samples, mistakes, pairs that are confused, where the model looked, similar articles."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text

from hmexp.reports.style import INK, blank_figure, shorten

A_ROW = 6
"""Pictures beside a pair that is confused, or beside the query."""
MOST = 8
"""Pictures in a row of a sheet of samples."""
CAPTION = 7.0
"""Size of the letters below a picture, in points."""
HEAT = 0.65
"""Opacity where the heat is 1."""
CELL, GAP, LINE, TITLE, MARGIN = 1.45, 0.1, 0.14, 0.42, 0.1
"""Side of a picture, room between two, height of a line of a caption, of the title, and the margin, in inches."""


def sample_sheet(pictures: np.ndarray, captions: Sequence[str], title: str) -> Figure:
    """A sheet of pictures with a caption below each.

    Args:
        pictures: uint8 `[n, height, width, 3]`.
        captions: One each; line breaks are kept.
        title: Above all.
    """
    columns = min(MOST, max(1, len(pictures)))
    sheet = _Sheet(columns, math.ceil(len(pictures) / columns), _lines(captions), title)
    for place, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        sheet.show(*divmod(place, columns), picture, caption)
    return sheet.finished()


def heat_sheet(pictures: np.ndarray, heats: np.ndarray, captions: Sequence[str], title: str) -> Figure:
    """A sheet of pictures under their heat maps, which are clear where they are cold.

    Args:
        pictures: uint8 `[n, height, width, 3]`.
        heats: float32 `[n, height, width]` from 0 to 1, of `hmexp.training.grad_cam`.
        captions: One each; line breaks are kept.
        title: Above all.
    """
    figure = sample_sheet(pictures, captions, title)
    (axes,) = figure.axes
    for shown, heat in zip(list(axes.images), heats, strict=True):
        look: dict[str, Any] = {"cmap": "jet", "vmin": 0, "vmax": 1, "interpolation": "bilinear"}
        axes.imshow(heat, extent=shown.get_extent(), aspect="auto", alpha=HEAT * heat, **look)
    return figure


def confused_pairs(pairs: pd.DataFrame, pictures: Sequence[np.ndarray], captions: Sequence[Sequence[str]]) -> Figure:
    """A row of pictures for each pair of classes that is confused, with what was confused on its left.

    Args:
        pairs: `target, predicted, count, share` of `hmexp.metrics.confused.most_confused`.
        pictures: Of each pair, uint8 `[n, height, width, 3]`; the first six are shown.
        captions: Of each pair, one a picture.
    """
    title = "The pairs that are confused most" if len(pairs) else "No two classes are confused"
    sheet = _Sheet(A_ROW, len(pairs), _lines([text for row in captions for text in row]), title, left=2.1)
    for row, ((_, pair), images, texts) in enumerate(zip(pairs.iterrows(), pictures, captions, strict=True)):
        head = f"{shorten(str(pair['target']))}\ntaken for\n{shorten(str(pair['predicted']))}"
        sheet.write(row, f"{head}\n\n{pair['count']:,} times, {pair['share']:.0%} of its pictures")
        for column, (image, text) in enumerate(zip(images[:A_ROW], texts[:A_ROW], strict=True)):
            sheet.show(row, column, image, text)
    return sheet.finished()


def similar_sheet(query: np.ndarray, head: str, pictures: np.ndarray, captions: Sequence[str], title: str) -> Figure:
    """A picture on the left, and beside it those that are like it, by rows.

    Args:
        query: uint8 `[height, width, 3]`.
        head: Below the query; line breaks are kept.
        pictures: uint8 `[n, height, width, 3]`.
        captions: One each; line breaks are kept.
        title: Above all.
    """
    side = 1.8 * CELL
    sheet = _Sheet(A_ROW, max(2, math.ceil(len(pictures) / A_ROW)), _lines(captions), title, left=side + 2 * GAP)
    sheet.put(MARGIN, TITLE, side, query, head, size=8.5)
    for place, (picture, text) in enumerate(zip(pictures, captions, strict=True)):
        sheet.show(*divmod(place, A_ROW), picture, text)
    return sheet.finished()


class _Sheet:
    """Rows of pictures on one pair of axes that measures in inches from the upper left corner.

    With axes for each picture a sheet would take several times as long to draw.
    """

    def __init__(self, columns: int, rows: int, lines: int, title: str, left: float = 0.0) -> None:
        self.left, self.pitch = MARGIN + left, CELL + lines * LINE + 2 * GAP
        width = max(5.0, self.left + columns * (CELL + GAP) + MARGIN)
        height = TITLE + max(1, rows) * self.pitch
        self.figure = blank_figure(width, height)
        self.axes = self.figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        self.axes.set_axis_off()
        self.axes.text(MARGIN, MARGIN, title, va="top", fontsize=11, color=INK)
        self.captions: list[Text] = []

    def show(self, row: int, column: int, picture: np.ndarray, caption: str) -> None:
        """A picture in a cell, with its caption below."""
        self.captions.append(self.put(*self._corner(row, column), CELL, picture, caption, size=CAPTION))

    def put(self, x: float, y: float, side: float, picture: np.ndarray, caption: str, size: float) -> Text:
        """A picture within a square whose upper left corner is at `(x, y)`, with its caption below."""
        height, width = (side * pixels / max(picture.shape[:2]) for pixels in picture.shape[:2])
        x, y = x + (side - width) / 2, y + (side - height) / 2
        self.axes.imshow(picture, extent=(x, x + width, y + height, y), aspect="auto")
        return self.axes.text(
            x + width / 2, y + height + GAP / 2, caption, ha="center", va="top", fontsize=size, color=INK
        )

    def write(self, row: int, words: str) -> None:
        """Words on the left of a row."""
        _, y = self._corner(row, 0)
        self.axes.text(MARGIN, y + CELL / 2, words, va="center", fontsize=8.5, color=INK)

    def finished(self) -> Figure:
        """The figure; its captions are as small as the longest of them needs."""
        widest = max((text.get_window_extent().width / self.figure.dpi for text in self.captions), default=CELL)
        for text in self.captions:
            text.set_fontsize(CAPTION * min(1.0, CELL / widest))
        return self.figure

    def _corner(self, row: int, column: int) -> tuple[float, float]:
        return self.left + column * (CELL + GAP), TITLE + row * self.pitch


def _lines(captions: Sequence[str]) -> int:
    return max((caption.count("\n") + 1 for caption in captions), default=1)
