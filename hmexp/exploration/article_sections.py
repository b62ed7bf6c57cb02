"""The sections of the page on the articles and on the columns of their table."""

import pandas as pd

from hmexp.exploration.columns import Column
from hmexp.exploration.survey import Survey
from hmexp.reports.catalogue import Section
from hmexp.reports.page import PageTable

LONGEST = 28
"""Letters of a value that are shown."""


def articles_section(survey: Survey) -> Section:
    """Articles and pictures that do not find each other, and the folders."""
    catalogue, folders = survey.catalogue, survey.folders
    facts = [
        ("articles", catalogue.num_articles),
        ("with a label and a picture", len(catalogue.rows)),
        ("left out by data.limit", catalogue.num_limited),
        ("with a picture and no label", len(catalogue.unlabelled)),
        ("without a picture", len(catalogue.missing)),
        ("pictures without an article", len(catalogue.unused)),
        ("products", catalogue.rows["group"].nunique()),
        ("folders with pictures", folders.num),
        ("pictures in the smallest folder", folders.smallest),
        ("pictures in the largest folder", folders.largest),
    ]
    facts = [(name, number) for name, number in facts if number or name == "without a picture"]
    mean = f"A folder holds {folders.classes:.1f} classes in the mean"
    note = f"{mean}; {folders.purity:.1%} of the pictures are of their folder's most frequent one."
    blocks = [PageTable("", pd.DataFrame(facts, columns=["what", "number"]), note)]
    if len(catalogue.missing):
        counts = catalogue.missing["label"].replace("", "(no label)").value_counts()
        share = (counts / counts.add(survey.counts, fill_value=0).reindex(counts.index)).map("{:.1%}".format)
        table = pd.DataFrame({"class": counts.index, "articles": counts.to_numpy(), "share of it": share.to_numpy()})
        blocks.append(PageTable("Without a picture, by class", table))
        ids = catalogue.missing[["article_id", "label"]]
        blocks.append(PageTable("Articles without a picture", ids))
    if catalogue.unused:
        blocks.append(PageTable("Pictures without an article", pd.DataFrame({"picture": catalogue.unused})))
    return Section("articles", "Articles", tuple(blocks))


def columns_section(survey: Survey) -> Section:
    """Every column of the table."""
    rows = [_row(column, survey.cfg.label) for column in survey.columns]
    names = ["column", "kind", "filled", "distinct", "frequent values", "numbers", f"{survey.cfg.label} follows"]
    note = (
        f"The last column: of how many articles {survey.cfg.label} is the most frequent one of those with the same "
        "value. At 100 % it follows from this column."
    )
    return Section("columns", "Columns", (PageTable("", pd.DataFrame(rows, columns=names), note),))


def _row(column: Column, label: str) -> tuple[str | int, ...]:
    values = (
        "  ·  ".join(f"{_short(value)} {count:,}" for value, count in column.frequent) if column.kind != "id" else ""
    )
    numbers = " to ".join(f"{number:,.6g}" for number in column.extent[::2]) if column.extent else ""
    follows = "itself" if column.name == label else f"{column.decides:.1%}" if column.decides else ""
    return (column.name, column.kind, f"{column.filled:.1%}", column.distinct, values, numbers, follows)


def _short(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"
