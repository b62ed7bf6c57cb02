"""Scales and marks of figures as SVG, whose colours are classes of the page's style: they follow light and dark."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from hmexp.process import printable

MAX_DECADES = 8


@dataclass(frozen=True)
class Scale:
    """From values to places on an axis.

    Attributes:
        low: Value at `start`.
        high: Value at `end`.
        start: Place of `low`, in units of the figure.
        end: Place of `high`.
        log: Whether equal ratios, not equal differences, are equally far apart; `low` is above 0 then.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value; those outside are put on the edge."""
        if self.log:
            share = math.log(max(value, self.low) / self.low) / (math.log(self.high / self.low) or 1.0)
        else:
            share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> list[float]:
        """Round values on the axis; decades where it is logarithmic."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            step = max(1, -(-(last - first + 1) // MAX_DECADES))
            decades = [10.0**power for power in range(first, last + 1, step)]
            return decades if len(decades) > 1 else [self.low, self.high]
        return round_values(self.low, self.high, wanted)


def round_values(low: float, high: float, wanted: int = 5) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between two values, about `wanted` of them."""
    if not high > low:
        return [low]
    rough = (high - low) / max(1, wanted)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def around(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Least and greatest of finite values, with some room at both ends; 0 and 1 where there are none."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = (high - low) * share or abs(high) * share or 0.5
    return low - room, high + room


def short(value: float) -> str:
    """A tick's number: `0.25`, `1,000`, `1e-05`."""
    if value == 0:
        return "0"
    if abs(value) < 1e-3 or abs(value) >= 1e7:
        return f"{value:.0e}" if f"{value:.0e}".startswith(("1", "-1")) else f"{value:.2g}"
    return f"{value:,.10f}".rstrip("0").rstrip(".") if abs(value) >= 100 else f"{value:.3g}"


def clipped(text: str, letters: int) -> str:
    """The beginning of a text that is too long for its place."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def element(name: str, content: str | Markup = "", **attributes: object) -> Markup:
    """An element; text is escaped, `_` at the end of an attribute falls away and within it is `-`; None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = content if isinstance(content, Markup) else escape(printable(content))
    return Markup(f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>")


def joined(parts: Sequence[Markup]) -> Markup:
    """Elements one behind another."""
    return Markup("".join(parts))


def path_of(points: Sequence[tuple[float, float]]) -> str:
    """A line through points, as the `d` of a path."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""


def mark(shape: Markup, words: str, **attributes: object) -> Markup:
    """A shape that says what it is when it is pointed at, or reached by arrow keys."""
    return element("g", shape, class_="mark", data_tip=words, **attributes)


def _plain(value: object) -> str:
    """A number as short as the eye can tell apart; text without what controls a screen."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else printable(str(value))
