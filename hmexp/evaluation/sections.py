"""The parts of the page of a run or an evaluation, from what it has saved."""

from pathlib import Path

import numpy as np
import pandas as pd

from hmexp.evaluation.answer import interval_of, slice_tables
from hmexp.evaluation.saved import CLASS_COUNTS, HISTORY, LAYERS, METRICS, STRATEGY, SavedFolder
from hmexp.metrics.calibration import reliability, with_temperature
from hmexp.metrics.confused import most_confused, pr_curves
from hmexp.reports.blocks import Card, Chart, Charts, PageTable, Pictures
from hmexp.reports.cells import between, metric_words
from hmexp.reports.charts import (
    class_strips,
    confusion_matrix,
    count_strips,
    curves,
    precision_recall_chart,
    reliability_chart,
    slice_strips,
)
from hmexp.reports.gallery import Thumbnail, confidence_drawing, make_gallery, mistakes_of
from hmexp.reports.page import Block, PageSection, picture_block

SAMPLES = 32
PARTS = ("test", "val", "train")
HEAT = "What speaks for the predicted class (Grad-CAM)"


def mistakes_section(saved: SavedFolder, thumbnail: Thumbnail) -> PageSection:
    """The gallery, and where the mistakes lie on the scale of confidence."""
    rows = mistakes_of(saved.splits[saved.split].predictions, saved.slice_values)
    gallery = make_gallery(rows, thumbnail)
    blocks: list[Block] = [gallery]
    if gallery.pictures:
        note = "Point at a dot to see its picture: mistakes far to the right are worth a look at the label."
        blocks.append(Charts((Chart("How sure the mistakes are", confidence_drawing(gallery), note),)))
    return PageSection("Mistakes", tuple(blocks), True, f"{len(rows):,} on {saved.split}")


def classes_section(saved: SavedFolder) -> PageSection:
    """F1 of each class with its interval, the confusion, precision and recall."""
    split = saved.splits[saved.split]
    evaluation = split.evaluation
    ends = saved.table(f"intervals_per_class_{saved.split}.csv")
    found = pr_curves(evaluation.probabilities, split.targets, evaluation.classes)
    table = evaluation.per_class
    present = table["support"] > 0
    columns = ["precision", "recall", "f1"]
    figures = table.assign(**{name: table[name].where(present) for name in columns})[["label", *columns, "support"]]
    names = {"label": "class", "f1": "F1", "support": "pictures"}
    pairs = most_confused(evaluation.confusion, evaluation.classes).rename(columns={"count": "times"})
    blocks: list[Block] = [class_strips(evaluation, ends), confusion_matrix(evaluation)]
    blocks += [PageTable("Confused most", pairs)] if len(pairs) else []
    blocks += [
        Charts((precision_recall_chart(found),)),
        PageTable("Each class in numbers", figures.rename(columns=names)),
    ]
    return PageSection(
        "Classes", tuple(blocks), False, f"{int(present.sum())} of them, confusion, precision and recall"
    )


def metrics_section(saved: SavedFolder) -> PageSection:
    """Every metric on every split, the page's split with its interval; the curves of the training."""
    columns = {name: saved.splits[name].evaluation.metrics for name in PARTS if name in saved.splits}
    columns = columns or {saved.split: saved.splits[saved.split].evaluation.metrics}
    intervals = saved.table(f"intervals_{saved.split}.csv")
    table = pd.DataFrame(
        {f"{name} ({saved.splits[name].evaluation.num:,})": values for name, values in columns.items()}
    )
    table = table.rename_axis("metric").reset_index()
    ends = [between(*interval_of(intervals, str(name))) for name in table["metric"]]
    table.insert(2, f"95 % interval on {saved.split}", ends)
    table["metric"] = table["metric"].map(metric_words)
    note = "Pictures in brackets; train is a sample." if "train" in saved.splits else "Pictures in brackets."
    history = saved.table(HISTORY)
    blocks: list[Block] = []
    if len(history):
        best = int(saved.json(METRICS).get("best/epoch", history["epoch"].iloc[-1]))
        blocks.append(Charts(tuple(curves(history, best))))
    blocks.append(PageTable("Figures", table, note))
    return PageSection("Training and figures" if len(history) else "Figures", tuple(blocks), False, _epochs(history))


