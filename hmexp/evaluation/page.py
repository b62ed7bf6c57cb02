"""The page of a run, and the figures of its training and its data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hmexp.console import log
from hmexp.datamodule import DataModule
from hmexp.evaluation.predict import SplitResult
from hmexp.evaluation.report import EvaluationReport
from hmexp.metrics.overfitting import overfit_sentence
from hmexp.reports import figures, sheets
from hmexp.reports.diagram import layer_boxes, model_diagram
from hmexp.reports.page import PageTable, RunPage, run_report
from hmexp.reports.style import legible, save, shorten
from hmexp.training.trainer import FitResult

SHEET = 32
ORDER = (
    *("curves", "confusion_normalised", "confusion", "per_class_f1", "confused_pairs", "worst_mistakes", "grad_cam"),
    *("reliability", "precision_recall", "slices", "class_distribution", "sample_pictures", "model"),
)


def save_figures(job_dir: Path, data: DataModule, model: Any, fitted: FitResult) -> None:  # noqa: ANN401
    """Draw what is known of the training and its data into `figures/`; an `EvaluationReport` has its own."""
    log.info("figures of the training and its data, and the report")
    folder = job_dir / "figures"
    save(figures.curves(fitted.history, fitted.best_epoch), folder / "curves.png")
    save(figures.class_distribution(distribution(data)), folder / "class_distribution.png")
    save(sample_sheet(data), folder / "sample_pictures.png")
    save(model_diagram(layer_boxes(model)), folder / "model.png")


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


def save_page(
    job_dir: Path,
    data: DataModule,
    results: dict[str, SplitResult],
    evaluation_report: EvaluationReport,
    facts: Sequence[tuple[str, str]],
    command: str,
) -> None:
    """Write `report.html`."""
    evaluations = {split: result.evaluation for split, result in results.items()}
    metrics = pd.DataFrame({split: evaluation.metrics for split, evaluation in evaluations.items()})
    report = data.report
    siblings = ", ".join(f"{share:.1%} of {split}" for split, share in report.siblings.items())
    steps = pd.DataFrame(
        [(step.name, step.after, step.text) for step in report.steps], columns=["step", "rows", "what and why"]
    )
    changes = [step.changes.assign(step=step.name) for step in report.steps if len(step.changes)]
    tables = [
        PageTable("The best epoch's model", metrics.rename_axis("metric").reset_index()),
        *evaluation_report.tables(),
        PageTable("What became of the catalogue", steps),
        PageTable(
            "Rows of each class",
            report.counts.rename_axis("class").reset_index(),
            f"With a sibling in train: {siblings}.",
        ),
    ]
    if changes:
        tables.append(
            PageTable("Classes that changed", pd.concat(changes)[["step", "label", "before", "after", "why"]])
        )
    unreadable = drawn_names(data.class_names)
    if len(unreadable):
        tables.append(PageTable("Names in the figures", unreadable, "No installed font has all of their letters."))
    if len(data.quarantine):
        tables.append(PageTable("Pictures in quarantine", data.quarantine))
    page = RunPage(
        title=job_dir.name,
        verdict=overfit_sentence(evaluations["train"], evaluations["val"]),
        facts=tuple(facts),
        tables=tuple(tables),
        warnings=tuple(report.warnings),
        figures=tuple(_ordered(job_dir / "figures")),
        command=command,
        config=(job_dir / "config.yaml").read_text(encoding="utf-8"),
    )
    (job_dir / "report.html").write_text(run_report(page), encoding="utf-8")


def drawn_names(classes: Sequence[str]) -> pd.DataFrame:
    """`in the figures, class` of the classes whose names no installed font can draw."""
    rows = [(shorten(name), name) for name in classes if legible(name) != name]
    return pd.DataFrame(rows, columns=["in the figures", "class"])


def _ordered(folder: Path) -> list[Path]:
    """The figures in the order of `ORDER`, test before val."""

    def place(path: Path) -> tuple[int, str]:
        found = [number for number, stem in enumerate(ORDER) if path.stem.startswith(stem)]
        return (found[0] if found else len(ORDER), "z" if path.stem.endswith("val") else path.stem)

    return sorted(folder.glob("*.png"), key=place)
