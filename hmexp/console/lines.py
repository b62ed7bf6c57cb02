"""Lines of text that fit a terminal, and are never broken inside what a user copies."""

import re
from collections.abc import Iterator

from rich.cells import cell_len

GAP = "  "
"""Between the name of a fact and its value, and between figures of a line."""
WORD = re.compile(r"(?:python -m )?\bhmexp [-a-z].*|`[^`]*`\S*|'[^']*'\S*|\S+")
"""A command up to the end of the line; what is quoted; a word."""


def wrapped(text: str, width: int, hang: int = 2) -> str:
    """Break a text between its figures, or else between its words, so that no line is longer than it must be.

    Paths, options and commands stay whole: where one is longer than a line, the terminal breaks it, which leaves it
    whole for whoever copies it.

    Args:
        text: Of one or several lines.
        width: Of a line, in cells of the terminal.
        hang: Cells before all lines but the first.
    """
    return "\n".join(line if cell_len(line) <= width else _wrapped(line, width, hang) for line in text.split("\n"))


def _wrapped(line: str, width: int, hang: int) -> str:
    lines, now = [], line[: len(line) - len(line.lstrip())]
    begin = now
    for gap, unit in _units(line, width - hang):
        fits = cell_len(now) + len(gap) + cell_len(unit) <= width
        # One that fits no line at all may as well begin on this one.
        if now == begin or fits or cell_len(unit) > width - hang:
            now += unit if now == begin else gap + unit
        else:
            lines.append(now)
            begin = " " * hang
            now = begin + unit
    return "\n".join([*lines, now])


def _units(line: str, width: int) -> Iterator[tuple[str, str]]:
    """What is not broken, each with the gap before it: figures with their names where these fit, or words."""
    parts = re.split(r"(\s{2,})", line.strip())
    for number in range(0, len(parts), 2):
        gap, part = parts[number - 1] if number else "", parts[number]
        fits = len(parts) > 1 and cell_len(part) <= width
        for word in [part] if fits else WORD.findall(part):
            yield gap, word
            gap = " "
