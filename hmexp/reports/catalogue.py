"""The page of a catalogue: findings first, then sections of bars, tables and pictures, all in one HTML file."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
from markupsafe import Markup
from PIL import Image

from hmexp.reports.blocks import Card, Chart, PageTable, Pictures, Strip, Strips, axis_strip
from hmexp.reports.page import Block as PageBlock
from hmexp.reports.page import Finding, PageSection, RunPage, run_report
from hmexp.reports.plot import WIDTH, Plot
from hmexp.reports.style import GREY, TEST, TRAIN, VAL
from hmexp.reports.svg import Scale, element, joined, mark

JPEG_QUALITY = 80
SIDE = 128
"""Height of a picture on the page, in pixels."""
THEMED = {TRAIN: "var(--train)", VAL: "var(--val)", TEST: "var(--test)", GREY: "var(--faint)"}
WIDEST = 2.0
"""Times its height that a picture is wide at most, or as small a part of it."""


@dataclass(frozen=True)
class Segment:
    """A part of a bar.

    Attributes:
        width: Of the whole axis, 0 to 100.
        colour: Of CSS.
        title: What it says when it is pointed at.
    """

    width: float
    colour: str
    title: str = ""


@dataclass(frozen=True)
class Line:
    """One bar, made of segments, and the text on its right."""

    segments: tuple[Segment, ...]
    text: str = ""


@dataclass(frozen=True)
class Row:
    """Bars under one name; a small picture, as the source of an `img`, may stand before it."""

    name: str
    lines: tuple[Line, ...]
    note: str = ""
    picture: str = ""


@dataclass(frozen=True)
class Bars:
    """Rows of bars.

    Attributes:
        title: Above them.
        note: A sentence on how to read them.
        rows: From top to bottom.
        legend: Colour and name of each kind of bar.
        decades: Powers of ten on the axis where it is logarithmic, for its grid; 0 for an even one.
    """

    title: str
    rows: tuple[Row, ...]
    note: str = ""
    legend: tuple[tuple[str, str], ...] = ()
    decades: float = 0.0
    kind: str = "bars"


@dataclass(frozen=True)
class Thumb:
    """A picture with lines below it."""

    source: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """Pictures side by side."""

    title: str
    thumbs: tuple[Thumb, ...]
    note: str = ""
    kind: str = "sheet"


@dataclass(frozen=True)
class Scatter:
    """Circles over two axes that begin at 0.

    Attributes:
        title: Above them.
        points: Place on each axis and radius, all 0 to 100, and what it says when it is pointed at.
        right: Text at the end of the horizontal axis.
        top: Text at the end of the vertical one.
        note: A sentence on how to read them.
    """

    title: str
    points: tuple[tuple[float, float, float, str], ...]
    right: str
    top: str
    note: str = ""
    kind: str = "scatter"


Block = Bars | Sheet | Scatter | PageTable


@dataclass(frozen=True)
class Section:
    """A part of the page that the contents list names.

    Attributes:
        name: Its anchor.
        title: Above it, and in the contents list.
        blocks: In their order.
        note: A sentence before them.
        layout: `beside` puts the first two blocks next to each other, `flow` as many as there is room for.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]
    note: str = ""
    layout: str = ""


@dataclass(frozen=True)
class Said:
    """A finding on the page: a sentence, its level, the section that shows it and the option that answers it."""

    level: str
    text: str
    section: str
    option: str = ""
    chosen: bool = False


@dataclass(frozen=True)
class CataloguePage:
    """The page.

    Attributes:
        title: The catalogue's name.
        verdict: The sentence that comes first.
        findings: Those that ask for an answer first.
        sections: In their order.
        command: The line that makes the page again.
        config: The section `data`, as YAML.
    """

    title: str
    verdict: str
    findings: tuple[Said, ...]
    sections: tuple[Section, ...]
    command: str
    config: str


def catalogue_page(page: CataloguePage) -> str:
    """The page as HTML: no external resource, all text escaped."""
    sections = [
        PageSection(section.title, tuple(map(_block, section.blocks)), not place, section.note, section.name)
        for place, section in enumerate(page.sections)
    ]
    findings = tuple(
        Finding("answered" if said.chosen else said.level, said.text, said.section, _answer(said))
        for said in page.findings
    )
    return run_report(
        RunPage(
            kind="Catalogue",
            title=page.title,
            verdict=page.verdict,
            facts=(),
            tables=(),
            warnings=(),
            figures=(),
            command=page.command,
            config=page.config,
            findings=findings,
            sections=tuple(sections),
        )
    )


