"""The learned ranker: LightGBM's lambdarank over the candidates of each customer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hmexp.config.recommend import LONGEST_LIST, RankerConfig
from hmexp.process import num_cores
from hmexp.recommend.candidates import PLACES
from hmexp.recommend.features import FEATURES, OF_PICTURES, matrix
from hmexp.recommend.sources import top_of

TRUNCATION = 20
"""Places whose order counts in training: some more than the twelve that are shown, as LightGBM's documents advise."""
WITHOUT_PICTURES = tuple(name for name in FEATURES if name not in OF_PICTURES)


@dataclass(frozen=True)
class Ranker:
    """A trained ranker.

    Attributes:
        booster: LightGBM's.
        features: Columns that it reads, in their order.
    """

    booster: Any
    features: tuple[str, ...]

    def scores(self, rows: pl.DataFrame) -> np.ndarray:
        """Of candidates with their features, float64 `[rows]`; larger is better, within one customer."""
        if not len(rows):
            return np.zeros(0)
        return np.asarray(self.booster.predict(matrix(rows, self.features), num_threads=num_cores()))

    def importance(self) -> pl.DataFrame:
        """`feature, gain`: what each feature adds to the trees, as a share, the largest first."""
        gain = self.booster.feature_importance("gain")
        frame = pl.DataFrame({"feature": list(self.features), "gain": gain / max(float(gain.sum()), 1e-12)})
        return frame.sort("gain", descending=True)


def fit_ranker(rows: pl.DataFrame, cfg: RankerConfig, features: tuple[str, ...], seed: int) -> Ranker:
    """Train; the same rows give the same trees on the same number of cores.

    Args:
        rows: `window, customer, bought` and the features, the candidates of a customer in a window one after another.
        cfg: The section.
        features: Columns that are learned from.
        seed: Of the columns and rows that a tree leaves out.
    """
    import lightgbm

    groups = rows.select("window", "customer").with_columns(pl.struct("window", "customer").rle_id().alias("group"))
    sizes = groups.group_by("group", maintain_order=True).len()["len"].to_numpy()
    params = {
        "objective": "lambdarank",
        "lambdarank_truncation_level": TRUNCATION,
        "learning_rate": cfg.learning_rate,
        "num_leaves": cfg.leaves,
        "min_data_in_leaf": cfg.min_rows,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "seed": seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": num_cores(),
        "verbosity": -1,
    }
    data = lightgbm.Dataset(
        matrix(rows, features), rows["bought"].to_numpy(), group=sizes, feature_name=list(features), params=params
    )
    return Ranker(lightgbm.train(params, data, cfg.trees), features)


def save_ranker(ranker: Ranker, path: Path) -> None:
    """Write LightGBM's text format."""
    path.write_text(ranker.booster.model_to_string(), encoding="utf-8")


def load_ranker(path: Path) -> Ranker:
    """Read what `save_ranker` has written."""
    import lightgbm

    booster = lightgbm.Booster(model_str=path.read_text(encoding="utf-8"))
    return Ranker(booster, tuple(booster.feature_name()))


def without_pictures(rows: pl.DataFrame) -> pl.DataFrame:
    """The candidates that another source than the pictures has."""
    others = [pl.col(place).is_not_null() for place in PLACES if place not in OF_PICTURES]
    return rows.filter(pl.any_horizontal(others))


def best_of(rows: pl.DataFrame, scores: np.ndarray) -> pl.DataFrame:
    """The twelve best candidates of each customer: `customer, article, score, place`."""
    scored = rows.select("customer", "article").with_columns(score=pl.Series(scores, dtype=pl.Float32))
    return top_of(scored, "customer", ["score"], LONGEST_LIST)
