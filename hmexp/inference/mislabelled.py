"""Articles whose label is likely wrong: confident learning over the parts of a prediction."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from hmexp.config.verbs import PredictConfig
from hmexp.console import log
from hmexp.inference.articles import Articles
from hmexp.inference.pixels import pixel_source
from hmexp.reports import sheets
from hmexp.reports.style import save, shorten
from hmexp.tracking.bundles import FoundBundle, file_of_run

SHEET = 40
SHEET_SIDE = 180
COLUMNS = ["article_id", "image", "label", "top_1", "confidence_1", "label_confidence"]


def find_mislabelled(tables: Iterator[pa.Table], classes: Sequence[str]) -> pd.DataFrame:
    """The articles that are confidently of another class than their label, the clearest first.

    A prediction is confident where it reaches what articles with that label reach on average (Northcutt, Jiang and
    Chuang, Confident Learning, 2021, JAIR 70). Only the rows that a class other than the label wins are kept in
    memory, while the averages grow.

    Args:
        tables: Parts of a prediction.
        classes: Of the model.

    Returns:
        `article_id, image, label, suggested, confidence, label_confidence, margin`, a row an article; empty where no
        article has a label.
    """
    sums, counts = np.zeros(len(classes)), np.zeros(len(classes))
    number = {name: place for place, name in enumerate(classes)}
    kept = []
    for table in tables:
        rows = table.select(COLUMNS).to_pandas()
        rows = rows[rows["label_confidence"].notna()]
        labels = rows["label"].map(number).to_numpy(np.int64)
        sums += np.bincount(labels, rows["label_confidence"], minlength=len(classes))
        counts += np.bincount(labels, minlength=len(classes))
        kept.append(rows[rows["label"] != rows["top_1"]])
    if not kept or not counts.any():
        return pd.DataFrame()
    thresholds = np.divide(sums, counts, out=np.ones_like(sums), where=counts > 0)
    differing = pd.concat(kept, ignore_index=True)
    suggested = differing["top_1"].map(number).to_numpy(np.int64)
    found: pd.DataFrame = differing[differing["confidence_1"].to_numpy() >= thresholds[suggested]]
    found = found.assign(margin=found["confidence_1"] - found["label_confidence"])
    found = found.rename(columns={"top_1": "suggested", "confidence_1": "confidence"})
    return found.sort_values("margin", ascending=False, kind="stable", ignore_index=True)


def write_mislabelled(
    found: pd.DataFrame, articles: Articles, bundle: FoundBundle, config: PredictConfig, out: Path
) -> Path:
    """Write the table beside `out`, and a sheet of the clearest pictures; gives the table's path.

    The table has a column `split`, where the model's run says what it learned from: of an article of train the model
    may have learned the wrong label by heart.
    """
    manifest = file_of_run(bundle, "manifest.parquet", config.tracking, config.paths)
    if manifest is not None:
        known = pd.read_parquet(manifest, columns=["article_id", "split"]).drop_duplicates("article_id")
        found = found.assign(split=found["article_id"].map(known.set_index("article_id")["split"]))
    path = out.with_name(f"{out.stem}.mislabelled.csv")
    found.to_csv(path, index=False)
    shown = found.head(SHEET)
    pixels = pixel_source(articles, SHEET_SIDE, "pad", config.paths)
    batch = next(pixels.batches(shown["image"].tolist(), len(shown)))
    captions = [
        f"{row.article_id}\n{shorten(str(row.label), 22)}\n{shorten(str(row.suggested), 18)}? {row.confidence:.0%}"
        for row in shown.itertuples()
    ]
    title = f"Labels to check: {len(shown)} of {len(found):,}, the clearest first"
    save(sheets.sample_sheet(batch.pixels, captions, title), path.with_suffix(".png"))
    log.info(f"{len(found):,} labels are likely wrong: {path} and {path.with_suffix('.png').name}")
    return path
