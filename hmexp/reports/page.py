"""The page of a run: one HTML file with everything inside, figures too."""

import base64
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path

import jinja2
import pandas as pd


@dataclass(frozen=True)
class PageTable:
    """A table of the page, with a sentence above it."""

    title: str
    frame: pd.DataFrame
    note: str = ""


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
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True)
    environment.filters["cell"] = _cell
    images = [(path.stem.replace("_", " "), base64.b64encode(path.read_bytes()).decode()) for path in page.figures]
    content = vars(page) | {"figures": images}
    return environment.get_template("page.html.j2").render(page=content)


def _cell(value: object) -> str:
    """A table's value: thousands apart, floats with four digits, nothing for nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{value:,}"
    if isinstance(value, Real):
        return "" if pd.isna(float(value)) else f"{value:.4f}"
    return "" if value is None or value is pd.NA or value is pd.NaT else str(value)
