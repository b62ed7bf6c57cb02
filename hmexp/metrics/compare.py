"""Two models on the same pictures: the difference of every metric, and whether chance explains it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hmexp.metrics.bootstrap import (
    RESAMPLES,
    Sums,
    f1_of,
    ingredients,
    interval,
    mean_of_present,
    metrics_of,
    resampled,
    total,
    unstack,
)
from hmexp.metrics.names import METRICS

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PERMUTATIONS = 1999
AT_ONCE = 4_000_000
"""Swaps in memory at a time: 32 MB."""
SIGNIFICANT = 0.05
ROUNDING = 1e-9
"""Differences closer than this are the same, but for the order of their additions."""


@dataclass(frozen=True)
class Comparison:
    """Model a against model b.

    Attributes:
        num: Pictures, the same for both.
        table: `metric, a, b, difference, low, high`, a row a metric; difference is a - b, low and high are the ends of
            its 95 % interval.
        p_values: Of no difference: `accuracy` by McNemar's exact test, `macro_f1` by swapping.
        only_a: Pictures that only a has right.
        only_b: Pictures that only b has right.
    """

    num: int
    table: pd.DataFrame
    p_values: dict[str, float]
    only_a: int
    only_b: int

    def is_real(self, metric: str = "macro_f1") -> bool:
        """Whether chance is ruled out: p is below 0.05 and the interval does not hold 0.

        Raises:
            ValueError: A metric without a test.
        """
        _, low, high = self._of(metric)
        return self.p_values[metric] < SIGNIFICANT and (low > 0 or high < 0)

    def sentence(self, name_a: str, name_b: str, metric: str = "macro_f1") -> str:
        """Which is better by how much, and whether the difference is real, said plainly.

        Args:
            name_a: What the reader calls a.
            name_b: What the reader calls b.
            metric: `macro_f1` or `accuracy`, of which more is better.

        Raises:
            ValueError: Another metric.
        """
        difference, low, high = (100 * value for value in self._of(metric))
        words = metric.replace("_", " ").replace(" f1", " F1")
        first, second = name_a, name_b
        if difference < 0:
            first, second, difference, low, high = name_b, name_a, -difference, -high, -low
        p = self.p_values[metric]
        numbers = f"(95 % interval {low:.1f} to {high:.1f}), {'p < 0.001' if p < 0.001 else f'p = {p:.2g}'}"
        if self.is_real(metric):
            head = f"{first} is better than {second} on {words} by {difference:.1f} points"
            return f"{head} {numbers}: the difference is real."
        head = f"{first} is ahead of {second} on {words} by {difference:.1f} points"
        if difference == 0:
            head = f"{first} and {second} are level on {words}"
        return f"{head} {numbers}: no difference can be told from chance at this number of pictures ({self.num:,})."

    def _of(self, metric: str) -> tuple[float, float, float]:
        """Difference, low and high of a metric that has a test."""
        if metric not in self.p_values:
            raise ValueError(f"expected one of {', '.join(self.p_values)}, received {metric}")
        rows = self.table.loc[self.table["metric"] == metric, ["difference", "low", "high"]].to_numpy(np.float64)
        difference, low, high = rows[0]
        return float(difference), float(low), float(high)


def compare(targets: np.ndarray, a: np.ndarray, b: np.ndarray, seed: int = 0) -> Comparison:
    """Compare two models picture by picture.

    Args:
        targets: int64 `[n]`.
        a: Probabilities of one model, float32 `[n, classes]`.
        b: Of the other, for the same pictures in the same order.
        seed: Of the draws and the swaps.

    Raises:
        ValueError: Other shapes, or no rows.
    """
    if not len(targets) or not len(targets) == len(a) == len(b) or a.shape != b.shape:
        shapes = f"{len(targets)} targets, {a.shape} and {b.shape}"
        raise ValueError(f"expected probabilities of the same pictures and classes, received {shapes}")
    right_a, right_b = a.argmax(axis=1) == targets, b.argmax(axis=1) == targets
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    columns_a, columns_b = ingredients(a, targets), ingredients(b, targets)
    num_classes = a.shape[1]
    p_values = {
        "accuracy": mcnemar(only_a, only_b),
        "macro_f1": _swap_test(columns_a, columns_b, num_classes, seed),
    }
    table = _differences(columns_a, columns_b, num_classes, seed)
    return Comparison(len(targets), table, p_values, only_a, only_b)


def mcnemar(only_a: int, only_b: int) -> float:
    """McNemar's exact two-sided test (1947): whether the pictures that one alone has right fall evenly to both.

    Args:
        only_a: Pictures that only a has right.
        only_b: Pictures that only b has right.
    """
    # Imported here: scipy.stats takes a second.
    from scipy.stats import binomtest

    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def _differences(a: "csr_array", b: "csr_array", num_classes: int, seed: int) -> pd.DataFrame:
    """Both values and the interval of the difference, from resamples that hold the same pictures for both."""
    # Imported here: scipy.sparse takes a third of a second.
    from scipy.sparse import hstack

    sums = resampled(hstack([a, b], format="csr"), RESAMPLES, seed)
    of_a, of_b = (metrics_of(unstack(half, num_classes)) for half in np.split(sums, 2, axis=1))
    rows = [(name, of_a[name][0], of_b[name][0], *interval(of_a[name] - of_b[name])) for name in METRICS]
    return pd.DataFrame(rows, columns=["metric", "a", "b", "difference", "low", "high"])


def _swap_test(a: "csr_array", b: "csr_array", num_classes: int, seed: int) -> float:
    """P-value of macro F1's difference, by swapping the two predictions of a random half of the pictures.

    If the models were alike, either could have made either prediction (Yeh, More accurate tests for the statistical
    significance of result differences, COLING 2000). Pictures on which both agree change nothing.
    """
    total_a, total_b = (unstack(total(columns), num_classes) for columns in (a, b))
    moved = (a - b)[:, : 3 * num_classes]
    moved = moved[np.flatnonzero(abs(moved).sum(axis=1))]
    observed = abs(_macro_f1_gap(total_a, total_b, np.zeros((1, 3 * num_classes)))[0])
    rng = np.random.default_rng(seed)
    num = moved.shape[0]
    step = max(1, AT_ONCE // max(1, num))
    extreme = 0
    for start in range(0, PERMUTATIONS, step):
        swaps = rng.integers(2, size=(min(step, PERMUTATIONS - start), num)).astype(np.float64)
        extreme += int((np.abs(_macro_f1_gap(total_a, total_b, swaps @ moved)) >= observed - ROUNDING).sum())
    return (extreme + 1) / (PERMUTATIONS + 1)


def _macro_f1_gap(a: Sums, b: Sums, moved: np.ndarray) -> np.ndarray:
    """Macro F1 of a less that of b, after hits and predictions moved from a to b.

    Args:
        a: Sums over all pictures, one row.
        b: Alike.
        moved: float64 `[permutations, 3 * classes]`: hits, targets (none move) and predicted.
    """
    hits, _, predicted = np.split(moved, 3, axis=1)
    targets = np.broadcast_to(a.targets, hits.shape)
    of_a = f1_of(a.hits - hits, targets, a.predicted - predicted)
    of_b = f1_of(b.hits + hits, targets, b.predicted + predicted)
    return np.asarray(mean_of_present(of_a, targets) - mean_of_present(of_b, targets))
