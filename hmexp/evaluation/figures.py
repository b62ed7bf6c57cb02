"""The figures of a run's training and its data, and the tables beside them that the run's page is drawn from."""

from pathlib import Path
from typing import Any

import pandas as pd

from hmexp.console import progress
from hmexp.datamodule import DataModule
from hmexp.evaluation.saved import CLASS_COUNTS, LAYERS
from hmexp.reports import figures, sheets
from hmexp.reports.diagram import LayerBox, layer_boxes, model_diagram
from hmexp.reports.style import save, shorten
from hmexp.training.trainer import FitResult

SHEET = 32


def save_figures(job_dir: Path, data: DataModule, model: Any, fitted: FitResult) -> None:  # noqa: ANN401
    """Draw what is known of the training and its data into `figures/`; an `EvaluationReport` has its own."""
    folder = job_dir / "figures"
    counts, boxes = distribution(data), layer_boxes(model)
    with progress("figures of the run", sentence="figures of the training and its data, and the report"):
        counts.rename_axis("label").astype(int).to_csv(job_dir / CLASS_COUNTS)
        _layers(boxes).to_csv(job_dir / LAYERS, index=False)
        save(figures.curves(fitted.history, fitted.best_epoch), folder / "curves.png")
        save(figures.class_distribution(counts), folder / "class_distribution.png")
        save(sample_sheet(data), folder / "sample_pictures.png")
        save(model_diagram(boxes), folder / "model.png")


def distribution(data: DataModule) -> pd.DataFrame:
    """Articles of each class in the catalogue (after merging) and in each split."""
    counts = data.report.counts
    merged = data.merged_counts()
    table = counts.drop(columns="total").assign(catalogue=merged.reindex(counts.index).fillna(0))
    return table[["catalogue", *data.sizes()]]


def sample_sheet(data: DataModule) -> Any:  # noqa: ANN401
    """Training pictures, class after class, chosen by nothing but the manifest."""
    rows = data.manifest.of_split("train")
    each = max(1, SHEET // rows["label"].nunique())
    chosen = rows.groupby("label", sort=True).head(each).head(SHEET + 16)
    pictures = data.store.read(data.store.rows(chosen["image"].tolist()))
    captions = [shorten(label, 22) for label in chosen["label"]]
    return sheets.sample_sheet(pictures, captions, "Training pictures, as the model sees them")


def _layers(boxes: list[LayerBox]) -> pd.DataFrame:
    rows = [(box.name, box.kind, box.words, box.num_params) for box in boxes]
    return pd.DataFrame(rows, columns=["layer", "kind", "output", "parameters"])
