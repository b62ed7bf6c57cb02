"""The mistakes of a model as a gallery: which they are, their pictures, and what a page filters them by."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd
from markupsafe import Markup

from hmexp.process import printable
from hmexp.reports.plot import LEFT, RIGHT, WIDTH, Plot
from hmexp.reports.svg import Scale, clipped, element, mark

MAX_PICTURES = 200
"""Mistakes whose pictures a page holds; the CSV file of the page has them all."""
MAX_BYTES = 1_600_000
"""Of all pictures of a gallery, as text."""
SLICE = "slice/"
"""Before the names of columns of the catalogue in a table of mistakes."""
MAX_CHOICES = 200
"""Values of a column that a page lets one choose from."""
CONFIDENT = 0.9
ROW_HEIGHT, LABEL_LETTERS = 22.0, 17
LOST = " Their files are not where the catalogue had them: report run=... pictures=FOLDER finds them elsewhere."
Thumbnail = Callable[[str], str]
"""From the path of a picture to its address within the page; "" where it cannot be read."""


@dataclass(frozen=True)
class Gallery:
    """Mistakes that a page shows, filters and exports.

    Attributes:
        title: Above it.
        rows: A row a mistake, the most confident first: `article_id, image, split, target, predicted, confidence`, and
            columns `slice/NAME`.
        pictures: Row -> address of its picture, for those that the page shows.
        note: A sentence.
    """

    kind: ClassVar[str] = "gallery"
    title: str
    rows: pd.DataFrame
    pictures: dict[int, str]
    note: str = ""

    @property
    def targets(self) -> list[str]:
        """Classes of the mistakes."""
        return sorted(self.rows["target"].unique())

    @property
    def predictions(self) -> list[str]:
        """Classes that they were taken for."""
        return sorted(self.rows["predicted"].unique())

    @property
    def slices(self) -> dict[str, list[str]]:
        """Column of the catalogue -> its values, of those with few enough to choose from."""
        names = [str(name) for name in self.rows if str(name).startswith(SLICE)]
        values = {name.removeprefix(SLICE): sorted(self.rows[name].astype(str).unique()) for name in names}
        return {name: found for name, found in values.items() if len(found) <= MAX_CHOICES}

    @property
    def shown(self) -> list[tuple[int, "Mistake"]]:
        """The mistakes that the page has a picture of, with their rows."""
        rows = self.rows.iloc[sorted(self.pictures)]
        columns = ["article_id", "image", "target", "predicted", "confidence"]
        mistakes = [Mistake(*values) for values in rows[columns].itertuples(index=False, name=None)]
        return list(zip(sorted(self.pictures), mistakes, strict=True))

    @property
    def data(self) -> Markup:
        """All mistakes as JSON that cannot end the element that it stands in: columns, words, and rows of numbers."""
        table = self.rows.assign(confidence=self.rows["confidence"].astype(float).round(4))
        named = [name for name in table if name not in ("article_id", "image", "confidence")]
        words = sorted({printable(str(value)) for name in named for value in table[name].unique()})
        places = {word: place for place, word in enumerate(words)}
        for name in named:
            table[name] = table[name].astype(str).map(lambda value: places[printable(value)])
        content = {"columns": list(table.columns), "coded": named, "words": words, "rows": table.to_numpy().tolist()}
        text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
        return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


@dataclass(frozen=True)
class Mistake:
    """A card of the gallery."""

    article_id: str
    image: str
    target: str
    predicted: str
    confidence: float


def mistakes_of(predictions: pd.DataFrame, slices: pd.DataFrame | None = None) -> pd.DataFrame:
    """The rows of a `Gallery`.

    Args:
        predictions: Of a split, as `predictions.parquet` has them.
        slices: Columns of the catalogue by `article_id`.
    """
    wrong = predictions[predictions["target"] != predictions["predicted"]]
    wrong = wrong[["article_id", "image", "split", "target", "predicted", "confidence"]]
    if slices is not None and len(slices.columns):
        wrong = wrong.join(slices.fillna("(none)").astype(str).add_prefix(SLICE), on="article_id")
    return wrong.sort_values("confidence", ascending=False, kind="stable", ignore_index=True)


def make_gallery(rows: pd.DataFrame, thumbnail: Thumbnail) -> Gallery:
    """A gallery of mistakes; every pair of classes has a picture before another has two.

    Args:
        rows: Of `mistakes_of`.
        thumbnail: Reads a picture.
    """
    turn = rows.groupby(["target", "predicted"]).cumcount() if len(rows) else pd.Series(dtype=int)
    order = turn.sort_values(kind="stable").index[:MAX_PICTURES]
    pictures: dict[int, str] = {}
    size = 0
    for row in order:
        address = thumbnail(str(rows["image"].iloc[row]))
        size += len(address)
        if size > MAX_BYTES:
            break
        pictures[int(row)] = address
    some = f" {len(pictures):,} of them are shown, of every pair of classes some." if len(pictures) < len(rows) else ""
    lost = LOST if pictures and not any(pictures.values()) else ""
    note = f"{len(rows):,} pictures are taken for another class, the most confident first.{some}{lost}"
    return Gallery("Mistakes", rows, pictures, note)


def confidence_drawing(gallery: Gallery) -> Markup:
    """A dot for each mistake that has a picture: its class from top to bottom, the model's confidence to the right."""
    classes = gallery.targets
    height = ROW_HEIGHT * len(classes) + 48
    across, down = Scale(0.0, 1.0, LEFT + 74, WIDTH - RIGHT), Scale(0, max(1, len(classes)), 4, height - 44)
    plot = Plot(across, Scale(0, 1, height - 44, 4), "confidence in the wrong class", "", height)
    places = {name: down(number + 0.5) for number, name in enumerate(classes)}
    marks = [
        element("text", clipped(name, LABEL_LETTERS), x=LEFT + 66, y=place + 4, text_anchor="end", class_="tick")
        for name, place in places.items()
    ]
    marks += [
        element("line", x1=across.start, x2=across.end, y1=place, y2=place, class_="grid") for place in places.values()
    ]
    for row, mistake in gallery.shown:
        x, y = across(mistake.confidence), places[mistake.target]
        words = f"{mistake.article_id}: {mistake.target}, taken for {mistake.predicted} ({mistake.confidence:.0%})"
        marks.append(mark(element("circle", cx=x, cy=y, r=4.5, class_="dot val soft"), words, data_row=row))
    return plot.framed(marks, "confidence of each mistake, a row a class")


def confident(rows: pd.DataFrame) -> int:
    """How many mistakes are made with a confidence of 0.9 or more."""
    return int((rows["confidence"] >= CONFIDENT).sum())