def confidence_section(saved: SavedFolder) -> PageSection:
    """Confidence beside accuracy, as trained and with the temperature."""
    split = saved.splits[saved.split]
    charts = [reliability_chart(reliability(split.evaluation.probabilities, split.targets), "As trained")]
    if saved.temperature != 1.0:
        cooled = reliability(with_temperature(split.logits, saved.temperature), split.targets)
        charts.append(reliability_chart(cooled, f"With the temperature of {saved.temperature:.3g} that the bundle has"))
    return PageSection("Confidence", (Charts(tuple(charts)),), False, "is a confidence of 0.9 right nine times of ten?")


def slices_section(saved: SavedFolder) -> PageSection | None:
    """Accuracy by columns of the catalogue; nothing where none was saved."""
    accuracy = saved.splits[saved.split].evaluation.metrics["accuracy"]
    blocks = tuple(slice_strips(table, name.replace("_", " "), accuracy) for name, table in slice_tables(saved).items())
    return PageSection("Parts of the catalogue", blocks, False, "where the model is weak") if blocks else None


def data_section(saved: SavedFolder, thumbnail: Thumbnail) -> PageSection | None:
    """What became of the catalogue, how many articles each class has, and pictures of each."""
    strategy = saved.json(STRATEGY)
    if not strategy:
        return None
    rows = [(step["name"], step["after"], step["text"]) for step in strategy["steps"]]
    steps = PageTable("What became of the catalogue", pd.DataFrame(rows, columns=["step", "rows", "what and why"]))
    blocks: list[Block] = [steps]
    counts = pd.DataFrame(strategy["counts"])
    whole = saved.table(CLASS_COUNTS)
    if len(counts):
        shown = (whole if len(whole) else counts).set_index("label")
        shares = ", ".join(f"{share:.1%} of {split}" for split, share in strategy.get("sibling_in_train", {}).items())
        siblings = f"With a sibling in train: {shares}." if shares else ""
        blocks += [
            count_strips(shown),
            PageTable("Rows of each class", counts.rename(columns={"label": "class"}), siblings),
        ]
    changes = [{"step": step["name"], **change} for step in strategy["steps"] for change in step["changes"]]
    blocks += [PageTable("Classes that changed", pd.DataFrame(changes))] if changes else []
    quarantine = saved.table("quarantine.csv")
    blocks += [PageTable("Pictures in quarantine", quarantine)] if len(quarantine) else []
    blocks += _samples(saved.path / "manifest.parquet", thumbnail)
    total = int(counts.drop(columns="label").to_numpy()[:, 0].sum()) if len(counts) else 0
    return PageSection("Data", tuple(blocks), False, f"{total:,} rows, {len(counts)} classes")


def model_section(saved: SavedFolder) -> PageSection | None:
    """The layers, and where the model looked."""
    layers = saved.table(LAYERS)
    blocks: list[Block] = []
    if len(layers):
        blocks.append(PageTable("Layers", layers, f"{int(layers['parameters'].sum()):,} parameters."))
    figures = saved.path / "figures"
    titles = {f"grad_cam_{saved.split}.png": HEAT} | ({} if len(layers) else {"model.png": "The model"})
    there = {figures / name: title for name, title in titles.items() if (figures / name).is_file()}
    blocks += [picture_block(path, title) for path, title in there.items()]
    return PageSection("Model", tuple(blocks), False, "layers, and what speaks for a class") if blocks else None


def _samples(path: Path, thumbnail: Thumbnail) -> list[Block]:
    """Pictures of train, class after class, chosen by nothing but the manifest."""
    if not path.is_file():
        return []
    rows = pd.read_parquet(path, columns=["article_id", "image", "label", "split"])
    rows = rows[rows["split"] == "train"].drop_duplicates("article_id")
    if rows.empty:
        return []
    chosen = (
        rows.groupby("label", sort=True)
        .head(max(1, SAMPLES // rows["label"].nunique()))
        .sort_values("label", kind="stable")
    )
    found = [(row, thumbnail(str(row.image))) for row in chosen.head(SAMPLES + 16).itertuples()]
    cards = [
        Card(address, f"Article {row.article_id}, {row.label}", (str(row.label), str(row.article_id)))
        for row, address in found
        if address
    ]
    return [Pictures("Pictures of train", tuple(cards))] if cards else []


def _epochs(history: pd.DataFrame) -> str:
    if history.empty:
        return ""
    seconds = float(np.nansum(history["seconds"])) if "seconds" in history else 0.0
    return f"{len(history)} epochs" + (f", {seconds:,.0f} s" if seconds else "")
