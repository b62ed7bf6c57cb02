"""One model against another on the same articles: what chance makes of each difference, with variants kept together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hmexp.metrics.bootstrap import Sums, ingredients, metrics_of, resampled, scores_of, total, unstack

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DRAWS = 10_000
AT_ONCE = 2_000_000
"""Numbers in memory at a time, for each of a few arrays: 16 MB."""
ONE_SIDED = 0.05
POWER_80 = 2.486
"""Standard errors at which a one-sided test at 5 % finds a difference in 80 % of cases: 1.645 + 0.842."""


@dataclass(frozen=True)
class Difference:
    """A metric of model a less that of model b.

    Attributes:
        a: Of model a.
        b: Of model b.
        low: Below which `a - b` lies with 5 % probability.
        high: Above which it lies with 5 % probability.
        standard_error: Of `a - b`.
    """

    a: float
    b: float
    low: float
    high: float
    standard_error: float

    @property
    def value(self) -> float:
        """`a - b`."""
        return self.a - self.b


@dataclass(frozen=True)
class PairedResult:
    """Model a against model b, over the same articles.

    Attributes:
        metrics: Name of a metric -> what chance makes of its difference.
        classes: `label, articles, a, b, difference, p`: the F1 of each class, and the one-sided p of a being no worse,
            which is small where a is worse; not corrected for the number of classes.
    """

    metrics: dict[str, Difference]
    classes: pd.DataFrame


def paired_bootstrap(
    targets: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    groups: np.ndarray,
    classes: tuple[str, ...],
    draws: int = DRAWS,
    seed: int = 0,
) -> PairedResult:
    """Compare two models by a bootstrap that draws whole groups of articles, the same for both.

    Variants of a product are right or wrong together; drawn one by one they would make every interval too narrow
    (cluster bootstrap: Field and Welsh, Bootstrapping clustered data, 2007).

    Args:
        targets: int64 `[n]`.
        a: Probabilities of one model, float32 `[n, classes]`.
        b: Of the other, for the same articles in the same order.
        groups: What belongs together, such as the product code, `[n]`.
        classes: Names by target.
        draws: Resamples.
        seed: Of the draws.

    Raises:
        ValueError: Other shapes, or no rows.
    """
    if not len(targets) or not len(targets) == len(a) == len(b) == len(groups) or a.shape != b.shape:
        shapes = f"{len(targets)} targets, {len(groups)} groups, {a.shape} and {b.shape}"
        raise ValueError(f"expected probabilities of the same articles and classes, received {shapes}")
    columns, num_classes = _by_group(targets, a, b, groups), len(classes)
    of_a, of_b = _halves(total(columns), num_classes)
    point = {name: (values[0], metrics_of(of_b)[name][0]) for name, values in metrics_of(of_a).items()}
    f1 = scores_of(of_a)["f1"][0], scores_of(of_b)["f1"][0]
    differences: dict[str, list[np.ndarray]] = {name: [] for name in point}
    no_worse = np.zeros(num_classes)
    step = max(1, min(draws, AT_ONCE // columns.shape[1]))
    for start in range(0, draws, step):
        sums = resampled(columns, min(step, draws - start), seed + start)[1:]
        drawn_a, drawn_b = _halves(sums, num_classes)
        others = metrics_of(drawn_b)
        for name, values in metrics_of(drawn_a).items():
            differences[name].append(values - others[name])
        no_worse += (scores_of(drawn_a)["f1"] >= scores_of(drawn_b)["f1"]).sum(axis=0)
    metrics = {name: _difference(*point[name], np.concatenate(parts)) for name, parts in differences.items()}
    table = pd.DataFrame(
        {
            "label": list(classes),
            "articles": of_a.targets[0].astype(int),
            "a": f1[0],
            "b": f1[1],
            "difference": f1[0] - f1[1],
            "p": (no_worse + 1) / (draws + 1),
        }
    )
    return PairedResult(metrics, table)


def holm(p_values: np.ndarray) -> np.ndarray:
    """P-values adjusted for their number (Holm, A simple sequentially rejective multiple test procedure, 1979).

    Args:
        p_values: float64 `[tests]`.
    """
    order = np.argsort(p_values)
    steps = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    adjusted = np.empty_like(p_values, dtype=np.float64)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def _difference(a: float, b: float, draws: np.ndarray) -> Difference:
    low, high = np.quantile(draws, [ONE_SIDED, 1 - ONE_SIDED])
    return Difference(float(a), float(b), float(low), float(high), float(draws.std()))


def _by_group(targets: np.ndarray, a: np.ndarray, b: np.ndarray, groups: np.ndarray) -> "csr_array":
    """What each group adds to the sums of a, and to those of b beside them, `[groups, 2 * columns]`."""
    # Imported here: scipy.sparse takes a third of a second.
    from scipy.sparse import csr_array, hstack

    codes, names = pd.factorize(groups)
    member = csr_array((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(len(names), len(codes)))
    return csr_array(member @ hstack([ingredients(a, targets), ingredients(b, targets)], format="csr"))


def _halves(sums: np.ndarray, num_classes: int) -> tuple[Sums, Sums]:
    of_a, of_b = np.split(sums, 2, axis=1)
    return unstack(of_a, num_classes), unstack(of_b, num_classes)
