"""The full evaluation of a split: intervals, calibration, slices, mistakes, where the model looked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hmexp.config.errors import invalid
from hmexp.datamodule import DataModule
from hmexp.metrics.bootstrap import Intervals, bootstrap
from hmexp.metrics.calibration import calibration_error, reliability, with_temperature
from hmexp.metrics.confused import most_confused, pr_curves
from hmexp.metrics.names import slug
from hmexp.metrics.slices import by_slice
from hmexp.reports import evaluation as drawings
from hmexp.reports import figures, sheets
from hmexp.reports.page import PageTable
from hmexp.reports.style import save, shorten
from hmexp.runner.evaluate import SplitResult

SHEET = 32
PAIRS = 6
A_PAIR = 6
LOOKED_AT = 8
USUAL = ("colour_group_name", "index_group_name")
NOT_SLICED = ("article_id", "image", "label", "group", "split", "target", "predicted", "confidence")


@dataclass(frozen=True)
class Judgement:
    """All that is known of a model on a split.

    Attributes:
        result: Figures and predictions.
        intervals: The figures' 95 % bootstrap intervals.
        temperature: What logits are divided by, fitted on val.
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

    def save(self, model: Any, data: DataModule, folder: Path) -> None:  # noqa: ANN401
        """Write tables and figures of this split into a folder and its `figures/`.

        Args:
            model: For where it looked.
            data: For the pictures.
            folder: A job folder, or that of an evaluation.
        """
        self.save_tables(folder)
        self._draw_numbers(folder / "figures")
        self._draw_pictures(model, data, folder / "figures")

    def save_tables(self, folder: Path) -> None:
        """Write the tables of this split, and its confusion."""
        split, evaluation = self.split, self.result.evaluation
        folder.mkdir(parents=True, exist_ok=True)
        evaluation.per_class.to_csv(folder / f"per_class_{split}.csv", index=False)
        self.intervals.metrics.to_csv(folder / f"intervals_{split}.csv", index=False)
        self.intervals.per_class.to_csv(folder / f"intervals_per_class_{split}.csv", index=False)
        for column, table in self.slices.items():
            table.to_csv(folder / f"slices_{slug(column)}_{split}.csv", index=False)
        save(figures.confusion(evaluation), folder / "figures" / f"confusion_{split}.png")

    def tables(self) -> list[PageTable]:
        """Tables for the page: figures with intervals, classes, confused pairs, slices."""
        pairs = most_confused(self.result.evaluation.confusion, self.result.evaluation.classes)
        error = [calibration_error(table) for table in self._reliability()]
        note = (
            f"Calibration: ECE {error[0]:.4f}, and {error[1]:.4f} at temperature {self.temperature:.2f}, "
            "which was fitted on val and is kept in the bundle."
        )
        tables = [
            PageTable(f"Figures on {self.split} with 95 % intervals", self.intervals.metrics, note),
            PageTable(f"Each class on {self.split}", self._per_class(), "F1 with its 95 % interval."),
            PageTable(f"Confused most on {self.split}", pairs),
        ]
        return tables + [PageTable(f"{self.split} by {column}", table) for column, table in self.slices.items()]

    def _per_class(self) -> pd.DataFrame:
        """Precision, recall, F1 and its interval; nothing where a class has no picture."""
        table = self.result.evaluation.per_class
        present = table["support"] > 0
        ends = self.intervals.per_class.query("name == 'f1'").set_index("label").loc[table["label"], ["low", "high"]]
        figures_ = table.assign(low=ends["low"].to_numpy(), high=ends["high"].to_numpy())
        columns = ["precision", "recall", "f1", "low", "high"]
        figures_ = figures_.assign(**{name: figures_[name].where(present) for name in columns})
        return figures_[["label", *columns, "support"]]

    def _reliability(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Before and after the temperature."""
        targets = self.result.targets
        cooled = with_temperature(self.result.logits, self.temperature)
        return reliability(self.result.evaluation.probabilities, targets), reliability(cooled, targets)

    def _draw_numbers(self, folder: Path) -> None:
        split, evaluation = self.split, self.result.evaluation
        save(figures.confusion(evaluation, normalised=True), folder / f"confusion_normalised_{split}.png")
        save(drawings.intervals_bars(evaluation, self.intervals.per_class), folder / f"per_class_f1_{split}.png")
        before, after = self._reliability()
        save(drawings.reliability_diagram(before, after, self.temperature), folder / f"reliability_{split}.png")
        curves = pr_curves(evaluation.probabilities, self.result.targets, evaluation.classes)
        save(drawings.precision_recall(curves), folder / f"precision_recall_{split}.png")
        for column, table in self.slices.items():
            save(drawings.slice_bars(table, column), folder / f"slices_{slug(column)}_{split}.png")

    def _draw_pictures(self, model: Any, data: DataModule, folder: Path) -> None:  # noqa: ANN401
        predictions = self.result.predictions
        mistakes = worst_mistakes(predictions)
        if len(mistakes):
            sheet = figures.sample_sheet(_read(data, mistakes), _captions(mistakes), f"Worst mistakes on {self.split}")
            save(sheet, folder / f"worst_mistakes_{self.split}.png")
            self._draw_pairs(data, folder)
        self._draw_heats(model, data, folder)

    def _draw_pairs(self, data: DataModule, folder: Path) -> None:
        evaluation, predictions = self.result.evaluation, self.result.predictions
        pairs = most_confused(evaluation.confusion, evaluation.classes, PAIRS)
        chosen = [
            predictions[(predictions["target"] == target) & (predictions["predicted"] == predicted)]
            .sort_values("confidence", ascending=False)
            .head(A_PAIR)
            for target, predicted in pairs[["target", "predicted"]].to_numpy()
        ]
        pictures = [_read(data, rows) for rows in chosen]
        captions = [[f"{confidence:.0%}" for confidence in rows["confidence"]] for rows in chosen]
        save(sheets.confused_pairs(pairs, pictures, captions), folder / f"confused_pairs_{self.split}.png")

    def _draw_heats(self, model: Any, data: DataModule, folder: Path) -> None:  # noqa: ANN401
        """Where the model looked: its surest hits, then its surest misses."""
        from hmexp.training.backends import backend_named
        from hmexp.training.grad_cam import grad_cam

        predictions = self.result.predictions
        right = predictions["target"] == predictions["predicted"]
        rows = pd.concat(
            [
                part.sort_values("confidence", ascending=False).groupby("target").head(2).head(LOOKED_AT)
                for part in (predictions[right], predictions[~right])
            ]
        )
        names = self.result.evaluation.classes
        seen = rows["predicted"].map({name: number for number, name in enumerate(names)}).to_numpy(np.int64)
        pictures = _read(data, rows)
        captions = [
            f"{'hit' if target == predicted else 'miss'}: {shorten(predicted, 18)}\n{confidence:.0%}"
            for target, predicted, confidence in rows[["target", "predicted", "confidence"]].to_numpy()
        ]
        heats = grad_cam(model, pictures, seen, backend_named(data.backend))
        title = f"What speaks for the predicted class (Grad-CAM), {self.split}"
        save(sheets.heat_sheet(pictures, heats, captions, title), folder / f"grad_cam_{self.split}.png")


def judge(result: SplitResult, data: DataModule, temperature: float) -> Judgement:
    """Work a split out.

    Raises:
        UserError: `data.slices` names a column that the catalogue has not.
    """
    evaluation = result.evaluation
    columns = slice_columns(data)
    extra = data.catalogue.rows.set_index("article_id")[columns]
    predictions = result.predictions.join(extra, on="article_id")
    slices = {column: by_slice(predictions, column) for column in columns}
    return Judgement(
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
    rows = data.catalogue.rows
    there = [str(name) for name in rows.columns if name not in NOT_SLICED]
    if data.cfg.slices is None:
        return [name for name in USUAL if name in there and rows[name].nunique() > 1]
    for column in data.cfg.slices:
        if column not in there:
            expected = f"columns of the catalogue ({', '.join(there) or 'it has none'})"
            raise invalid("data.slices", expected, column, there)
    return list(data.cfg.slices)


def worst_mistakes(predictions: pd.DataFrame) -> pd.DataFrame:
    """The wrong predictions, the most confident first."""
    wrong = predictions[predictions["target"] != predictions["predicted"]]
    return wrong.sort_values("confidence", ascending=False).head(SHEET)


def _captions(mistakes: pd.DataFrame) -> list[str]:
    return [
        f"{shorten(target, 22)}\ntaken for {shorten(predicted, 16)}\n{confidence:.0%}"
        for target, predicted, confidence in mistakes[["target", "predicted", "confidence"]].to_numpy()
    ]


def _read(data: DataModule, rows: pd.DataFrame) -> np.ndarray:
    return data.store.read(data.store.rows(rows["image"].tolist()))
