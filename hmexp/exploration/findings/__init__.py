"""What a survey says, in words, each with the option that answers it."""

from collections.abc import Callable

from hmexp.exploration.findings import articles, classes, pictures
from hmexp.exploration.findings.finding import LEVELS, Finding
from hmexp.exploration.survey import Survey

CHECKS: tuple[Callable[[Survey], list[Finding]], ...] = (
    *(classes.imbalance, classes.near_empty, classes.unknown_classes, classes.alike_names, classes.alike_looks),
    *(classes.small_splits, articles.variants, pictures.equal, articles.folders, articles.missing_pictures),
    *(articles.unused_pictures, articles.unlabelled, pictures.unreadable, pictures.dimensions, pictures.background),
    *(articles.doubtful_names, articles.other_labels, articles.telling_columns, articles.poor_columns),
)
"""Each looks at one thing; a check of your own is a function more."""


def find(survey: Survey) -> list[Finding]:
    """All findings, those that ask for an answer first."""
    found = [finding for check in CHECKS for finding in check(survey)]
    return sorted(found, key=lambda finding: (not finding.is_open, LEVELS.index(finding.level)))
