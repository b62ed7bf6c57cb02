"""One quiet style for every figure, and the two ways that a figure leaves: a PNG file, or bytes."""

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.text import Text
from PIL import Image

DPI = 130
TRAIN, VAL, TEST, GREY, INK = "#4477AA", "#EE6677", "#228833", "#BBBBBB", "#333333"
"""Paul Tol's bright palette: told apart by colour-blind readers, and in grey."""
SPLIT_COLOURS = {"train": TRAIN, "val": VAL, "test": TEST}
COMPRESSION = 2
"""Of zlib: its own 6 takes half as long again, for files smaller by an eighth."""
MAX_LABEL = 28
OTHER_SCRIPTS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei"),
    *("Droid Sans Fallback", "Noto Sans Devanagari", "Lohit Devanagari", "Noto Sans Bengali", "Noto Sans Tamil"),
    *("Noto Sans Thai", "Noto Sans Hebrew", "Noto Sans Arabic", "Noto Sans Symbols2", "Noto Emoji", "Symbola"),
    *("Microsoft YaHei", "Malgun Gothic", "Nirmala UI", "Segoe UI Emoji", "PingFang SC", "Hiragino Sans"),
    *("Apple SD Gothic Neo", "Kohinoor Devanagari", "Arial Unicode MS", "Unifont"),
)
"""Fonts that cover what DejaVu Sans does not, on Linux, Windows and macOS."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that many inches, without pyplot and its global state."""
    figure = blank_figure(width, height)
    figure.set_layout_engine("constrained")
    return figure


def blank_figure(width: float, height: float) -> Figure:
    """The same without a layout, for those who place everything themselves."""
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def quiet(axes: Axes, title: str = "", pad: float = 6.0) -> Axes:
    """Take the frame's upper and right line away and set the title, `pad` points above the axes."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    axes.set_title(title, loc="left", fontsize=11, color=INK, pad=pad)
    return axes


def shorten(label: str, length: int = MAX_LABEL) -> str:
    """A class name that fits beside a figure; both ends stay, as names often differ in their last word."""
    label = legible(label)
    if len(label) > length:
        tail = (length - 1) // 3
        label = f"{label[: length - 1 - tail]}…{label[len(label) - tail :]}"
    return label.replace("$", r"\$")  # no formula


def legible(text: str) -> str:
    """The text as the installed fonts can draw it; what none has, and what controls a terminal, as its code point.

    Fonts of other scripts, such as Noto's, are taken where they are installed; see `families`.
    """
    if text.isascii() and text.isprintable():
        return text
    covered = _covered(families())
    return "".join(
        character if character.isprintable() and ord(character) in covered else f"<{ord(character):X}>"
        for character in text.replace("\n", " ")
    )


@cache
def families() -> tuple[str, ...]:
    """DejaVu Sans, which matplotlib brings, and the installed fonts of other scripts that are asked after it."""
    known = {entry.name for entry in fontManager.ttflist}
    return ("DejaVu Sans", *(name for name in OTHER_SCRIPTS if name in known))


@cache
def _covered(names: tuple[str, ...]) -> frozenset[int]:
    """Code points that the fonts have."""
    return frozenset().union(*(get_font(findfont(name)).get_charmap() for name in names))


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png_bytes(figure))


def png_bytes(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG."""
    if len(families()) > 1:
        for text in figure.findobj(Text):
            text.set_fontfamily(list(families()))
    stream = io.BytesIO()
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()  # `savefig` draws a figure with a layout twice
    opaque = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    opaque.save(stream, "PNG", compress_level=COMPRESSION, dpi=(DPI, DPI))
    return stream.getvalue()
