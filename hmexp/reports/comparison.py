"""Two models side by side: the difference of each metric with its interval, as rows around nothing."""

import pandas as pd

from hmexp.metrics.names import METRICS
from hmexp.reports.blocks import Strip, Strips, axis_strip, percent
from hmexp.reports.cells import metric_words
from hmexp.reports.svg import Scale, element, joined, mark

LOSS = "loss"


def difference_strips(table: pd.DataFrame, first: str, second: str) -> list[Strips]:
    """Rows of differences, to the right where the first model is better: in points, and of the loss in nats.

    Args:
        table: `hmexp.metrics.compare.Comparison.table`.
        first: The first model.
        second: The second.
    """
    parts = ((table[table["metric"] != LOSS], 100.0, "points"), (table[table["metric"] == LOSS], 1.0, "nats"))
    return [_strips(rows, factor, unit, (first, second)) for rows, factor, unit in parts if len(rows)]


def _strips(table: pd.DataFrame, factor: float, unit: str, names: tuple[str, str]) -> Strips:
    rows = [_ends(row, factor) for _, row in table.iterrows()]
    reach = max(1e-3, *(abs(value) for _, *values in rows for value in values)) * 1.1
    scale = Scale(-reach, reach, 0.0, 1.0)
    legend = ((f"{names[0]} is better", "train"), (f"{names[1]} is better", "val"), ("may be chance", "quiet"))
    digits = 1 if unit == "points" else 3
    shown = tuple(_row(row, scale, digits, unit) for row in rows)
    values = [f"{row.a:.3f} / {row.b:.3f}" for row in table.itertuples()]
    shown = tuple(Strip(row.name, row.drawing, row.words, value) for row, value in zip(shown, values, strict=True))
    columns = ("metric", f"{unit}; to the right the first is better", "95 % interval", "both")
    axis = axis_strip(scale, [round(tick, 6) for tick in scale.ticks(7)])
    return Strips(f"Difference in {unit}", shown, columns, axis, "", legend)


def _ends(row: pd.Series, factor: float) -> tuple[str, float, float, float]:
    """Name, difference and the ends of its interval; better is up, whatever the metric's direction."""
    sign = factor if METRICS[row["metric"]].higher_is_better else -factor
    low, high = sorted((sign * row["low"], sign * row["high"]))
    return metric_words(str(row["metric"])), sign * row["difference"], low, high


def _row(row: tuple[str, float, float, float], scale: Scale, digits: int, unit: str) -> Strip:
    name, difference, low, high = row
    colour = "train" if low > 0 else "val" if high < 0 else "quiet"
    words = f"{difference:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"
    zero = percent(scale(0.0))
    drawn = [
        element("line", x1=zero, x2=zero, y1=0, y2=24, class_="axis"),
        element("line", x1=percent(scale(low)), x2=percent(scale(high)), y1=12, y2=12, class_=f"line {colour}"),
        mark(element("circle", cx=percent(scale(difference)), cy=12, r=6, class_=f"dot {colour}"), f"{words} {unit}"),
    ]
    return Strip(name, element("svg", joined(drawn), class_="strip", aria_hidden="true"), words)
