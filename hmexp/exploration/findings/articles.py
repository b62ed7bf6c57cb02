"""Findings on the articles: without pictures, of the same product, in folders, in columns."""

from hmexp.catalogue.report import some
from hmexp.config.data import FolderData
from hmexp.config.strategies import FixedSplit, GroupedSplit
from hmexp.exploration.columns import DECIDES, Column
from hmexp.exploration.findings.finding import FINE, NOTICE, PROBLEM, Finding, named, percent
from hmexp.exploration.survey import Survey

ONE_CLASS = 0.99
"""Share of the pictures that are of their folder's most frequent class, from which folders say the class."""
MANY_MISSING = 0.1
"""Share of the articles without a picture from which it is no small matter."""
FEWEST_OF_A_LABEL, MOST_LABELS = 20, 200
"""Articles a value, in the mean, and values of a column that could be learned instead."""


def missing_pictures(survey: Survey) -> list[Finding]:
    """Articles without a picture."""
    num, total = len(survey.catalogue.missing), survey.catalogue.num_articles
    if not num:
        return [Finding(FINE, "articles", f"Every one of {total:,} articles has a picture")]
    share = num / total
    text = f"Articles without a picture: {num:,} of {total:,} ({percent(share)}), which are left out"
    worst = survey.catalogue.missing["label"].value_counts()
    if len(worst):
        text += f", most of them {worst.index[0] or 'without a label'} ({worst.iloc[0]:,})"
    level = PROBLEM if share >= MANY_MISSING else NOTICE
    return [Finding(level, "articles", text, "look whether the pictures' folder is whole" if level == PROBLEM else "")]


def unused_pictures(survey: Survey) -> list[Finding]:
    """Pictures without an article."""
    unused = survey.catalogue.unused
    if not unused:
        return []
    text = f"Pictures without an article: {len(unused):,}, which are left out ({some(unused)})"
    return [Finding(NOTICE, "articles", text)]


def unlabelled(survey: Survey) -> list[Finding]:
    """Articles without a label."""
    num = survey.catalogue.num_unlabelled
    if not num:
        return []
    text = f"Articles without a label: {num:,}, which are left out of training"
    return [Finding(NOTICE, "articles", text, "`hmexp predict` classifies them once there is a model")]


def doubtful_names(survey: Survey) -> list[Finding]:
    """What reading the catalogue was in doubt about."""
    said = [warning for warning in survey.catalogue.warnings if "belong to no article" not in warning]
    return [Finding(NOTICE, "articles", warning[0].upper() + warning[1:]) for warning in said]


def variants(survey: Survey) -> list[Finding]:
    """Colour variants: articles of one product."""
    rows = survey.catalogue.rows
    sizes = rows["group"].value_counts()
    several = sizes[sizes > 1]
    if several.empty:
        return [Finding(FINE, "copies", "No two articles are known to be of the same product")]
    text = (
        f"Variants: {percent(several.sum() / len(rows))} of the articles are, such as a colour, one of several of a "
        f"product ({len(sizes):,} products, up to {sizes.iloc[0]:,} articles each)"
    )
    shares = {split: share for split, share in survey.report.siblings.items() if share}
    if not shares:
        chosen = isinstance(survey.cfg.split, GroupedSplit | FixedSplit)
        return [Finding(NOTICE, "copies", f"{text}; none is on two sides of the split", "`data/split=grouped`", chosen)]
    leaks = " and ".join(f"{percent(share)} of {split}" for split, share in shares.items())
    return [Finding(PROBLEM, "copies", f"{text}; {leaks} have a sibling in train", "`data/split=grouped`")]


def folders(survey: Survey) -> list[Finding]:
    """Folders that are not classes."""
    found = survey.folders
    if isinstance(survey.cfg, FolderData) or found.num < 2:
        return []
    sizes = f"{found.num:,} folders of {found.smallest:,} to {found.largest:,} pictures"
    if found.purity >= ONE_CLASS:
        return [Finding(FINE, "articles", f"Pictures lie in {sizes}, each of one class")]
    text = (
        f"Disorder of folders: pictures lie in {sizes} that do not say the class; a folder holds {found.classes:.1f} "
        f"classes in the mean"
    )
    option = f"nothing has to be moved: `data.label={survey.cfg.label}` says the class"
    return [Finding(NOTICE, "articles", text, option, True)]


def other_labels(survey: Survey) -> list[Finding]:
    """Columns that could be learned instead, and what follows from the label's."""
    columns = [column for column in survey.columns if column.name != survey.cfg.label]
    could = [column for column in columns if _is_label(column, len(survey.articles))]
    if not could:
        return []
    words = [f"{column.name} ({column.distinct:,} values)" for column in could]
    text = f"Columns that could be learned instead: {named(words)}"
    return [Finding(NOTICE, "columns", text, f"`data.label={could[0].name}`")]


def telling_columns(survey: Survey) -> list[Finding]:
    """Columns that the label follows from."""
    columns = [column for column in survey.columns if column.name != survey.cfg.label]
    decide = [column.name for column in columns if column.decides >= DECIDES and column.kind == "kinds"]
    if not decide:
        return []
    label = survey.cfg.label
    text = f"{label} follows from {named(decide)}: where an article has one of these, it needs no picture"
    return [Finding(NOTICE, "columns", text)]


def poor_columns(survey: Survey) -> list[Finding]:
    """Columns that say nothing, or that are often empty."""
    dull = [column.name for column in survey.columns if column.kind in ("empty", "constant")]
    holes = [f"{column.name} ({percent(1 - column.filled)})" for column in survey.columns if 0 < column.filled < 0.95]
    found = []
    if dull:
        found.append(Finding(NOTICE, "columns", f"The same in every row: {named(dull)}"))
    if holes:
        found.append(Finding(NOTICE, "columns", f"Empty in many rows: {named(holes)}"))
    return found


def _is_label(column: Column, rows: int) -> bool:
    fits = 2 <= column.distinct <= min(MOST_LABELS, rows // FEWEST_OF_A_LABEL)
    return fits and column.kind == "kinds" and not column.extent and column.filled > 0.9
