"""Every column of a catalogue's table at a glance."""

from dataclasses import dataclass

import pandas as pd

from hmexp.catalogue.manifest import own, own_columns

FREQUENT = 6
"""Values of a column that are named."""
NUMERIC = 0.99
"""Share of the filled cells that are numbers, from which a column is one of numbers."""
MOST_KINDS = 0.2
"""Distinct values, as a share of the filled cells, up to which they are kinds of something; or so few in all:"""
FEW_KINDS = 50
DECIDES = 0.999
"""Share of the articles whose label follows from another column, from which that column decides it."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: Its name.
        kind: `empty`, `constant`, `id` (no value twice), `kinds`, `number` or `text`.
        filled: Share of its cells that are not empty.
        distinct: Different values, without the empty one.
        frequent: The most frequent values, each with its count.
        extent: The lowest, the median and the highest number; empty for no number, and for an id.
        decides: Share of the labelled articles whose label is the most frequent one of their value; 0 for an id.
    """

    name: str
    kind: str
    filled: float
    distinct: int
    frequent: tuple[tuple[str, int], ...]
    extent: tuple[float, ...]
    decides: float


def look_at_columns(articles: pd.DataFrame) -> tuple[Column, ...]:
    """Describe the catalogue's own columns.

    Args:
        articles: Rows of a catalogue with `label`; its columns under the names that `own` gives them.
    """
    return tuple(_column(articles[own(name)], name, articles["label"]) for name in own_columns(articles))


def _column(cells: pd.Series, name: str, labels: pd.Series) -> Column:
    values = cells.astype(str).str.strip()
    filled = values[values != ""]
    counts = filled.value_counts()
    numbers = pd.to_numeric(filled, errors="coerce")
    is_number = bool(len(filled)) and float(numbers.notna().mean()) >= NUMERIC
    kind = _kind(len(filled), len(counts), is_number)
    measured = is_number and kind != "id"
    extent = tuple(float(number) for number in numbers.quantile([0, 0.5, 1])) if measured else ()
    frequent = tuple((str(value), int(count)) for value, count in counts.head(FREQUENT).items())
    decides = _decides(values, labels) if kind in ("kinds", "number", "text") else 0.0
    return Column(name, kind, len(filled) / max(len(cells), 1), len(counts), frequent, extent, decides)


def _kind(filled: int, distinct: int, is_number: bool) -> str:
    if distinct <= 1:
        return "constant" if distinct else "empty"
    if distinct == filled:
        return "id"
    if distinct <= max(FEW_KINDS, MOST_KINDS * filled):
        return "kinds"
    return "number" if is_number else "text"


def _decides(values: pd.Series, labels: pd.Series) -> float:
    """Share of the labelled articles that have the most frequent label of their value."""
    both = pd.DataFrame({"value": values, "label": labels})[(labels != "") & (values != "")]
    if both.empty or len(both) < len(labels) / 2:
        return 0.0
    return float(both.groupby(["value", "label"]).size().groupby(level="value").max().sum() / len(both))
