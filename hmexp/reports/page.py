"""The page of a run, an evaluation, a sweep: one HTML file with everything inside, figures and pictures too."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from PIL import Image as Pillow

from hmexp.metrics.names import slug
from hmexp.process import printable
from hmexp.reports.blocks import (
    MAX_ROWS,
    Chart,
    Charts,
    Code,
    Image,
    Matrix,
    PageTable,
    Pictures,
    Score,
    Strips,
    Text,
)
from hmexp.reports.cells import cell
from hmexp.reports.gallery import Gallery
from hmexp.store.thumbnails import address_of

__all__ = ["MAX_ROWS", "Block", "Finding", "PageSection", "PageTable", "RunPage", "picture_block", "run_report"]

Block = PageTable | Chart | Charts | Strips | Matrix | Gallery | Pictures | Image | Text | Code
TEMPLATES = Path(__file__).parent / "templates"
MAX_FINDINGS = 8
LONG = 25
"""Lines of a text from which it is folded."""


@dataclass(frozen=True)
class PageSection:
    """A part of the page that one opens from its contents.

    Attributes:
        title: In the contents and above the part.
        blocks: In their order.
        is_open: Whether it is open at first.
        note: Beside the title, what to expect.
        name: Its anchor; "" makes one of the title.
    """

    title: str
    blocks: tuple[Block, ...]
    is_open: bool = False
    note: str = ""
    name: str = ""


@dataclass(frozen=True)
class Finding:
    """A finding that says where it is seen and what answers it.

    Attributes:
        level: `problem`, `notice`, `fine` or `answered`.
        text: A sentence.
        section: Anchor of the section that shows it.
        answer: What to do, with words of a command line in backticks; "" where there is nothing to do.
    """

    level: str
    text: str
    section: str
    answer: str = ""


@dataclass(frozen=True)
class RunPage:
    """What a page shows.

    Attributes:
        title: The run's name.
        verdict: The sentence that comes first.
        facts: Name and value, such as the best epoch.
        tables: Sections of one table each, behind the others.
        warnings: Sentences of the strategies.
        figures: PNG files of figures that are not drawn anew, in their order.
        command: The line that repeats the run.
        config: The resolved config, as YAML.
        kind: What the page is of, above the title.
        scores: How good, how sure, against what.
        findings: Sentences on what goes wrong.
        sections: In their order.
        changes: Key and value of what the command gave, beside the presets.
        environment: Device and versions, as text.
    """

    title: str
    verdict: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[PageTable, ...]
    warnings: tuple[str, ...]
    figures: tuple[Path, ...]
    command: str
    config: str
    kind: str = "Report"
    scores: tuple[Score, ...] = ()
    findings: tuple[str | Finding, ...] = ()
    sections: tuple[PageSection, ...] = ()
    changes: tuple[tuple[str, str], ...] = ()
    environment: str = ""


def run_report(page: RunPage) -> str:
    """The page as HTML: no external resource, all text escaped, no script but its own."""
    environment = _environment()
    sections = _sections(page)
    content = {name: _visible(value) for name, value in vars(page).items()} | {"sections": sections}
    return environment.get_template("page.html.j2").render(
        page=content,
        ids=_ids([section.name or section.title for section in sections]),
        style=_asset("page.css"),
        script=_script(),
    )


def picture_block(path: Path, title: str = "") -> Image:
    """A PNG file as part of a page, at a fraction of its bytes; without a title its name has to do."""
    name = title or path.stem.replace("_", " ").capitalize()
    with Pillow.open(path) as picture:
        return Image(name, address_of(picture), name)


def compile_templates() -> None:
    """Compile the templates of pages now; else they are where a process writes its first one."""
    environment = _environment()
    for name in environment.list_templates(extensions=["j2"]):
        environment.get_template(name)


def _sections(page: RunPage) -> list[PageSection]:
    """The page's own sections, then what was given as tables and figures, then how to have it again."""
    sections = [*page.sections]
    alone = not sections
    sections += [
        PageSection(table.title, (PageTable("", table.frame, table.note, table.links),), alone) for table in page.tables
    ]
    if page.figures:
        sections.append(PageSection("Figures", tuple(picture_block(path) for path in page.figures), alone))
    if page.warnings:
        sections.append(PageSection("Warnings", (Text(page.warnings),), True))
    blocks: list[Block] = [Code("The command", page.command)] if page.command else []
    if page.changes:
        import pandas as pd

        note = "All other keys have the values of the presets and of hmexp's own groups."
        blocks.append(PageTable("What the command chose", pd.DataFrame(page.changes, columns=["key", "value"]), note))
    blocks += [Code("Configuration", page.config, folded=True)] if page.config else []
    blocks += [Code("Environment", page.environment, folded=True)] if page.environment else []
    return [*sections, PageSection("Repeat", tuple(blocks), alone)] if blocks else sections


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"cell": cell, "printable": printable, "coded": _coded}
    return environment


def _coded(text: str) -> Markup:
    """HTML of a sentence in which backticks stand around code."""
    parts = printable(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


@cache
def _asset(name: str) -> tuple[Markup, str]:
    """A file of the page's look or doing, and its hash for the page's security policy."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    digest = base64.b64encode(sha256(text.encode()).digest()).decode()
    return Markup(text), f"sha256-{digest}"


def _script() -> tuple[Markup, str]:
    return _asset("page.js")


def _ids(titles: Sequence[str]) -> list[str]:
    """An anchor a section, each once."""
    found: list[str] = []
    for title in titles:
        stem = name = slug(title)
        while name in found:
            name = f"{stem}_{found.count(stem) + len(found)}"
        found.append(name)
    return found


def _visible(value: Any) -> Any:  # noqa: ANN401
    """Text of the page without characters that control what shows it; tables are left to `cell`."""
    if isinstance(value, str):
        return printable(value, keep="\n")
    if isinstance(value, tuple):
        return tuple(_visible(item) for item in value)
    return value
