"""The learned ranker: LightGBM's lambdarank over the candidates of each customer."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hmexp.config.recommend import LONGEST_LIST, RankerConfig
from hmexp.process import num_cores
from hmexp.recommend.candidates import PLACES
from hmexp.recommend.features import FEATURES, OF_PICTURES, SOLD, matrix
from hmexp.recommend.sources import top_of

TRUNCATION = 20
"""Places whose order counts in training: some more than the twelve that are shown, as LightGBM's documents advise."""
WITHOUT_PICTURES = tuple(name for name in FEATURES if name not in OF_PICTURES)


RISING = (*SOLD, "strength", "likeness")
FALLING = ("popular_place",)
"""Features whose effect may only rise, or only fall: what sells more is not shown less for it. On the real week that
`docs/recommend.md` measures on, where the ranker learns from two days, that took MAP@12 from 0.0283 to 0.0291 (means of
three seeds)."""


@dataclass(frozen=True)
class Ranker:
    """A trained ranker.

    Attributes:
        boosters: LightGBM's, one a seed; their scores are averaged.
        features: Columns that they read, in their order.
    """

    boosters: tuple[Any, ...]
    features: tuple[str, ...]

    def scores_by_seed(self, rows: pl.DataFrame) -> np.ndarray:
        """Of candidates with their features, float64 `[seeds, rows]`; larger is better, within one customer."""
        if not len(rows):
            return np.zeros((len(self.boosters), 0))
        inputs = matrix(rows, self.features)
        return np.stack([booster.predict(inputs, num_threads=num_cores()) for booster in self.boosters])

    def scores(self, rows: pl.DataFrame) -> np.ndarray:
        """The mean of the seeds, float64 `[rows]`."""
        return np.asarray(self.scores_by_seed(rows).mean(axis=0))

    def importance(self) -> pl.DataFrame:
        """`feature, gain`: what each feature adds to the trees, as a share, the largest first."""
        gain = np.sum([booster.feature_importance("gain") for booster in self.boosters], axis=0)
        frame = pl.DataFrame({"feature": list(self.features), "gain": gain / max(float(gain.sum()), 1e-12)})
        return frame.sort("gain", descending=True)


def fit_ranker(rows: pl.DataFrame, cfg: RankerConfig, features: tuple[str, ...], seed: int) -> Ranker:
    """Train; the same rows give the same trees on the same number of cores.

    Args:
        rows: `window, customer, bought` and the features, the candidates of a customer in a window one after another.
        cfg: The section.
        features: Columns that are learned from.
        seed: The first of `ranker.seeds` seeds of the columns and rows that a tree leaves out.
    """
    lightgbm = _lightgbm()
    groups = rows.select(pl.struct("window", "customer").rle_id().alias("group"))
    sizes = groups.group_by("group", maintain_order=True).len()["len"].to_numpy()
    inputs, bought = matrix(rows, features), rows["bought"].to_numpy()
    boosters = []
    for number in range(cfg.seeds):
        params = _params(cfg, features, seed + number)
        data = lightgbm.Dataset(inputs, bought, group=sizes, feature_name=list(features), params=params)
        boosters.append(lightgbm.train(params, data, cfg.trees))
    return Ranker(tuple(boosters), features)


def _params(cfg: RankerConfig, features: tuple[str, ...], seed: int) -> dict[str, Any]:
    """LightGBM's parameters."""
    return {
        "objective": "lambdarank",
        "lambdarank_truncation_level": TRUNCATION,
        "learning_rate": cfg.learning_rate,
        "num_leaves": cfg.leaves,
        "min_data_in_leaf": cfg.min_rows,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "monotone_constraints": [(name in RISING) - (name in FALLING) for name in features],
        "seed": seed % 2**31,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": num_cores(),
        "verbosity": -1,
    }


def save_ranker(ranker: Ranker, path: Path) -> None:
    """Write the boosters in LightGBM's text format, in a list of JSON."""
    path.write_text(json.dumps([booster.model_to_string() for booster in ranker.boosters]), encoding="utf-8")


def load_ranker(path: Path) -> Ranker:
    """Read what `save_ranker` has written."""
    lightgbm = _lightgbm()
    boosters = [lightgbm.Booster(model_str=text) for text in json.loads(path.read_text(encoding="utf-8"))]
    return Ranker(tuple(boosters), tuple(boosters[0].feature_name()))


def _lightgbm() -> Any:  # noqa: ANN401
    """LightGBM, whose threads sleep while they wait: on cores that others use too they would wait for each other."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when the library is loaded
    import lightgbm

    return lightgbm


def without_pictures(rows: pl.DataFrame) -> pl.DataFrame:
    """The candidates that another source than the pictures has."""
    others = [pl.col(place).is_not_null() for place in PLACES if place not in OF_PICTURES]
    return rows.filter(pl.any_horizontal(others))


def best_of(rows: pl.DataFrame, scores: np.ndarray) -> pl.DataFrame:
    """The twelve best candidates of each customer: `customer, article, score, place`."""
    scored = rows.select("customer", "article").with_columns(score=pl.Series(scores, dtype=pl.Float32))
    return top_of(scored, "customer", ["score"], LONGEST_LIST)
