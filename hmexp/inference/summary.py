"""What a table of predictions holds, counted part by part."""

import shlex
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from hmexp.config.errors import RunError
from hmexp.console import log
from hmexp.evaluation.tables import frame_table
from hmexp.inference.parts import Parts
from hmexp.inference.threshold import UNKNOWN, Threshold


@dataclass
class Summary:
    """What the table holds.

    Attributes:
        num: Rows.
        num_errors: Rows whose picture cannot be read.
        first_error: Of the first of these.
        classes: Predicted class -> rows.
        num_labelled: Rows with a label that the model knows.
        num_agreeing: Of these, those that are predicted as their label.
    """

    num: int = 0
    num_errors: int = 0
    first_error: str = ""
    classes: Counter[str] = field(default_factory=Counter)
    num_labelled: int = 0
    num_agreeing: int = 0


def summarise(parts: Parts) -> Summary:
    """Count over the parts of a prediction.

    Raises:
        RunError: Not one picture can be read.
    """
    found = Summary()
    for table in (part.to_pandas() for part in parts.tables()):
        errors = table["error"].notna()
        found.num += len(table)
        found.num_errors += int(errors.sum())
        if errors.any() and not found.first_error:
            row = table[errors].iloc[0]
            found.first_error = f"{row['image']}: {row['error']}"
        found.classes.update(table["predicted"].dropna())
        labelled = table[table["label_confidence"].notna()]
        found.num_labelled += len(labelled)
        found.num_agreeing += int((labelled["label"] == labelled["top_1"]).sum())
    if found.num and found.num_errors == found.num:
        raise RunError(f"none of {found.num:,} pictures can be read; the first: {found.first_error}")
    return found


def say_summary(summary: Summary, out: Path, threshold: Threshold | None) -> None:
    """Say what the table holds, and where it is."""
    counts = summary.classes
    read = max(1, summary.num - summary.num_errors)
    rows = [(name, count, f"{count / read:.1%}") for name, count in counts.most_common(30)]
    log.info(frame_table(pd.DataFrame(rows, columns=["predicted", "articles", "share"]), f"{summary.num:,} articles"))
    if summary.num_errors:
        log.warning(f"{summary.num_errors:,} pictures cannot be read (column error); the first: {summary.first_error}")
    if threshold is not None:
        log.info(f"{UNKNOWN}: {counts[UNKNOWN] / read:.1%} are below a confidence of {threshold.confidence:.4f}")
    if summary.num_labelled:
        share = summary.num_agreeing / summary.num_labelled
        log.info(
            f"{share:.1%} of {summary.num_labelled:,} labelled articles are predicted as their label, train included"
        )
    log.info(f"table  {shlex.quote(str(out))}")