def _answer(said: Said) -> str:
    return f"{'chosen' if said.chosen else 'answer'}: {said.option}" if said.option else ""


def _block(block: Block) -> PageBlock:
    if isinstance(block, Bars):
        return _strips(block)
    if isinstance(block, Sheet):
        cards = tuple(Card(thumb.source, ", ".join(thumb.lines), thumb.lines) for thumb in block.thumbs)
        return Pictures(block.title, cards, block.note)
    return _scatter(block) if isinstance(block, Scatter) else block


def _strips(bars: Bars) -> Strips:
    """Rows of bars, with the names of decades below them where the axis is logarithmic."""
    rows = tuple(
        Strip(
            row.name,
            joined([_bar(line, "strip" if len(row.lines) == 1 else "strip thin") for line in row.lines]),
            " / ".join(line.text for line in row.lines if line.text),
            picture=row.picture,
            note=row.note,
        )
        for row in bars.rows
    )
    axis = Markup("")
    if bars.decades:
        scale = Scale(0.1, 10 ** (bars.decades - 1), 0.0, 1.0, log=True)
        axis = axis_strip(scale, [tick for tick in scale.ticks() if tick >= 1])
    what = "articles (logarithmic scale)" if bars.decades else "share"
    legend = tuple((name, _themed(colour)) for colour, name in bars.legend)
    return Strips(bars.title, rows, ("name", what, "in numbers", ""), axis, bars.note, legend)


def _bar(line: Line, look: str) -> Markup:
    drawn, place = [element("rect", x=0, y="20%", width="100%", height="60%", class_="track")], 0.0
    for part in line.segments:
        shares = {"x": f"{place:.2f}%", "width": f"{part.width:.2f}%", "y": "20%", "height": "60%"}
        drawn.append(element("rect", "", fill=_themed(part.colour), data_tip=part.title or None, **shares))
        place += part.width
    drawn.append(element("rect", x=0, y="20%", width="100%", height="60%", class_="outline"))
    return element("svg", joined(drawn), class_=look, aria_hidden="true")


def _themed(colour: str) -> str:
    """A colour of the figures as the page has it, in light and in dark; any other as it is."""
    return THEMED.get(colour, colour)


def _scatter(scatter: Scatter) -> Chart:
    plot = Plot.of((0.0, 100.0), (0.0, 100.0), ("", ""))
    unit = (plot.y.start - plot.y.end) / 100
    marks = [
        mark(element("circle", cx=plot.x(x), cy=plot.y(y), r=max(2.0, radius * unit), class_="dot train soft"), title)
        for x, y, radius, title in scatter.points
    ]
    top = element("text", scatter.top, x=2, y=11, class_="axis-title")
    axis = element("line", x1=plot.x.start, x2=plot.x.start, y1=plot.y.start, y2=plot.y.end, class_="axis")
    right = element("text", scatter.right, x=WIDTH - 12, y=plot.y.start + 16, text_anchor="end", class_="axis-title")
    drawing = plot.framed([axis, top, right, *marks], scatter.title, [(0.0, "0")])
    return Chart(scatter.title, drawing, scatter.note)


def jpeg_source(picture: np.ndarray, aspect: float = 1.0) -> str:
    """A picture as the source of an `img`.

    Args:
        picture: uint8 `[height, width, 3]`.
        aspect: Width by height that it is brought back to, where it was made a square.
    """
    aspect = min(max(aspect, 1 / WIDEST), WIDEST)
    size = (round(SIDE * min(aspect, 1.0)), round(SIDE / max(aspect, 1.0)))
    stream = io.BytesIO()
    Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS).save(stream, "JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def log_width(count: float, decades: float) -> float:
    """Width, 0 to 100, of a bar on an axis of powers of ten from 0.1, so that 1 can be seen; see `decades_of`."""
    return 100 * (log10(count) + 1) / decades if count >= 1 else 0.0


def decades_of(counts: Sequence[float]) -> float:
    """Powers of ten from 0.1 to the largest count."""
    return log10(max(1.0, *counts)) + 1
