"""Catalogue -> manifest: the strategies in their order, with the report of what each changed."""

import hashlib
from collections.abc import Collection

import pandas as pd

from hmexp.catalogue.balance import balance
from hmexp.catalogue.manifest import Manifest
from hmexp.catalogue.merge import merge
from hmexp.catalogue.read import Catalogue
from hmexp.catalogue.report import Step, StrategyReport, make_report
from hmexp.catalogue.split import cross_validate, split
from hmexp.config.data import DataConfig
from hmexp.config.errors import UserError, invalid


def limit_rows(rows: pd.DataFrame, limit: int | None) -> pd.DataFrame:
    """At most `limit` rows, spread evenly over the labels, chosen by a hash of the id."""
    if limit is None or len(rows) <= limit:
        return rows
    order = rows["article_id"].map(lambda article: hashlib.blake2b(article.encode()).digest())
    rank = order.groupby(rows["label"]).rank(method="first")
    return rows.loc[rank.sort_values(kind="stable").index[:limit]].sort_index()


def plan(cfg: DataConfig, catalogue: Catalogue, quarantined: Collection[str] = ()) -> tuple[Manifest, StrategyReport]:
    """Merge, split and balance; with `data.balance.scope=all` balance before the split, as the reference did.

    Args:
        cfg: The `data` section.
        catalogue: The catalogue, already limited to `data.limit`.
        quarantined: Paths of pictures that could not be read; their articles are left out.

    Raises:
        UserError: A class or column that the catalogue lacks.
    """
    rows = catalogue.rows[~catalogue.rows["image"].isin(set(quarantined))]
    manifest = Manifest.from_rows(rows)
    steps = [_catalogue_step(catalogue, len(rows))]
    manifest, step = merge(cfg.merge, manifest)
    steps.append(step)
    if cfg.balance.scope == "all":
        manifest, step = balance(cfg.balance, manifest)
        steps.append(step)
    manifest, step = split(cfg.split, manifest)
    steps.append(step)
    if cfg.split.folds is not None:
        manifest, step = cross_validate(cfg.split, manifest)
        steps.append(step)
    if cfg.balance.scope == "train":
        manifest, step = balance(cfg.balance, manifest)
        steps.append(step)
    return manifest, make_report(steps, manifest)


def _catalogue_step(catalogue: Catalogue, num_left: int) -> Step:
    num_bad = len(catalogue.rows) - num_left
    parts = [
        f"{catalogue.num_articles:,} articles",
        f"{catalogue.num_missing:,} without a picture",
        f"{num_bad:,} with an unreadable picture",
    ]
    if catalogue.num_unlabelled:
        parts.append(f"{catalogue.num_unlabelled:,} without a label")
    return Step(f"catalogue: {catalogue.name}", ", ".join(parts) + ".", catalogue.num_articles, num_left)


def check_trainable(manifest: Manifest) -> None:
    """Raise `UserError` where there is nothing to tell apart, or nothing to train or to choose by."""
    if len(manifest.classes) < 2:
        raise invalid("data", "at least two classes", f"{len(manifest.classes)} ({', '.join(manifest.classes)})")
    sizes = manifest.frame["split"].value_counts()
    for part in ("train", "val"):
        if not sizes.get(part, 0):
            raise UserError(f"data.split: expected articles in {part}, received none of {len(manifest):,}")
