"""A figure with two axes as SVG: made for a phone's width, and scaled up from there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from hmexp.reports.svg import Scale, element, joined, mark, path_of, short

WIDTH, HEIGHT = 400.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 12.0, 40.0
DOT = 3.5
CLICKABLE = 10.0
"""Radius around a dot that answers a pointer or a finger."""
Written = Callable[[float], str]


@dataclass(frozen=True)
class Line:
    """A line of a figure.

    Attributes:
        name: For the legend.
        points: `x, y` each.
        colour: Class of the page's style: `train`, `val`, `test`, `c0` to `c8`, `quiet`.
        tips: What each point says; empty for a line whose points say nothing.
        dashed: Whether it is dashed.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    colour: str
    tips: tuple[str, ...] = ()
    dashed: bool = False


@dataclass(frozen=True)
class Plot:
    """Axes, and what is drawn on them.

    Attributes:
        x: From left to right.
        y: From the bottom up.
        x_title: With its unit.
        y_title: Above the axis.
        height: Of the figure.
    """

    x: Scale
    y: Scale
    x_title: str
    y_title: str
    height: float = HEIGHT

    @classmethod
    def of(cls, x: tuple[float, float], y: tuple[float, float], titles: tuple[str, str], log: bool = False) -> "Plot":
        """Axes over two ranges; `log` is of the axis from left to right."""
        across = Scale(*x, LEFT, WIDTH - RIGHT, log)
        return cls(across, Scale(*y, HEIGHT - BOTTOM, TOP + 12), *titles)

    def drawn(self, marks: Sequence[Markup], words: str, x_ticks: Sequence[tuple[float, str]] = ()) -> Markup:
        """The whole figure.

        Args:
            marks: On top of the axes.
            words: What the figure shows, for those who do not see it.
            x_ticks: Places and labels, where they are no round numbers.
        """
        return self.framed([self._grid(), *marks], words, x_ticks)

    def framed(self, marks: Sequence[Markup], words: str, x_ticks: Sequence[tuple[float, str]] = ()) -> Markup:
        """The same without the lines and numbers of the axis upwards."""
        content = joined([self._x_axis(x_ticks), *marks])
        size = f"0 0 {WIDTH:.0f} {self.height:.0f}"
        return element(
            "svg", content, viewBox=size, class_="plot", role="group", tabindex=0, aria_label=words, focusable="true"
        )

    def line(self, line: Line, steps: bool = False) -> Markup:
        """A line, and its points where they say something."""
        places = [(self.x(x), self.y(y)) for x, y in line.points]
        corners = _stepped(places) if steps else places
        look = f"line {line.colour}" + (" dashed" if line.dashed else "")
        drawn = [element("path", d=path_of(corners), class_=look)] if len(places) > 1 else []
        drawn += [self.dot(*point, line.colour, tip) for point, tip in zip(line.points, line.tips, strict=False)]
        return joined(drawn)

    def dot(self, x: float, y: float, colour: str, tip: str, **attributes: object) -> Markup:
        """A point that says what it is."""
        across, up = self.x(x), self.y(y)
        around = element("circle", cx=across, cy=up, r=CLICKABLE, class_="hit")
        seen = element("circle", cx=across, cy=up, r=DOT, class_=f"dot {colour}")
        return mark(joined([around, seen]), tip, **attributes)

    def upright(self, x: float, words: str) -> Markup:
        """A dashed line from bottom to top, with words beside it."""
        place, right = self.x(x), self.x(x) > WIDTH * 0.7
        line = element("line", x1=place, x2=place, y1=self.y.start, y2=self.y.end, class_="reference")
        side = {"x": place - 4 if right else place + 4, "text_anchor": "end" if right else "start"}
        return joined([line, element("text", words, y=self.y.end - 3, class_="noted", **side)])

    def _grid(self) -> Markup:
        drawn = [element("text", self.y_title, x=2, y=11, class_="axis-title")]
        for value in self.y.ticks():
            place = self.y(value)
            drawn.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=place, y2=place, class_="grid"))
            drawn.append(element("text", short(value), x=LEFT - 6, y=place + 4, text_anchor="end", class_="tick"))
        return joined(drawn)

    def _x_axis(self, named: Sequence[tuple[float, str]]) -> Markup:
        base = self.y.start
        ticks = named or [(value, short(value)) for value in self.x.ticks(6)]
        drawn = [element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=base, y2=base, class_="axis")]
        for value, text in ticks:
            drawn.append(element("text", text, x=self.x(value), y=base + 15, text_anchor="middle", class_="tick"))
        title = element("text", self.x_title, x=WIDTH - RIGHT, y=base + 32, text_anchor="end", class_="axis-title")
        return joined([*drawn, title])


def _stepped(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A line that changes its height where the next point is."""
    corners = list(places[:1])
    for (_, before), (x, y) in pairwise(places):
        corners += [(x, before), (x, y)]
    return corners
