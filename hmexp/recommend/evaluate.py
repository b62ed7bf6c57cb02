"""`embed evaluate=true`: how well features find variants and like articles, beside what needs no training."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hmexp.catalogue.manifest import own
from hmexp.config.similar import EmbedConfig
from hmexp.console import log, progress, shown_width
from hmexp.evaluation.tables import frame_table
from hmexp.files import place_of
from hmexp.inference.pixels import pixel_source
from hmexp.metrics.retrieval import depth_needed, retrieval_scores, with_intervals
from hmexp.models.bundle import read_card
from hmexp.recommend.baselines import GREY, baselines
from hmexp.recommend.embed import Source, embeddings_of
from hmexp.recommend.embeddings import Embeddings
from hmexp.recommend.exact import scan
from hmexp.recommend.held_out import held_out
from hmexp.reports.style import shorten
from hmexp.tracking.bundles import find_bundle

KINDS = {"product type": own("product_type_name"), "department": own("department_name"), "class": "label"}
VARIANT = "variant/"
GAINS = ["gain", "gain_low", "gain_high"]
A_METRIC, A_CELL = 26, 22
"""Width of the printed table's first column and of the others, where it has the intervals."""


def other_models(config: EmbedConfig, source: Source) -> list[Source]:
    """The models of `against`, over the same articles.

    Raises:
        UserError: No such model, or a place that the table cannot have.
    """
    if config.evaluate:
        place_of(config.out)
    bundles = [find_bundle(name, config.tracking, config.paths, "against") for name in config.against]
    return [Source(bundle, read_card(bundle.folder), source.articles) for bundle in bundles]


def evaluate_retrieval(
    config: EmbedConfig, source: Source, embeddings: Embeddings, others: Sequence[Source]
) -> pd.DataFrame:
    """Print and write the retrieval metrics of a model, of others and of the baselines on the same articles.

    Args:
        config: Of the command.
        source: The model and the catalogue.
        embeddings: Of these.
        others: See `other_models`.

    Returns:
        `features, metric, queries, value, low, high, gain, gain_low, gain_high`: the gain is that over standardised
        grey, with the interval of the difference.
    """
    models = {source.bundle.name: embeddings} | {each.bundle.name: embeddings_of(each, config) for each in others}
    readable = source.articles.rows[source.articles.rows["article_id"].isin(embeddings.article_ids)]
    rows, which = held_out(readable, [source, *others], config)
    pixels = pixel_source(source.articles, source.card.image_size, source.card.resize, config.paths)
    vectors = {name: _of(each, rows["article_id"]) for name, each in models.items()}
    vectors |= baselines(pixels, rows["image"].tolist())
    with progress("comparing features"):
        table = compare_features(vectors, rows, config.k)
    title = f"{len(rows):,} articles of {rows['group'].nunique():,} products, {which}; 95 % intervals over products"
    _say(table, title, source.bundle.name)
    _write(table.assign(articles=len(rows), held_out=which), place_of(config.out))
    return table


def compare_features(vectors: Mapping[str, np.ndarray], rows: pd.DataFrame, k: int) -> pd.DataFrame:
    """The retrieval metrics of several vectors of the same articles; see `evaluate_retrieval`.

    Args:
        vectors: Name -> float16 `[articles, features]`, L2-normalised; standardised grey among them.
        rows: `group, label` and columns of the catalogue, one row an article.
        k: Neighbours that are looked at.
    """
    groups = rows["group"].to_numpy(dtype=object)
    kinds = {name: rows[column].to_numpy(dtype=object) for name, column in KINDS.items() if column in rows}
    depth = depth_needed(groups, k)
    scores: dict[str, pd.DataFrame] = {}
    for name, features in vectors.items():
        neighbours = scan(features, np.asarray(features, np.float32), depth)[1]
        scores[name] = retrieval_scores(neighbours, groups, kinds, k)
    tables = []
    for name, each in scores.items():
        table = with_intervals(each, groups)
        gains = with_intervals(each - scores[GREY], groups)[["value", "low", "high"]].set_axis(GAINS, axis=1)
        tables.append(pd.concat([table, gains], axis=1).assign(features=name))
    return pd.concat(tables, ignore_index=True)[["features", *tables[0].columns.drop("features")]]


def _of(embeddings: Embeddings, ids: pd.Series) -> np.ndarray:
    """The vectors of some articles."""
    places = pd.Index(embeddings.article_ids).get_indexer(pd.Index(ids))
    return np.asarray(embeddings.vectors[places])


def _say(table: pd.DataFrame, title: str, name: str) -> None:
    """Print the metrics, and what those of the features called `name` are worth beside standardised grey."""
    narrow = shown_width() < A_METRIC + A_CELL * table["features"].nunique()
    cells = zip(table["value"], table["low"], table["high"], strict=True)
    shown = table.assign(cell=[_cell(*row, narrow) for row in cells])
    wide = shown.pivot(index="metric", columns="features", values="cell")
    wide = wide.reindex(index=table["metric"].unique(), columns=table["features"].unique())
    log.info(frame_table(wide.rename(columns=lambda each: shorten(each, A_CELL)).reset_index(), title))
    variants = table[(table["features"] == name) & table["metric"].str.startswith(VARIANT)]
    if variants.empty:
        log.info("no article has a variant: the catalogue has no product codes, or no two articles of one are here")
    columns = (variants[column] for column in ("metric", *GAINS))
    for metric, *gain in zip(*columns, strict=True):
        real = "" if gain[1] <= 0 <= gain[2] else ", beyond chance"
        log.info(f"{metric}: {gain[0]:+.3f} ({gain[1]:+.3f} to {gain[2]:+.3f}) over standardised grey{real}")


def _cell(value: float, low: float, high: float, narrow: bool) -> str:
    return f"{value:.3f}" if narrow else f"{value:.3f} ({low:.3f}-{high:.3f})"


def _write(table: pd.DataFrame, out: Path) -> None:
    """Write the table whole."""
    partial = out.with_name(f"{out.name}.partial")
    if out.suffix.lower() == ".csv":
        table.to_csv(partial, index=False)
    else:
        table.to_json(partial, orient="records", indent=1)
    partial.replace(out)
    log.info(f"table  {shlex.quote(str(out))}")
