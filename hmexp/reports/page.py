"""The page of a run: one HTML file with everything inside, figures too."""

import base64
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from hmexp.process import printable

MAX_ROWS = 100
"""Rows of a table on a page; the CSV file beside it has them all."""


@dataclass(frozen=True)
class PageTable:
    """A table of the page, with a sentence above it; the page has its first 100 rows."""

    title: str
    frame: pd.DataFrame
    note: str = ""

    @property
    def shown(self) -> pd.DataFrame:
        """The rows of the page."""
        return self.frame.head(MAX_ROWS)

    @property
    def words(self) -> str:
        """The sentence, and how many rows are left out."""
        rest = len(self.frame) - MAX_ROWS
        return f"{self.note} The first {MAX_ROWS} of {len(self.frame):,} rows.".strip() if rest > 0 else self.note


@dataclass(frozen=True)
class RunPage:
    """What the page of a run shows.

    Attributes:
        title: The run's name.
        verdict: The sentence that comes first.
        facts: Name and value, such as the best epoch.
        tables: In their order.
        warnings: Sentences of the strategies.
        figures: PNG files, in their order.
        command: The line that repeats the run.
        config: The resolved config, as YAML.
    """

    title: str
    verdict: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[PageTable, ...]
    warnings: tuple[str, ...]
    figures: tuple[Path, ...]
    command: str
    config: str


def run_report(page: RunPage) -> str:
    """The page as HTML: no external resource, all text escaped."""
    images = [(path.stem.replace("_", " "), base64.b64encode(path.read_bytes()).decode()) for path in page.figures]
    content = {name: _visible(value) for name, value in vars(page).items()} | {"figures": images}
    return template("page.html.j2").render(page=content)


def template(name: str) -> jinja2.Template:
    """A template of this folder, which escapes all text.

    Its filters: `cell` for values of tables, `plain` for text, `coded` for text with words of a command line in
    backticks.
    """
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True)
    environment.filters |= {"cell": _cell, "plain": lambda text: printable(str(text), keep="\n"), "coded": _coded}
    return environment.get_template(name)


def _cell(value: object) -> str:
    """A table's value: thousands apart, floats with four digits, nothing for nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{value:,}"
    if isinstance(value, Real):
        return "" if pd.isna(float(value)) else f"{value:.4f}"
    return "" if value is None or value is pd.NA or value is pd.NaT else printable(str(value))


def _coded(text: str) -> Markup:
    """HTML of a sentence in which backticks stand around code."""
    parts = printable(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


def _visible(value: Any) -> Any:  # noqa: ANN401
    """Text of the page without characters that control what shows it; tables are left to `_cell`."""
    if isinstance(value, str):
        return printable(value, keep="\n")
    if isinstance(value, tuple):
        return tuple(_visible(item) for item in value)
    return value
