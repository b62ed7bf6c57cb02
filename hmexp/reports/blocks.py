"""What a page is made of: tables, figures, rows of bars, a confusion matrix, pictures, text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd
from markupsafe import Markup

from hmexp.reports.svg import Scale, element, joined, short

MAX_ROWS = 100
"""Rows of a table on a page; the CSV file beside it has them all."""
EDGE = 0.06
"""Share of a strip's width from whose ends a tick's words are pulled in."""


@dataclass(frozen=True)
class PageTable:
    """A table of the page, with a sentence above it; the page has its first 100 rows.

    Attributes:
        title: Of the table.
        frame: Its rows.
        note: The sentence.
        links: Column -> addresses of its cells, as many as there are rows; "" is no link.
    """

    kind: ClassVar[str] = "table"
    title: str
    frame: pd.DataFrame
    note: str = ""
    links: dict[str, list[str]] = field(default_factory=dict)

    @property
    def shown(self) -> pd.DataFrame:
        """The rows of the page."""
        return self.frame.head(MAX_ROWS)

    @property
    def words(self) -> str:
        """The sentence, and how many rows are left out."""
        rest = len(self.frame) - MAX_ROWS
        return f"{self.note} The first {MAX_ROWS} of {len(self.frame):,} rows.".strip() if rest > 0 else self.note

    @cached_property
    def numeric(self) -> list[bool]:
        """Whether each column is of numbers, which stand to the right."""
        columns = [self.frame.iloc[:, place] for place in range(self.frame.shape[1])]
        return [bool(len(values)) and not values.map(lambda value: isinstance(value, str)).any() for values in columns]


@dataclass(frozen=True)
class Chart:
    """A figure.

    Attributes:
        title: Above it.
        drawing: SVG.
        note: Below it.
        legend: Name and class of colour of what is drawn; no legend where there are fewer than two.
        numbers: The same as a table, opened on demand.
    """

    kind: ClassVar[str] = "chart"
    title: str
    drawing: Markup
    note: str = ""
    legend: tuple[tuple[str, str], ...] = ()
    numbers: PageTable | None = None


@dataclass(frozen=True)
class Charts:
    """Figures side by side, where there is room."""

    kind: ClassVar[str] = "charts"
    charts: tuple[Chart, ...]


@dataclass(frozen=True)
class Strip:
    """One row of bars.

    Attributes:
        name: Of the row.
        drawing: SVG as wide as there is room.
        words: What it says in numbers.
        value: Further number at its end, such as of pictures.
        picture: Address of a small picture beside the name.
        note: Below the name.
    """

    name: str
    drawing: Markup
    words: str
    value: int | float | str | None = None
    picture: str = ""
    note: str = ""


@dataclass(frozen=True)
class Strips:
    """Rows of bars above one axis.

    Attributes:
        title: Above them.
        rows: The first on top.
        columns: Heads of the columns: of names, of bars, of words, of values.
        axis: SVG below the bars.
        note: A sentence.
        legend: As of a `Chart`.
    """

    kind: ClassVar[str] = "strips"
    title: str
    rows: tuple[Strip, ...]
    columns: tuple[str, str, str, str]
    axis: Markup
    note: str = ""
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix whose cells say what is in them.

    Attributes:
        title: Above it.
        classes: Names by number, those that are shown.
        counts: int64 `[shown, shown]`, rows = target.
        totals: Pictures of each target shown, whatever they were taken for, int64 `[shown]`.
        note: A sentence.
    """

    kind: ClassVar[str] = "matrix"
    title: str
    classes: tuple[str, ...]
    counts: np.ndarray
    totals: np.ndarray
    note: str = ""

    def rows(self) -> list[list[tuple[int, int, float]]]:
        """Count, shade from 0 to 10, and share of each cell."""
        shares = self.counts / np.maximum(self.totals[:, None], 1)
        return [
            [
                (int(count), max(1, round(10 * share)) if count else 0, float(share))
                for count, share in zip(*row, strict=True)
            ]
            for row in zip(self.counts, shares, strict=True)
        ]


@dataclass(frozen=True)
class Card:
    """A picture with words.

    Attributes:
        picture: Its address within the page (`data:`), "" where it could not be read.
        alt: What it shows.
        lines: Below it, the first one stands out.
    """

    picture: str
    alt: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Pictures:
    """Pictures in rows."""

    kind: ClassVar[str] = "pictures"
    title: str
    cards: tuple[Card, ...]
    note: str = ""


@dataclass(frozen=True)
class Image:
    """A picture of its own, such as a sheet that was drawn at the training; `picture` is its address (`data:`)."""

    kind: ClassVar[str] = "image"
    title: str
    picture: str
    alt: str
    note: str = ""


@dataclass(frozen=True)
class Text:
    """Paragraphs."""

    kind: ClassVar[str] = "text"
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """Lines to copy; long ones are opened on demand."""

    kind: ClassVar[str] = "code"
    title: str
    text: str
    folded: bool = False


@dataclass(frozen=True)
class Reference:
    """What a score is compared with: its name and its value."""

    name: str
    value: float


@dataclass(frozen=True)
class Score:
    """A number of the answer.

    Attributes:
        name: Such as `Macro F1 on test`.
        value: From 0 to 1.
        low: End of its 95 % interval, or None.
        high: The other end.
        references: What it is compared with.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    references: tuple[Reference, ...] = ()

    @property
    def drawing(self) -> Markup:
        """Value, interval and references on an axis from 0 to 1."""
        marks = [bar_marks(self.value, self.low, self.high, "accent")]
        marks += [
            element(
                "line",
                x1=percent(item.value),
                x2=percent(item.value),
                y1=2,
                y2=22,
                class_="reference",
                data_tip=item.name,
            )
            for item in self.references
        ]
        return element("svg", joined(marks), class_="strip", aria_hidden="true")


def bar_marks(value: float, low: float | None, high: float | None, colour: str, scale: Scale | None = None) -> Markup:
    """A bar from the left with its interval, in a strip 24 units high."""
    place = scale or Scale(0.0, 1.0, 0.0, 1.0)
    drawn = [
        element("rect", x=0, y=4, width="100%", height=16, class_="track"),
        element("rect", x=0, y=4, width=percent(place(value)), height=16, class_=f"bar {colour}"),
    ]
    if low is not None and high is not None:
        ends = (percent(place(low)), percent(place(high)))
        drawn.append(element("line", x1=ends[0], x2=ends[1], y1=12, y2=12, class_="whisker"))
        drawn += [element("line", x1=end, x2=end, y1=8, y2=16, class_="whisker") for end in ends]
    return joined(drawn)


def axis_strip(scale: Scale, ticks: Sequence[float]) -> Markup:
    """The axis below strips whose scale runs from 0 to 1."""
    drawn = [element("line", x1="0%", x2="100%", y1=1, y2=1, class_="axis")]
    for value in ticks:
        place = scale(value)
        anchor = "start" if place < EDGE else "end" if place > 1 - EDGE else "middle"
        drawn.append(element("line", x1=percent(place), x2=percent(place), y1=1, y2=5, class_="axis"))
        drawn.append(element("text", short(value), x=percent(place), y=17, text_anchor=anchor, class_="tick"))
    return element("svg", joined(drawn), class_="strip", aria_hidden="true")


def percent(share: float) -> str:
    """A share of a strip's width, as SVG has it."""
    return f"{100 * share:.2f}%"
