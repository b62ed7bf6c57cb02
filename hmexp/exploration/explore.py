"""The verb `explore`: looks at a catalogue, says what it found, writes a page."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.table import Table

from hmexp.config.explore import ExploreConfig
from hmexp.config.invocation import Invocation
from hmexp.config.record import MlflowTracking
from hmexp.console import log, progress
from hmexp.evaluation.tables import frame_table
from hmexp.exploration.findings import find
from hmexp.exploration.findings.finding import PROBLEM, Finding
from hmexp.exploration.page import page_of, verdict
from hmexp.exploration.survey import Survey, data_of, survey
from hmexp.files import place_of, replacing
from hmexp.process import check_interrupted

PRINTED_NOTICES = 6
"""Findings that only want to be known of which the terminal has so many; the page has all."""
PRINTED_CLASSES = 12
"""Classes of the printed table, the largest; the page has more."""


@dataclass(frozen=True)
class ExploreResult:
    """What `explore` gives to whoever called it.

    Attributes:
        survey: All that is known of the catalogue.
        findings: Those that ask for an answer first.
        page: Of HTML; None where none was asked for.
    """

    survey: Survey
    findings: list[Finding]
    page: Path | None


def explore(config: ExploreConfig, invocation: Invocation) -> ExploreResult:
    """Look at a catalogue, print the findings and write the page.

    Raises:
        UserError: No such catalogue or place, a strategy that does not fit the catalogue, no readable picture, or with
            `log` a tracking server that does not answer.
    """
    out = None if config.out is None else place_of(config.out)
    data = data_of(config)
    check_interrupted()
    if config.log and isinstance(config.tracking, MlflowTracking):
        from hmexp.tracking.store import create_store

        create_store(config.tracking, config.paths)  # one that does not answer is said before the pictures are read
    found = survey(config, data)
    findings = find(found)
    log.info(verdict(found, findings))
    log.info(_classes(found))
    _say(findings, PRINTED_NOTICES if out is not None else len(findings))
    if out is not None:
        with progress("drawing the page"), replacing(out) as partial:
            partial.write_text(page_of(found, findings, config, invocation.command), encoding="utf-8")
        log.info(f"page  {shlex.quote(str(out))}")
    if config.log and out is not None and isinstance(config.tracking, MlflowTracking):
        from hmexp.exploration.record import log_survey

        run_id = log_survey(config.tracking, config, found, findings, out)
        log.info(f"MLflow run  {run_id}")
    return ExploreResult(found, findings, out)


def _classes(found: Survey) -> Table:
    table = found.classes.head(PRINTED_CLASSES)
    shares = table["catalogue"] / max(found.classes["catalogue"].sum(), 1)
    shown = table.assign(share=shares.map("{:.1%}".format)).rename(columns={"catalogue": "articles"})
    shown = shown[["articles", "share", *table.columns[1:]]].reset_index()
    rest = len(found.classes) - len(table)
    title = f"Articles of each class, and rows of each split{f'; {rest:,} smaller classes' if rest else ''}"
    return frame_table(pd.DataFrame(shown), title, wrapped="class")


def _say(findings: Sequence[Finding], most_notices: int) -> None:
    """Print the open findings, each with its answer; of notices the first ones."""
    problems = [finding for finding in findings if finding.is_open and finding.level == PROBLEM]
    notices = [finding for finding in findings if finding.is_open and finding.level != PROBLEM]
    for mark, finding in [("!", item) for item in problems] + [("-", item) for item in notices[:most_notices]]:
        answer = f": {finding.option}" if finding.option else ""
        log.info(f"{mark} {finding.text}{answer}".replace("`", ""))
    more = max(0, len(notices) - most_notices)
    fine = len(findings) - len(problems) - len(notices)
    rest = f"; {more} more notices are on the page" if more else ""
    log.info(f"{fine} findings are fine, or answered by what is chosen{rest}")
