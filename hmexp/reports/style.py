"""One quiet style for every figure, and the two ways that a figure leaves: a PNG file, or bytes."""

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 130
TRAIN, VAL, TEST, GREY, INK = "#4477AA", "#EE6677", "#228833", "#BBBBBB", "#333333"
"""Paul Tol's bright palette: told apart by colour-blind readers, and in grey."""
SPLIT_COLOURS = {"train": TRAIN, "val": VAL, "test": TEST}
MAX_LABEL = 28


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that many inches, without pyplot and its global state."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def quiet(axes: Axes, title: str = "") -> Axes:
    """Take the frame's upper and right line away and set the title."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    return axes


def shorten(label: str, length: int = MAX_LABEL) -> str:
    """A class name that fits beside a figure; both ends stay, as names often differ in their last word."""
    if len(label) > length:
        tail = (length - 1) // 3
        label = f"{label[: length - 1 - tail]}…{label[len(label) - tail :]}"
    return label.replace("$", r"\$")  # no formula


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png")


def png_bytes(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()
