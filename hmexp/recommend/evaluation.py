"""Figures of a validation with their 95 % intervals over customers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hmexp.metrics.bootstrap import RESAMPLES, interval, resampled
from hmexp.recommend.candidates import SOURCE_NAMES
from hmexp.recommend.validation import COLD_METHODS, METHODS, RANKER, WITHOUT

ENDS = ["value", "low", "high"]


@dataclass(frozen=True)
class RankingEvaluation:
    """What validation found.

    Attributes:
        num_customers: Who bought something in the window.
        num_bought: Articles that they bought, each once a customer.
        num_cold: Of these, articles that nobody had bought before.
        methods: `method, map_at_12, low, high, cold_hit_rate, cold_low, cold_high`: MAP@12 over the customers, and the
            share of the purchases of articles without sales that a list of twelve has; the interval of the hit rate
            is empty where there are no such purchases.
        pictures: `figure, value, low, high`: what pictures add, the ranker less the ranker without them; empty where
            there are no pictures.
        cold_lists: `method, hit_rate, low, high`: share of the purchases of articles without sales that a list of
            such articles alone has.
        sources: `source, all, fresh`: share of the purchases that are among the candidates of each source, of all and
            of those that are no repurchase.
    """

    num_customers: int
    num_bought: int
    num_cold: int
    methods: pd.DataFrame
    pictures: pd.DataFrame
    cold_lists: pd.DataFrame
    sources: pd.DataFrame


def evaluate(rows: pd.DataFrame, seed: int) -> RankingEvaluation:
    """Add up what `hmexp.recommend.validation.measure` gave, and resample customers.

    Args:
        rows: One a customer.
        seed: Of the resamples, which all figures share: differences are paired.
    """
    from scipy.sparse import csr_array

    names = [name for name in METHODS if f"ap: {name}" in rows]
    columns = ["cold", *(f"{kind}: {name}" for kind in ("ap", "cold") for name in names)]
    columns += [f"new: {name}" for name in COLD_METHODS]
    drawn = resampled(csr_array(rows[columns].to_numpy(np.float64)), RESAMPLES, seed)
    sums = dict(zip(columns, drawn.T, strict=True))
    num = len(rows)
    cold = np.where(sums["cold"] > 0, sums["cold"], np.nan)
    precision = {name: sums[f"ap: {name}"] / num for name in names}
    rates = {name: sums[f"cold: {name}"] / cold for name in names}
    methods = pd.DataFrame(
        [(name, *interval(precision[name]), *_interval(rates[name])) for name in names],
        columns=["method", "map_at_12", "low", "high", "cold_hit_rate", "cold_low", "cold_high"],
    )
    lists = [(name, *_interval(sums[f"new: {name}"] / cold)) for name in COLD_METHODS]
    return RankingEvaluation(
        num,
        int(rows["bought"].sum()),
        int(rows["cold"].sum()),
        methods,
        _pictures(precision, rates),
        pd.DataFrame(lists, columns=["method", "hit_rate", "low", "high"]),
        _sources(rows),
    )


def _pictures(precision: dict[str, np.ndarray], rates: dict[str, np.ndarray]) -> pd.DataFrame:
    if WITHOUT not in precision:
        return pd.DataFrame(columns=["figure", *ENDS])
    figures = [
        ("MAP@12", *interval(precision[RANKER] - precision[WITHOUT])),
        ("hit rate of articles without sales", *_interval(rates[RANKER] - rates[WITHOUT])),
    ]
    return pd.DataFrame(figures, columns=["figure", *ENDS])


def _interval(values: np.ndarray) -> tuple[float, float, float]:
    """As `interval`, of a share that a resample may not have; NaN where the rows themselves do not have it."""
    if np.isnan(values[0]):
        return (np.nan, np.nan, np.nan)
    low, high = np.nanquantile(values[1:], (0.025, 0.975))
    return float(values[0]), float(low), float(high)


def _sources(rows: pd.DataFrame) -> pd.DataFrame:
    num, fresh = max(1, int(rows["bought"].sum())), max(1, int(rows["fresh"].sum()))
    shares = [(name, rows[f"found: {name}"].sum() / num, rows[f"fresh: {name}"].sum() / fresh) for name in SOURCE_NAMES]
    return pd.DataFrame(shares, columns=["source", "all", "fresh"])


def words_of(evaluation: RankingEvaluation) -> list[str]:
    """Sentences on what pictures add."""
    known = evaluation.pictures.dropna()
    return [
        f"pictures add {value:+.4f} to the {figure} (95 % interval {low:+.4f} to {high:+.4f})"
        for figure, value, low, high in known.itertuples(index=False, name=None)
    ]
