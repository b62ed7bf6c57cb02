"""Catalogue -> manifest: the strategies in their order, with the report of what each changed."""

import hashlib
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hmexp.catalogue.balance import balance
from hmexp.catalogue.manifest import Manifest
from hmexp.catalogue.merge import merge
from hmexp.catalogue.read import Catalogue
from hmexp.catalogue.report import Step, StrategyReport, make_report
from hmexp.catalogue.split import cross_validate, split
from hmexp.config.data import DataConfig
from hmexp.config.errors import UserError, invalid

DOUBTFUL = 3
"""Examples of equal pictures with several labels that are named."""


def limit_rows(rows: pd.DataFrame, limit: int | None) -> pd.DataFrame:
    """At most `limit` rows, each label by its share, and one at least while there is room; by a hash of the id."""
    if limit is None or len(rows) <= limit:
        return rows
    labels, counts = np.unique(rows["label"].to_numpy(str), return_counts=True)
    exact = counts * (limit / len(rows))
    kept = np.maximum(np.floor(exact).astype(int), int(limit >= len(labels)))
    while kept.sum() > limit:  # for those that are there as the only one of their label
        kept[kept.argmax()] -= 1
    kept[np.argsort(kept - exact, kind="stable")[: limit - kept.sum()]] += 1
    order = rows["article_id"].map(lambda article: hashlib.blake2b(article.encode()).digest())
    rank = order.groupby(rows["label"]).rank(method="first")
    return rows[rank <= rows["label"].map(dict(zip(labels, kept, strict=True)))]


def join_equal_pictures(manifest: Manifest, digests: Mapping[str, str]) -> tuple[Manifest, list[str]]:
    """Make one group of the groups that share a picture, whatever it is called; give sentences on what was found.

    Args:
        manifest: Rows before the split.
        digests: Path of a picture -> hash of its content.
    """
    frame = manifest.frame
    content = frame["image"].map(digests)
    equal = content.duplicated(keep=False) & content.notna()
    if not equal.any():
        return manifest, []
    groups, names = pd.factorize(frame["group"])
    contents, _ = pd.factorize(content.where(equal))
    pairs = (groups[equal], contents[equal])
    size = (len(names), contents.max() + 1)
    links = coo_array((np.ones(equal.sum(), bool), pairs), size)
    _, part = connected_components(links @ links.T, directed=False)
    first = pd.Series(names).groupby(part).transform("min").to_numpy()
    joined = manifest.with_frame(frame.assign(group=first[groups]))
    warnings = [f"{equal.sum():,} articles have a picture that others have too: they stay on one side of the split"]
    labels = frame["label"][equal].groupby(content[equal]).agg(lambda several: sorted(set(several)))
    doubtful = labels[labels.map(len) > 1]
    for digest, several in list(doubtful.items())[:DOUBTFUL]:
        ids = ", ".join(frame.loc[content == digest, "article_id"].head(DOUBTFUL))
        warnings.append(f"equal pictures have the labels {' and '.join(several)} ({ids})")
    if len(doubtful) > DOUBTFUL:
        warnings.append(f"{len(doubtful):,} pictures in all have several labels")
    return joined, warnings


def plan(
    cfg: DataConfig,
    catalogue: Catalogue,
    quarantined: Collection[str] = (),
    digests: Mapping[str, str] | None = None,
) -> tuple[Manifest, StrategyReport]:
    """Merge, split and balance; with `data.balance.scope=all` balance before the split, as the reference did.

    Args:
        cfg: The `data` section.
        catalogue: The catalogue, already limited to `data.limit`.
        quarantined: Paths of pictures that could not be read; their articles are left out.
        digests: Path of a picture -> hash of its content, once the pictures have been read.

    Raises:
        UserError: A class or column that the catalogue lacks.
    """
    rows = catalogue.rows[~catalogue.rows["image"].isin(set(quarantined))]
    manifest = Manifest.from_rows(rows)
    steps = [_catalogue_step(catalogue, len(rows)), *_limit_step(cfg, catalogue)]
    manifest, step = merge(cfg.merge, manifest)
    steps.append(step)
    manifest, warnings = join_equal_pictures(manifest, digests or {})
    if warnings:
        text = "Groups that share a picture are one."
        steps.append(Step("equal pictures", text, len(manifest), len(manifest), warnings=tuple(warnings)))
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
    text = ", ".join(parts) + "."
    return Step(f"catalogue: {catalogue.name}", text, catalogue.num_articles, num_left, warnings=catalogue.warnings)


def _limit_step(cfg: DataConfig, catalogue: Catalogue) -> list[Step]:
    """The step of `data.limit`, where it left something out."""
    if not catalogue.num_limited:
        return []
    num = len(catalogue.rows)
    text = f"data.limit={cfg.limit} keeps {num:,} articles, of each class its share, and leaves out the others."
    return [Step("limit", text, num + catalogue.num_limited, num)]


def check_trainable(manifest: Manifest) -> None:
    """Raise `UserError` where there is nothing to tell apart, or nothing to train or to choose by."""
    if len(manifest.classes) < 2:
        raise invalid("data", "at least two classes", f"{len(manifest.classes)} ({', '.join(manifest.classes)})")
    sizes = manifest.frame["split"].value_counts()
    for part in ("train", "val"):
        if not sizes.get(part, 0):
            raise UserError(f"data.split: expected articles in {part}, received none of {len(manifest):,}")
