"""Figures of a validation with their 95 % intervals over customers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hmexp.metrics.bootstrap import RESAMPLES, interval, resampled
from hmexp.recommend.candidates import SOURCE_NAMES
from hmexp.recommend.validation import COLD_METHODS, METHODS, RANKER, WITHOUT, of_training

ENDS = ["value", "low", "high"]
METHOD_COLUMNS = ["method", "map_at_12", "low", "high", "cold_hit_rate", "cold_low", "cold_high"]


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
        pictures: `figure, value, low, high`: what pictures add, the ranker less the ranker without them, on average
            over the seeds of `ranker.seeds`; empty where there are no pictures.
        trainings: `method, training, map_at_12`: each training by itself.
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
    trainings: pd.DataFrame
    cold_lists: pd.DataFrame
    sources: pd.DataFrame


def evaluate(rows: pd.DataFrame, seed: int) -> RankingEvaluation:
    """Add up what `hmexp.recommend.validation.measure` gave, and resample customers.

    Args:
        rows: One a customer.
        seed: Of the resamples, which all figures share: differences are paired.
    """
    from scipy.sparse import csr_array

    columns = ["cold", *(name for name in map(str, rows) if name.startswith(("ap: ", "cold: ", "new: ")))]
    drawn = resampled(csr_array(rows[columns].to_numpy(np.float64)), RESAMPLES, seed)
    sums = dict(zip(columns, drawn.T, strict=True))
    cold = np.where(sums["cold"] > 0, sums["cold"], np.nan)
    precision = {name.removeprefix("ap: "): sums[name] / len(rows) for name in columns if name.startswith("ap: ")}
    rates = {name.removeprefix("cold: "): sums[name] / cold for name in columns if name.startswith("cold: ")}
    methods = [(name, *interval(precision[name]), *_interval(rates[name])) for name in METHODS if name in precision]
    lists = [(name, *_interval(sums[f"new: {name}"] / cold)) for name in COLD_METHODS]
    return RankingEvaluation(
        num_customers=len(rows),
        num_bought=int(rows["bought"].sum()),
        num_cold=int(rows["cold"].sum()),
        methods=pd.DataFrame(methods, columns=METHOD_COLUMNS),
        pictures=_pictures(precision, rates, seed),
        trainings=_trainings(precision),
        cold_lists=pd.DataFrame(lists, columns=["method", "hit_rate", *ENDS[1:]]),
        sources=_sources(rows),
    )


def _pictures(precision: dict[str, np.ndarray], rates: dict[str, np.ndarray], seed: int) -> pd.DataFrame:
    """What pictures add, with intervals over customers and over trainings.

    Two trainings of the same ranker differ by as much as pictures may add: where there are several seeds, each resample
    of customers takes as many of them, with replacement, the same of both rankers.
    """
    if WITHOUT not in precision:
        return pd.DataFrame(columns=["figure", *ENDS])
    num = sum(name.startswith(f"{RANKER} #") for name in precision)
    figures = []
    for figure, values in (("MAP@12", precision), ("hit rate of articles without sales", rates)):
        gains = [values[of_training(RANKER, each)] - values[of_training(WITHOUT, each)] for each in range(num)]
        figures.append((figure, *_interval(_mean_of_drawn(np.stack(gains, axis=1), seed))))
    return pd.DataFrame(figures, columns=["figure", *ENDS])


def _mean_of_drawn(values: np.ndarray, seed: int) -> np.ndarray:
    """Means over the columns, float64 `[1 + resamples]`: of all of them in the first row, then of drawn ones."""
    drawn = np.random.default_rng(seed).integers(values.shape[1], size=values.shape)
    drawn[0] = np.arange(values.shape[1])
    return np.asarray(np.take_along_axis(values, drawn, axis=1).mean(axis=1))


def _trainings(precision: dict[str, np.ndarray]) -> pd.DataFrame:
    named = [(*name.rsplit(" #", 1), values[0]) for name, values in precision.items() if " #" in name]
    return pd.DataFrame(named, columns=["method", "training", "map_at_12"])


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
    """Sentences on what pictures add, and on how sure that is."""
    known = evaluation.pictures.dropna()
    words = [
        f"pictures add {value:+.4f} to the {figure} (95 % interval {low:+.4f} to {high:+.4f})"
        for figure, value, low, high in known.itertuples(index=False, name=None)
    ]
    num = evaluation.trainings["training"].nunique()
    if words and num == 1:
        words.append("one training of each ranker: another may differ by as much (ranker.seeds=5 counts that in)")
    elif words:
        words.append(f"the intervals are over customers and over {num} trainings of each ranker")
    return words
