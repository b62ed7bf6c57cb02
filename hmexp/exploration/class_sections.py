"""The sections of the page on the classes and on what merge, balance and split make of them."""

import pandas as pd

from hmexp.config.strategies import SPLITS
from hmexp.exploration.survey import Survey
from hmexp.exploration.thumbnails import Thumbnails
from hmexp.reports.catalogue import Bars, Block, Line, Row, Section, Segment, Sheet, decades_of, log_width
from hmexp.reports.page import PageTable
from hmexp.reports.style import GREY, SPLIT_COLOURS

MOST_ROWS = 60
"""Classes that are drawn; of more the largest."""
LOGARITHMIC = "Lengths are logarithmic: from one line to the next is ten times as many."
MOST_PICTURES = 400
"""Sample pictures of the page, all classes together."""
MOST_PAIRS = 8


def classes_section(survey: Survey, thumbnails: Thumbnails | None) -> Section:
    """Articles of each label, with the average of their pictures."""
    counts = survey.counts
    decades, total = decades_of([float(count) for count in counts]), counts.sum()
    images = survey.catalogue.rows.groupby("label")["image"]
    rows = []
    for label, count in counts.head(MOST_ROWS).items():
        picture = ""
        if thumbnails is not None and survey.pictures is not None:
            known = survey.pictures.articles
            mine = known.loc[known["label"] == label, "image"].tolist()
            picture = thumbnails.average(mine) if mine else ""
        line = Line((Segment(log_width(count, decades), "var(--accent)"),), f"{count:,}  {count / total:.1%}")
        rows.append(Row(str(label), (line,), picture=picture))
    note = LOGARITHMIC + (" The small pictures are the average of a class's." if thumbnails is not None else "")
    title = f"Articles with a picture of each of {len(images):,} classes{_largest(len(counts))}"
    return Section("classes", "Classes", (Bars(title, tuple(rows), note, decades=decades),))


def strategies_section(survey: Survey) -> Section:
    """Before and after merge, balance and split, side by side; and the steps in words."""
    decades = decades_of([*survey.counts, *survey.classes["catalogue"]])
    merged = survey.merged
    before = tuple(
        Row(
            str(label),
            (Line((Segment(log_width(count, decades), GREY),), f"{count:,}"),),
            note=f"→ {merged[str(label)]}" if merged[str(label)] != label else "",
        )
        for label, count in survey.counts.head(MOST_ROWS).items()
    )
    colours = {"catalogue": GREY} | SPLIT_COLOURS
    columns = [name for name in ("catalogue", *SPLITS) if survey.classes[name].sum()]
    after = tuple(
        Row(str(label), tuple(_line(name, int(row[name]), colours[name], decades) for name in columns))
        for label, row in survey.classes.head(MOST_ROWS).iterrows()
    )
    legend = tuple((colours[name], "all, merged" if name == "catalogue" else name) for name in columns)
    steps = [(step.name, step.before, step.after, step.text) for step in survey.report.steps]
    blocks: tuple[Block, ...] = (
        Bars(f"Before: {len(survey.counts):,} labels", before, LOGARITHMIC, decades=decades),
        Bars(f"After: {len(survey.classes):,} classes", after, LOGARITHMIC, legend, decades),
        PageTable("Step by step", pd.DataFrame(steps, columns=["step", "before", "after", "what and why"])),
        *_changes(survey),
    )
    return Section("strategies", "Merge, balance, split", blocks, layout="beside")


def examples_section(survey: Survey, thumbnails: Thumbnails, examples: int) -> Section:
    """Pictures of each class, drawn by chance but always the same."""
    assert survey.pictures is not None
    articles = survey.pictures.articles
    labels = [str(label) for label in survey.counts.index if label in set(articles["label"])][:MOST_ROWS]
    each = max(2, min(examples, MOST_PICTURES // max(1, len(labels))))
    note = "Drawn by chance, the same ones every time."
    sheets = []
    for label in labels:
        mine = articles[articles["label"] == label]
        drawn = mine.sample(min(each, len(mine)), random_state=0).sort_values("article_id")
        lines = [(str(article),) for article in drawn["article_id"]]
        title = f"{label} ({len(mine):,})"
        sheets.append(Sheet(title, thumbnails.of(drawn["image"].tolist(), lines)))
    return Section("examples", "Pictures by class", tuple(sheets), note, layout="flow")


def alike_section(survey: Survey, thumbnails: Thumbnails) -> Section:
    """Classes whose pictures look like another's."""
    assert survey.pictures is not None
    articles, pairs = survey.pictures.articles, survey.pictures.alike
    table = pairs[["label", "num", "other", "share", "own"]].set_axis(
        ["class", "pictures", "looks most like", "share like it", "share like itself"], axis=1
    )
    for name in table.columns[3:]:
        table[name] = table[name].map("{:.0%}".format)
    examples = articles.iloc[pairs[["place", "near"]].head(MOST_PAIRS).to_numpy(int).ravel()]
    thumbs = thumbnails.of(
        examples["image"].tolist(), list(zip(examples["article_id"], examples["label"], strict=True))
    )
    note = (
        "Before anything is trained: for at most 150 small pictures a class, the one of another product whose pixels "
        "are nearest. A class with a low share like itself needs more than colour and outline."
    )
    sheet = Sheet("A picture, and the one next to it of the other class", thumbs)
    blocks: list[Block] = [PageTable("", table, note), *([sheet] if thumbs else [])]
    return Section("alike", "Similar classes", tuple(blocks))


def _line(name: str, count: int, colour: str, decades: float) -> Line:
    words = f"{count:,} {'all' if name == 'catalogue' else name}"
    return Line((Segment(log_width(count, decades), colour, name),), words)


def _changes(survey: Survey) -> tuple[PageTable, ...]:
    """The classes that a step changed."""
    parts = [step.changes.assign(step=step.name) for step in survey.report.steps if len(step.changes)]
    if not parts:
        return ()
    return (PageTable("Classes that changed", pd.concat(parts)[["step", "label", "before", "after", "why"]]),)


def _largest(total: int) -> str:
    return f", the largest {MOST_ROWS}" if total > MOST_ROWS else ""
