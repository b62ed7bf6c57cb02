"""All that is known of a model on a split: figures, intervals, calibration, slices."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from hmexp.config.errors import invalid
from hmexp.console import progress
from hmexp.datamodule import DataModule
from hmexp.evaluation.predict import SplitResult
from hmexp.metrics.bootstrap import Intervals, bootstrap
from hmexp.metrics.calibration import reliability, with_temperature
from hmexp.metrics.slices import by_slice

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
    sentence = f"{evaluation.split}: 95 % intervals from {evaluation.num:,} pictures"
    with progress(f"intervals of {evaluation.split}", sentence=sentence):
        intervals = bootstrap(evaluation.probabilities, result.targets, evaluation.classes)
    return EvaluationReport(
        result=result,
        intervals=intervals,
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
