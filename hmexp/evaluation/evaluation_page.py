"""The page of an evaluation, and of two models side by side, from what the evaluation has saved."""

from pathlib import Path

import pandas as pd

from hmexp.catalogue.pictures import PictureSource
from hmexp.config.errors import UserError
from hmexp.evaluation.answer import findings, lead, scores
from hmexp.evaluation.page import PAGE_FILE, thumbnails, write_page
from hmexp.evaluation.saved import AGAINST, EVALUATION, PREDICTIONS, SavedFolder, max_pixels
from hmexp.evaluation.sections import (
    classes_section,
    confidence_section,
    metrics_section,
    mistakes_section,
    model_section,
    slices_section,
)
from hmexp.reports.blocks import Card, PageTable, Pictures
from hmexp.reports.comparison import difference_strips
from hmexp.reports.gallery import Thumbnail
from hmexp.reports.page import Block, PageSection, RunPage

EVALUATIONS = "evaluations"
SHOWN = 18
"""Pictures of each kind on which the models differ."""


def evaluation_folder(place: str) -> SavedFolder | None:
    """The evaluation that lies in a folder, or None where it is none."""
    try:
        folder = Path(place).expanduser().absolute()
        there = folder.parent.name == EVALUATIONS and (folder / PREDICTIONS).is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL in it, a home that nobody has
        return None
    return SavedFolder(folder, folder.parent.parent) if there else None


def save_evaluation_page(folder: Path, source: PictureSource | None) -> Path:
    """Write `report.html` of an evaluation from the files of its folder and of its run's.

    Args:
        folder: Of the evaluation, in that of its run.
        source: Of the pictures; None where they are not to be found any more.

    Raises:
        UserError: No evaluation, or a damaged one.
    """
    saved = evaluation_folder(str(folder))
    if saved is None:
        raise UserError(f"{folder}: expected the folder of an evaluation, received one without {PREDICTIONS}")
    thumbnail = thumbnails(source, max_pixels(saved.job_dir))
    facts = saved.json(EVALUATION)
    runs = [str(run) for run in facts.get("runs", [])] or [saved.record.name or saved.job_dir.name]
    parts = (
        _comparison_section(saved, runs, thumbnail),
        mistakes_section(saved, thumbnail),
        classes_section(saved),
        metrics_section(saved),
        confidence_section(saved),
        slices_section(saved),
        model_section(saved),
    )
    page = RunPage(
        kind="Comparison" if len(runs) > 1 else "Evaluation",
        title=" against ".join(runs) + f" on {saved.split}",
        verdict=f"{lead(saved)} {facts.get('verdict', '')}".strip(),
        facts=(("run", str(saved.job_dir)), ("pictures", f"{len(saved.splits[saved.split].targets):,}")),
        tables=(),
        warnings=tuple(facts.get("warnings", [])),
        figures=(),
        command=_repeat(saved, str(facts.get("command", ""))),
        config=saved.text("config.yaml"),
        scores=scores(saved),
        findings=(*facts.get("warnings", []), *findings(saved)),
        sections=tuple(part for part in parts if part is not None),
    )
    return write_page(page, folder / PAGE_FILE)


def _comparison_section(saved: SavedFolder, runs: list[str], thumbnail: Thumbnail) -> PageSection | None:
    """By how much one model is better, and the pictures that only one of them has right."""
    table = saved.table("comparison.csv")
    if table.empty:
        return None
    first, second = (*runs, "the other")[:2]
    blocks: list[Block] = [*difference_strips(table, first, second)]
    if (saved.path / AGAINST).is_file():
        mine, other = saved.splits[saved.split].predictions, pd.read_parquet(saved.path / AGAINST)
        right, its = mine["target"] == mine["predicted"], other["target"] == other["predicted"]
        blocks.append(_only(mine, other, right & ~its.to_numpy(), first, thumbnail))
        blocks.append(_only(other, mine, its & ~right.to_numpy(), second, thumbnail))
    names = {"a": f"a = {first}", "b": f"b = {second}"}
    blocks.append(PageTable("In numbers", table.rename(columns=names)))
    return PageSection("Comparison", tuple(blocks), True, "what differs, and whether chance explains it")


def _only(rows: pd.DataFrame, others: pd.DataFrame, chosen: pd.Series, name: str, thumbnail: Thumbnail) -> Pictures:
    """Pictures that one model alone has right, its surest first."""
    table = rows.assign(instead=others["predicted"].to_numpy())[chosen.to_numpy()]
    shown = table.sort_values("confidence", ascending=False, kind="stable").head(SHOWN)
    cards = tuple(
        Card(
            thumbnail(str(row.image)),
            f"Article {row.article_id}: {row.target}",
            (str(row.article_id), str(row.target), f"the other says {row.instead}"),
        )
        for row in shown.itertuples()
    )
    return Pictures(f"Only {name} has these right: {len(table):,}", cards)


def _repeat(saved: SavedFolder, command: str) -> str:
    lines = [command, ""] if command else []
    return "\n".join([*lines, "# this page again", f"python -m hmexp report run={saved.path}"])
