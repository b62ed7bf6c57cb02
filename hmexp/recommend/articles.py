"""The catalogue as recommendations need it: articles by number, their products and what kind they are of."""

from dataclasses import dataclass

import pandas as pd
import polars as pl

from hmexp.catalogue.read import ID_DIGITS
from hmexp.catalogue.root import ARTICLES, find_root
from hmexp.catalogue.sample import sample_articles
from hmexp.catalogue.tables import clean_ids
from hmexp.config.data import DataConfig, SampleData
from hmexp.config.errors import UserError, require
from hmexp.config.recommend import LONGEST_LIST

KINDS = {
    "kind": "product_type_name",
    "department": "department_name",
    "section": "section_name",
    "range": "index_name",
    "garment": "garment_group_name",
    "colour": "colour_group_name",
    "pattern": "graphical_appearance_name",
}
"""Attribute -> its column; one that a catalogue lacks is the same for all articles."""


@dataclass(frozen=True)
class Articles:
    """Articles by number.

    Attributes:
        table: `article` (uint32, from 0, in the order of the ids), `article_id`, `name`, `product` (uint32) and the
            attributes of `KINDS` (uint16), a row an article.
    """

    table: pl.DataFrame

    @property
    def ids(self) -> pl.Series:
        """`article_id` by `article`."""
        return self.table["article_id"]

    @property
    def numbers(self) -> pl.DataFrame:
        """`article_id, article`."""
        return self.table.select("article_id", "article")


def read_articles(cfg: DataConfig) -> Articles:
    """The articles of the sample, or of articles.csv below `data.root`; no picture is looked for.

    Raises:
        UserError: No such table, or fewer than twelve articles.
    """
    if isinstance(cfg, SampleData):
        return articles_of(sample_articles())
    root = find_root(cfg.root_path)
    found = root.articles() if root is not None else None
    if found is None:
        raise UserError(f"data.root: expected a folder with {ARTICLES[0]}, received {cfg.root}")
    return articles_of(found[1])


def articles_of(table: pd.DataFrame) -> Articles:
    """Articles of a table in H&M's layout, sorted by id and numbered.

    Raises:
        UserError: No `article_id`, an id twice or that is none, or fewer than twelve articles.
    """
    if "article_id" not in table:
        raise UserError(f"data.root: expected a column article_id, received {', '.join(table.columns[:30])}")
    ids = clean_ids(table["article_id"].astype(str)).str.zfill(ID_DIGITS)
    odd = ids[~ids.str.fullmatch(rf"\d{{{ID_DIGITS}}}")]
    require(odd.empty, "data.root", f"article ids of {ID_DIGITS} digits", next(iter(odd), ""))
    twice = ids[ids.duplicated()]
    require(twice.empty, "data.root", "each article_id once", f"{next(iter(twice), '')} twice")
    require(len(ids) >= LONGEST_LIST, "data.root", f"at least {LONGEST_LIST} articles", len(ids))
    table = table.assign(article_id=ids).sort_values("article_id", ignore_index=True)
    columns: dict[str, object] = {"article_id": table["article_id"].to_list()}
    columns["name"] = table.get("prod_name", table["article_id"]).astype(str).to_list()
    product = table.get("product_code", table["article_id"].str[:7]).astype(str)
    columns["product"] = pd.factorize(product, sort=True)[0]
    for name, column in KINDS.items():
        columns[name] = pd.factorize(table[column].astype(str), sort=True)[0] if column in table else [0] * len(table)
    frame = pl.DataFrame(columns).with_row_index("article")
    return Articles(frame.with_columns(pl.col("article", "product").cast(pl.UInt32), pl.col(*KINDS).cast(pl.UInt16)))
