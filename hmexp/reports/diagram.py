"""A model drawn as boxes with matplotlib, so that no system package is needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from hmexp.compat.keras import inbound_nodes
from hmexp.reports.style import GREY, INK, new_figure, shorten

ROWS_A_COLUMN, MAX_COLUMNS = 16, 4
MIN_WIDTH, MAX_LETTERS = 4.0, 44
BOX_WIDTH, BOX_HEIGHT, STEP_X, STEP_Y = 2.7, 0.5, 3.05, 0.8
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

    @property
    def words(self) -> str:
        """The shape as people write it: `n x 90 x 90 x 16`."""
        return " x ".join("n" if size is None else str(size) for size in self.output_shape)


def layer_boxes(model: Any) -> list[LayerBox]:  # noqa: ANN401
    """The layers of a functional Keras model, in their order."""
    names, boxes = {layer.name for layer in model.layers}, []
    for layer in model.layers:
        # A layer shared with another model has that model's nodes too: only this model's layers are named.
        parents = {node.operation.name for inbound in inbound_nodes(layer) for node in inbound.parent_nodes} & names
        shape = tuple(getattr(getattr(layer, "output", None), "shape", ()))
        boxes.append(LayerBox(layer.name, type(layer).__name__, shape, layer.count_params(), tuple(sorted(parents))))
    return boxes


def model_diagram(boxes: Sequence[LayerBox]) -> Figure:
    """The layers from top to bottom, in up to four columns where there are many.

    An arrow comes from the layer before, where it is an input; any other input is named above the box.
    """
    columns = min(MAX_COLUMNS, max(1, -(-len(boxes) // ROWS_A_COLUMN)))
    rows = max(1, -(-len(boxes) // columns))
    width = max(MIN_WIDTH, STEP_X * columns)
    figure = new_figure(width, STEP_Y * rows + 0.45)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(-0.1, width - 0.1)
    axes.set_ylim(-STEP_Y * (rows - 1) - 0.1, STEP_Y)
    for number, box in enumerate(boxes):
        column, row = divmod(number, rows)
        above = boxes[number - 1].name if row else None
        _draw_box(axes, box, column * STEP_X, -row * STEP_Y)
        _draw_inputs(axes, box.inputs, above, (column * STEP_X, -row * STEP_Y))
    total = sum(box.num_params for box in boxes)
    figure.suptitle(f"{len(boxes)} layers, {total:,} parameters", x=0.01, ha="left", fontsize=11, color=INK)
    return figure


def _draw_box(axes: Axes, box: LayerBox, x: float, y: float) -> None:
    colour = next((value for word, value in COLOURS.items() if word in box.kind), "#FFFFFF")
    style = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch((x, y), BOX_WIDTH, BOX_HEIGHT, boxstyle=style, facecolor=colour, edgecolor=GREY))
    name = shorten(f"{box.name}  ({box.kind})", MAX_LETTERS)
    axes.text(x + 0.1, y + 0.34, name, va="center", fontsize=7.5, color=INK)
    params = f"   {box.num_params:,} parameters" if box.num_params else ""
    axes.text(x + 0.1, y + 0.14, box.words + params, va="center", fontsize=6.5, color=INK)


def _draw_inputs(axes: Axes, inputs: tuple[str, ...], above: str | None, corner: tuple[float, float]) -> None:
    """An arrow from the box above, where that is an input, and the names of the other inputs."""
    x, y = corner
    top, middle = y + BOX_HEIGHT, x + 0.3
    if above in inputs:
        arrow = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0, "linewidth": 0.8}
        axes.annotate("", (middle, top), (middle, y + STEP_Y), arrowprops=arrow)
    others = [name for name in inputs if name != above]
    if others:
        word = "and" if above in inputs else "from"
        text = shorten(f"{word} {', '.join(others)}", MAX_LETTERS)
        axes.text(x + 0.45, top + 0.13, text, va="center", fontsize=6, color=INK, style="italic")
