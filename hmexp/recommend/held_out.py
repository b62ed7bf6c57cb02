"""The articles that models are compared on: of products that none of them has learned from."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import pandas as pd

from hmexp.config.errors import UserError
from hmexp.config.similar import EmbedConfig
from hmexp.console import log
from hmexp.recommend.embed import Source
from hmexp.tracking.bundles import file_of_run

ALL = "all"


def held_out(rows: pd.DataFrame, sources: Sequence[Source], config: EmbedConfig) -> tuple[pd.DataFrame, str]:
    """The articles of a split of every model's run, without products that are in its train, and at most `limit`.

    A model whose run is not known, or has learned from another catalogue, rules nothing out.

    Args:
        rows: `article_id, group, ...` of the articles.
        sources: The models.
        config: Has `split` and `limit`.

    Returns:
        The rows, and in words what they were held out from.

    Raises:
        UserError: No two articles are left.
    """
    num, ruled = len(rows), []
    for source in sources:
        allowed = _allowed(rows, source, config) if config.split != ALL else None
        if allowed is not None:
            ruled.append(source.bundle.name)
            rows = rows[rows["article_id"].isin(allowed)]
    if len(rows) < 2:
        expected = f"a split with articles of the catalogue ({ALL} has {num:,})"
        raise UserError(f"split: expected {expected}, received {config.split} with {len(rows)}")
    return _limited(rows, config.limit), f"{config.split} of {' and '.join(ruled)}" if ruled else "all splits"


def _allowed(rows: pd.DataFrame, source: Source, config: EmbedConfig) -> pd.Series | None:
    """The articles of the split of a model's run; None, with a line, where it has nothing to say of these."""
    path = file_of_run(source.bundle, "manifest.parquet", config.tracking, config.paths)
    if path is None:
        log.info(f"{source.bundle.name}: no run of it is known, so that no article is left out for it")
        return None
    manifest = pd.read_parquet(path, columns=["article_id", "group", "split"])
    if not rows["article_id"].isin(manifest["article_id"]).any():
        log.info(f"{source.bundle.name}: its run has learned from another catalogue, so that no article is left out")
        return None
    chosen = manifest[manifest["split"] == config.split]
    if config.split != "train":
        chosen = chosen[~chosen["group"].isin(manifest.loc[manifest["split"] == "train", "group"])]
    return chosen["article_id"]


def _limited(rows: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Whole products up to so many articles, by a hash of their code."""
    if len(rows) <= limit:
        return rows
    sizes = rows["group"].value_counts()
    order = sizes.index.map(lambda group: blake2b(str(group).encode(), digest_size=8).digest())
    shuffled = sizes.iloc[np.argsort(np.array(order, dtype=object), kind="stable")]
    kept = shuffled.index[shuffled.cumsum() <= limit]
    log.info(f"limit={limit:,}: {len(kept):,} of {len(sizes):,} products")
    return rows[rows["group"].isin(kept)]
