"""Writes the sample: tables and pictures, whole or not at all."""

from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hmexp.catalogue.sample.drawing import Look, draw_article
from hmexp.catalogue.sample.once import make_once
from hmexp.catalogue.sample.tables import articles_table, customers_table, transactions_table
from hmexp.catalogue.sample.types import TYPES
from hmexp.console import progress

SAMPLE_VERSION = "1"
"""Part of the folder's name; a change of the drawings changes it."""
NUM_WITHOUT_PICTURE = 10
OUTLINES = {product_type.name: product_type.outline for product_type in TYPES}


@cache
def sample_articles() -> pd.DataFrame:
    """articles.csv with H&M's 25 columns, `article_id` as text; writes nothing."""
    return articles_table()


def sample_pictures() -> list[str]:
    """Paths of the pictures, sorted, the two broken ones among them; draws nothing."""
    ids = sample_articles()["article_id"]
    missing = set(ids.iloc[np.random.default_rng(7).permutation(len(ids))[:NUM_WITHOUT_PICTURE]])
    return sorted(_image_path(article) for article in ids if article not in missing)


def generate_sample(root: Path) -> None:
    """Write the catalogue, whole or not at all; returns at once where it is there.

    Two processes at once draw it once. One article's picture is cut off in its middle and another's file is no
    picture, as in any real catalogue.

    Args:
        root: Its folder.
    """
    make_once(root, _write)


def _write(root: Path) -> None:
    _write_tables(root)
    _write_pictures(root)


def _write_tables(root: Path) -> None:
    articles = sample_articles()
    customers = customers_table()
    articles.to_csv(root / "articles.csv", index=False)
    customers.to_csv(root / "customers.csv", index=False)
    transactions_table(articles, customers).to_csv(root / "transactions_train.csv", index=False)


def _write_pictures(root: Path) -> None:
    rows = {str(row["article_id"]): row for row in sample_articles().to_dict("records")}
    paths = sample_pictures()
    for folder in {path.rpartition("/")[0] for path in paths}:
        (root / folder).mkdir(parents=True)

    def draw(path: str) -> None:
        draw_picture(rows[Path(path).stem], root / path)

    sentence = f"drawing the sample catalogue: {len(paths):,} pictures in {root.parent}"
    with progress("drawing the sample", len(paths), sentence=sentence) as bar, ThreadPoolExecutor() as pool:
        for _ in pool.map(draw, paths):
            bar.advance()
    upper = [path for path in paths if rows[Path(path).stem]["product_group_name"] == "Garment Upper body"]
    cut_off, no_picture = root / upper[100], root / upper[200]
    cut_off.write_bytes(cut_off.read_bytes()[: cut_off.stat().st_size // 2])
    no_picture.write_text("This file is no picture.\n")


def draw_picture(article: dict[Hashable, Any], path: Path) -> None:
    """Draw and write the picture of one row of articles.csv.

    A colour variant has the cut of its product and a pose of its own.
    """
    article_id = str(article["article_id"])
    accents = np.random.default_rng(int(article_id))
    second = "White" if article["colour_group_name"] != "White" else str(accents.choice(["Black", "Dark Blue", "Red"]))
    look = Look(str(article["colour_group_name"]), second, str(article["graphical_appearance_name"]))
    outline = OUTLINES[str(article["product_type_name"])]
    picture = draw_article(outline, look, int(article["product_code"]), int(article_id))
    picture.save(path, quality=int(accents.integers(80, 93)))


def _image_path(article_id: str) -> str:
    return f"images/{article_id[:3]}/{article_id}.jpg"
