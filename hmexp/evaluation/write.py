"""What an evaluation leaves in a folder: tables as CSV, figures as PNG."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hmexp.console import log, progress
from hmexp.datamodule import DataModule
from hmexp.evaluation.report import EvaluationReport
from hmexp.evaluation.saved import SLICE_VALUES
from hmexp.metrics.confused import most_confused, pr_curves
from hmexp.metrics.names import slug
from hmexp.reports import evaluation as drawings
from hmexp.reports import figures, sheets
from hmexp.reports.gallery import SLICE
from hmexp.reports.style import save, shorten

SHEET = 32
"""Pictures of a sheet."""
PAIRS, A_PAIR = 6, 6
LOOKED_AT = 8


def write_report(report: EvaluationReport, model: Any, data: DataModule, folder: Path) -> None:  # noqa: ANN401
    """Write tables and figures of a split into a folder and its `figures/`.

    Args:
        report: Of the split.
        model: For where it looked.
        data: For the pictures.
        folder: A job folder, or that of an evaluation.
    """
    with progress(f"figures of {report.split}", sentence=f"{report.split}: tables and figures"):
        write_tables(report, folder)
        if report.slices:
            values = data.column_values(list(report.slices)).reindex(report.result.predictions["article_id"])
            values.astype("string").add_prefix(SLICE).reset_index().to_parquet(folder / SLICE_VALUES, index=False)
        _draw_numbers(report, folder / "figures")
        _draw_pictures(report, model, data, folder / "figures")


def write_tables(report: EvaluationReport, folder: Path) -> None:
    """Write the tables of a split, and draw its confusion."""
    split, evaluation = report.split, report.result.evaluation
    folder.mkdir(parents=True, exist_ok=True)
    evaluation.per_class.to_csv(folder / f"per_class_{split}.csv", index=False)
    report.intervals.metrics.to_csv(folder / f"intervals_{split}.csv", index=False)
    report.intervals.per_class.to_csv(folder / f"intervals_per_class_{split}.csv", index=False)
    evaluation.confusion_table().to_csv(folder / f"confusion_{split}.csv", index=False)
    for column, table in report.slices.items():
        table.to_csv(folder / f"slices_{slug(column)}_{split}.csv", index=False)
    save(figures.confusion(evaluation), folder / "figures" / f"confusion_{split}.png")


def worst_mistakes(predictions: pd.DataFrame) -> pd.DataFrame:
    """The wrong predictions, the most confident first."""
    wrong = predictions[predictions["target"] != predictions["predicted"]]
    return wrong.sort_values("confidence", ascending=False).head(SHEET)


def _draw_numbers(report: EvaluationReport, folder: Path) -> None:
    split, result, evaluation = report.split, report.result, report.result.evaluation
    save(figures.confusion(evaluation, normalised=True), folder / f"confusion_normalised_{split}.png")
    save(drawings.intervals_bars(evaluation, report.intervals.per_class), folder / f"per_class_f1_{split}.png")
    diagram = drawings.reliability_diagram(*report.reliability, report.temperature)
    save(diagram, folder / f"reliability_{split}.png")
    curves = pr_curves(evaluation.probabilities, result.targets, evaluation.classes)
    save(drawings.precision_recall(curves), folder / f"precision_recall_{split}.png")
    for column, table in report.slices.items():
        save(drawings.slice_bars(table, column), folder / f"slices_{slug(column)}_{split}.png")


def _draw_pictures(report: EvaluationReport, model: Any, data: DataModule, folder: Path) -> None:  # noqa: ANN401
    mistakes = worst_mistakes(report.result.predictions)
    if len(mistakes):
        title = f"Worst mistakes on {report.split}"
        save(
            sheets.sample_sheet(_read(data, mistakes), _captions(mistakes), title),
            folder / f"worst_mistakes_{report.split}.png",
        )
        _draw_pairs(report, data, folder)
    _draw_heats(report, model, data, folder)


def _draw_pairs(report: EvaluationReport, data: DataModule, folder: Path) -> None:
    evaluation, predictions = report.result.evaluation, report.result.predictions
    pairs = most_confused(evaluation.confusion, evaluation.classes, PAIRS)
    chosen = [
        predictions[(predictions["target"] == target) & (predictions["predicted"] == predicted)]
        .sort_values("confidence", ascending=False)
        .head(A_PAIR)
        for target, predicted in pairs[["target", "predicted"]].to_numpy()
    ]
    pictures = [_read(data, rows) for rows in chosen]
    captions = [[f"{confidence:.0%}" for confidence in rows["confidence"]] for rows in chosen]
    save(sheets.confused_pairs(pairs, pictures, captions), folder / f"confused_pairs_{report.split}.png")


def _draw_heats(report: EvaluationReport, model: Any, data: DataModule, folder: Path) -> None:  # noqa: ANN401
    """Where the model looked: its surest hits, then its surest misses."""
    from hmexp.training.backends import backend_named
    from hmexp.training.grad_cam import grad_cam

    predictions = report.result.predictions
    right = predictions["target"] == predictions["predicted"]
    rows = pd.concat(
        [
            part.sort_values("confidence", ascending=False).groupby("target").head(2).head(LOOKED_AT)
            for part in (predictions[right], predictions[~right])
        ]
    )
    names = report.result.evaluation.classes
    seen = rows["predicted"].map({name: number for number, name in enumerate(names)}).to_numpy(np.int64)
    pictures = _read(data, rows)
    captions = [
        f"{'hit' if target == predicted else 'miss'}: {shorten(predicted, 18)}\n{confidence:.0%}"
        for target, predicted, confidence in rows[["target", "predicted", "confidence"]].to_numpy()
    ]
    try:
        heats = grad_cam(model, pictures, seen, backend_named(data.backend))
    except ValueError:
        log.info(f"{report.split}: no Grad-CAM, as the model has no feature maps")
        return
    title = f"What speaks for the predicted class (Grad-CAM), {report.split}"
    save(sheets.heat_sheet(pictures, heats, captions, title), folder / f"grad_cam_{report.split}.png")


def _captions(mistakes: pd.DataFrame) -> list[str]:
    return [
        f"{shorten(target, 22)}\ntaken for {shorten(predicted, 16)}\n{confidence:.0%}"
        for target, predicted, confidence in mistakes[["target", "predicted", "confidence"]].to_numpy()
    ]


def _read(data: DataModule, rows: pd.DataFrame) -> np.ndarray:
    return data.store.read(data.store.rows(rows["image"].tolist()))
