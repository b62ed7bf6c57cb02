"""All that is known of a model on a split: figures, intervals, calibration, slices."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from hmexp.config.errors import invalid
from hmexp.console import log
from hmexp.datamodule import DataModule
from hmexp.evaluation.predict import SplitResult
from hmexp.metrics.bootstrap import Intervals, bootstrap
from hmexp.metrics.calibration import calibration_error, reliability, with_temperature
from hmexp.metrics.confused import most_confused
from hmexp.metrics.slices import by_slice
from hmexp.reports.page import MAX_ROWS, PageTable

USUAL = ("colour_group_name", "index_group_name")
SLICED = "slice."
"""Before the names of the catalogue's columns beside those of the predictions, which may be the same."""


@dataclass(frozen=True)
class EvaluationReport:
    """All that is known of a model on a split.

    Attributes:
        result: Figures and predictions.
        intervals: The figures' 95 % bootstrap intervals.
        temperature: What logits are divided by, fitted on val; 1 where none helps.
        slices: Column of the catalogue -> figures of each of its values.
    """

    result: SplitResult
    intervals: Intervals
    temperature: float
    slices: dict[str, pd.DataFrame]

    @property
    def split(self) -> str:
        """`train`, `val`, `test`, or `all`."""
        return self.result.evaluation.split

    @cached_property
    def reliability(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Confidence beside accuracy, before and after the temperature."""
        cooled = with_temperature(self.result.logits, self.temperature)
        before = self.result.evaluation.probabilities
        return reliability(before, self.result.targets), reliability(cooled, self.result.targets)

    def tables(self) -> list[PageTable]:
        """Tables for the page: figures with intervals, classes, confused pairs, slices."""
        evaluation = self.result.evaluation
        pairs = most_confused(evaluation.confusion, evaluation.classes)
        tables = [
            PageTable(f"Figures on {self.split} with 95 % intervals", self.intervals.metrics, self._calibration()),
            PageTable(f"Each class on {self.split}", self._per_class(), self._of_classes()),
            PageTable(f"Confused most on {self.split}", pairs),
        ]
        return tables + [PageTable(f"{self.split} by {column}", table) for column, table in self.slices.items()]

    def _of_classes(self) -> str:
        note = "F1 with its 95 % interval."
        many = len(self.result.evaluation.classes) > MAX_ROWS
        return f"{note} The worst first; per_class_{self.split}.csv has all." if many else note

    def _calibration(self) -> str:
        """What the temperature does to the calibration of this split."""
        before, after = (calibration_error(table) for table in self.reliability)
        if self.temperature == 1.0:
            return f"Calibration: ECE {before:.4f} as trained; no temperature that is fitted on a part of val helps."
        return (
            f"Calibration: ECE {before:.4f}, and {after:.4f} at temperature {self.temperature:.2f}, "
            "which was fitted on val and is kept in the bundle."
        )

    def _per_class(self) -> pd.DataFrame:
        """Precision, recall, F1 and its interval; nothing where a class has no picture."""
        table = self.result.evaluation.per_class
        present = table["support"] > 0
        ends = self.intervals.per_class.query("name == 'f1'")
        figures = table.assign(low=ends["low"].to_numpy(), high=ends["high"].to_numpy())
        columns = ["precision", "recall", "f1", "low", "high"]
        figures = figures.assign(**{name: figures[name].where(present) for name in columns})
        if len(figures) > MAX_ROWS:
            figures = figures.sort_values("f1", kind="stable", na_position="last")
        return figures[["label", *columns, "support"]]


def make_report(result: SplitResult, data: DataModule, temperature: float) -> EvaluationReport:
    """Work a split out.

    Raises:
        UserError: `data.slices` names a column that the catalogue has not.
    """
    evaluation = result.evaluation
    columns = slice_columns(data)
    extra = data.column_values(columns).add_prefix(SLICED)
    predictions = result.predictions[["article_id", "target", "predicted"]].join(extra, on="article_id")
    slices = {column: by_slice(predictions, f"{SLICED}{column}") for column in columns}
    log.info(f"{evaluation.split}: 95 % intervals from {evaluation.num:,} pictures")
    return EvaluationReport(
        result=result,
        intervals=bootstrap(evaluation.probabilities, result.targets, evaluation.classes),
        temperature=temperature,
        slices={column: table for column, table in slices.items() if len(table) > 1 or data.cfg.slices},
    )


def slice_columns(data: DataModule) -> list[str]:
    """The columns of `data.slices`, checked.

    Raises:
        UserError: A column that the catalogue has not.
    """
    there = data.columns
    if data.cfg.slices is None:
        values = data.column_values([name for name in USUAL if name in there])
        return [str(name) for name in values if values[name].nunique() > 1]
    for column in data.cfg.slices:
        if column not in there:
            expected = f"columns of the catalogue ({', '.join(there) or 'it has none'})"
            raise invalid("data.slices", expected, column, there)
    return list(data.cfg.slices)
