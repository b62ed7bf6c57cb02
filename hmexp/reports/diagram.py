"""A model drawn as boxes with matplotlib, so that no system package is needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from hmexp.reports.style import GREY, INK, new_figure

ROWS_A_COLUMN = 16
BOX_WIDTH, BOX_HEIGHT, STEP_X, STEP_Y = 3.0, 0.62, 3.7, 0.95
COLOURS = {"Conv": "#AACCEE", "Dense": "#CCDDAA", "Pool": "#EEDDAA", "Input": "#EEEEEE", "Norm": "#DDCCEE"}


@dataclass(frozen=True)
class LayerBox:
    """One layer of a model.

    Attributes:
        name: Its name.
        kind: Its class.
        output_shape: Such as `(None, 90, 90, 16)`.
        num_params: Its parameters.
        inputs: Names of the layers that it takes.
    """

    name: str
    kind: str
    output_shape: tuple[int | None, ...]
    num_params: int
    inputs: tuple[str, ...]


def layer_boxes(model: Any) -> list[LayerBox]:  # noqa: ANN401
    """The layers of a functional Keras model, in their order."""
    boxes = []
    for layer in model.layers:
        parents = {node.operation.name for inbound in layer._inbound_nodes for node in inbound.parent_nodes}
        shape = tuple(layer.output.shape)
        boxes.append(LayerBox(layer.name, type(layer).__name__, shape, layer.count_params(), tuple(sorted(parents))))
    return boxes


def model_diagram(boxes: Sequence[LayerBox]) -> Figure:
    """The layers from top to bottom, in several columns where there are many.

    A layer that takes others than the one before it names them.
    """
    columns = -(-len(boxes) // ROWS_A_COLUMN)
    rows = min(len(boxes), ROWS_A_COLUMN)
    figure = new_figure(STEP_X * columns + 0.4, STEP_Y * rows + 0.6)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(-0.2, STEP_X * columns)
    axes.set_ylim(-STEP_Y * rows, BOX_HEIGHT)
    for number, box in enumerate(boxes):
        column, row = divmod(number, ROWS_A_COLUMN)
        before = boxes[number - 1].name if number else None
        _draw_box(axes, box, column * STEP_X, -row * STEP_Y, before)
        if row + 1 < ROWS_A_COLUMN and number + 1 < len(boxes):
            middle = column * STEP_X + BOX_WIDTH / 2
            arrow = {"arrowstyle": "-|>", "color": GREY}
            axes.annotate("", (middle, -(row + 1) * STEP_Y + BOX_HEIGHT), (middle, -row * STEP_Y), arrowprops=arrow)
    total = sum(box.num_params for box in boxes)
    axes.set_title(f"{len(boxes)} layers, {total:,} parameters", loc="left", fontsize=11, color=INK)
    return figure


def _draw_box(axes: Axes, box: LayerBox, x: float, y: float, before: str | None) -> None:
    colour = next((value for word, value in COLOURS.items() if word in box.kind), "#FFFFFF")
    style = "round,pad=0,rounding_size=0.08"
    axes.add_patch(FancyBboxPatch((x, y), BOX_WIDTH, BOX_HEIGHT, boxstyle=style, facecolor=colour, edgecolor=GREY))
    shape = " x ".join("n" if size is None else str(size) for size in box.output_shape)
    axes.text(x + 0.1, y + 0.42, f"{box.name}  ({box.kind})", va="center", fontsize=8, color=INK)
    params = f"   {box.num_params:,} parameters" if box.num_params else ""
    axes.text(x + 0.1, y + 0.18, shape + params, va="center", fontsize=7, color=INK)
    others = [name for name in box.inputs if name != before]
    if before and others:
        axes.text(
            x + BOX_WIDTH - 0.05, y + BOX_HEIGHT + 0.08, f"+ {', '.join(others)}", ha="right", fontsize=6, color=INK
        )
