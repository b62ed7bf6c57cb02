"""The tables that a command prints."""

import json
import sys

import pandas as pd
from rich import box
from rich.table import Table

from hmexp.catalogue.report import StrategyReport
from hmexp.console import LoggedTable, log, said
from hmexp.metrics.evaluation import Evaluation
from hmexp.process import printable

MAX_ROWS = 40
"""Classes that a table in the terminal shows; the CSV files and the page have them all, or more of them."""


MAX_QUARANTINED = 10
"""Pictures that cannot be read and are named in the terminal."""


def steps_table(report: StrategyReport) -> Table:
    """What each strategy did."""
    table = _table("What became of the catalogue")
    table.add_column("step", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("what and why")
    for step in report.steps:
        table.add_row(step.name, f"{step.after:,}", step.text)
    return table


def counts_table(report: StrategyReport) -> Table:
    """Rows of each class in each split, and the share of articles with a sibling in train."""
    table = _table("Rows of each class", show_footer=True)
    counts = report.counts
    shares = ["", "", *(f"{share:.1%}" for share in report.siblings.values())]
    table.add_column("class", footer="sibling in train")
    for name, share in zip(counts.columns, shares, strict=True):
        table.add_column(name, justify="right", footer=share)
    for label, row in counts.head(MAX_ROWS).iterrows():
        table.add_row(str(label), *(f"{value:,}" for value in row))
    _add_rest(table, len(counts), "strategy.json")
    table.add_section()
    table.add_row("all", *(f"{value:,}" for value in counts.sum()))
    return table


def metrics_table(evaluations: dict[str, Evaluation]) -> Table:
    """The metrics of each split, side by side."""
    table = _table("The best epoch's model")
    table.add_column("metric")
    for split, evaluation in evaluations.items():
        note = " (sample)" if split == "train" else ""
        table.add_column(f"{split}{note}, {evaluation.num:,}", justify="right")
    for name in next(iter(evaluations.values())).metrics:
        table.add_row(name, *(f"{evaluation.metrics[name]:.4f}" for evaluation in evaluations.values()))
    return table


def class_table(evaluation: Evaluation) -> Table:
    """Precision, recall, F1 and support of each class of a split."""
    table = _table(f"Each class on {evaluation.split}")
    table.add_column("class")
    for name in ("precision", "recall", "f1", "support"):
        table.add_column(name, justify="right")
    rows = evaluation.per_class
    if len(rows) > MAX_ROWS:
        table.title = f"The worst classes on {evaluation.split}"
        rows = rows[rows["support"] > 0].sort_values("f1", kind="stable")
    for row in rows.head(MAX_ROWS).itertuples():
        figures = (f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}") if row.support else ("-", "-", "-")
        table.add_row(str(row.label), *figures, f"{row.support:,}")
    _add_rest(table, len(rows), f"per_class_{evaluation.split}.csv")
    return table


def frame_table(frame: pd.DataFrame, title: str, wrapped: str = "") -> Table:
    """Any DataFrame, its floats with four digits; where it is too wide, the column `wrapped` takes several lines."""
    table = _table(title)
    for name in frame.columns:
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        table.add_column(
            printable(str(name)),
            justify="right" if numeric else "left",
            no_wrap=name != wrapped,
            overflow="fold" if name == wrapped else "ellipsis",
        )
    for row in frame.itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    return table


def say_quarantined(quarantine: pd.DataFrame, file: str = "quarantine.csv") -> None:
    """Name pictures that cannot be read, some of them, with the reason; `file` has them all."""
    for row in quarantine.head(MAX_QUARANTINED).itertuples():
        log.warning(f"in quarantine: {row.image}: {row.reason}")
    rest = len(quarantine) - MAX_QUARANTINED
    if rest > 0:
        log.warning(f"in quarantine: {rest:,} more ({file})")


def print_frame(frame: pd.DataFrame, format: str) -> None:
    """Print a DataFrame on the standard output, for another program: as `csv`, or as `json` in a list of records."""
    said()
    if format == "csv":
        frame.to_csv(sys.stdout, index=False)
    else:
        records = json.loads(frame.to_json(orient="records", date_format="iso", double_precision=15))
        print(json.dumps(records, indent=1, ensure_ascii=False))


def _table(title: str, show_footer: bool = False) -> Table:
    """An empty table in the one style that all have."""
    return LoggedTable(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        show_footer=show_footer,
    )


def _add_rest(table: Table, rows: int, file: str) -> None:
    """Say how many rows are left out, and where they are."""
    if rows > MAX_ROWS:
        table.add_row(f"… and {rows - MAX_ROWS:,} more ({file})")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4f}"
    return "" if value is None else str(value)
