"""Whether a model overfits or underfits, as one sentence that says no more than the pictures allow."""

import math

import numpy as np

from hmexp.metrics.evaluation import Evaluation
from hmexp.metrics.names import METRICS

SMALL_GAP, LARGE_GAP = 0.03, 0.10
LOW = 0.5
"""A model this far from chance to perfect, or less, on the pictures that it learned from has not learned them."""
AT_CHANCE = 0.05


def overfit_sentence(train: Evaluation, val: Evaluation, name: str = "accuracy") -> str:
    """The gap between train and validation with its interval, beside chance, said plainly.

    Chance is the accuracy of always saying val's most frequent class, and for macro averages that of saying any class.
    The interval is that of a difference of two independent shares (Agresti and Caffo, The American Statistician 2000).

    Args:
        train: On train.
        val: On val.
        name: A metric from 0 to 1 of which more is better, so that points mean something.

    Raises:
        ValueError: Another metric.
    """
    if not METRICS[name].higher_is_better:
        raise ValueError(f"expected a metric of which more is better, received {name}")
    on_train, on_val = train.metrics[name], val.metrics[name]
    words = name.replace("_", " ").replace(" f1", " F1")
    head = f"{words[0].upper()}{words[1:]} is {on_train:.3f} on train and {on_val:.3f} on val"
    if not (math.isfinite(on_train) and math.isfinite(on_val)):
        return f"{head}: nothing can be said of it."
    chance = chance_level(val, name)
    low, high = gap_interval(on_train, train.num, on_val, val.num)
    gap = on_train - on_val
    numbers = (
        f"{head} (chance {chance:.3f}): a gap of {100 * gap:.1f} points, "
        f"95 % interval {100 * low:.1f} to {100 * high:.1f}"
    )
    return f"{numbers}, so {_verdict(gap, low, high, (on_train - chance) / max(1e-9, 1 - chance))}."


def chance_level(evaluation: Evaluation, name: str = "accuracy") -> float:
    """What is reached without learning: the most frequent class's share; for macro averages 1 / classes."""
    support = evaluation.per_class["support"].to_numpy(np.float64)
    present = max(1, int((support > 0).sum()))
    if name == "accuracy":
        return float(support.max() / max(1.0, support.sum()))
    return min(1.0, 3 / present) if name == "top3_accuracy" else 1 / present


def gap_interval(on_train: float, num_train: int, on_val: float, num_val: int) -> tuple[float, float]:
    """The 95 % interval of a difference of two shares, one success and one failure added to each."""
    # Imported here: scipy.special takes a third of a second.
    from scipy.special import ndtri

    shares = [(share * num + 1) / (num + 2) for share, num in ((on_train, num_train), (on_val, num_val))]
    variance = sum(share * (1 - share) / (num + 2) for share, num in zip(shares, (num_train, num_val), strict=True))
    middle, half = shares[0] - shares[1], float(ndtri(0.975)) * math.sqrt(variance)
    return max(-1.0, middle - half), min(1.0, middle + half)


def _verdict(gap: float, low: float, high: float, learned: float) -> str:
    """What the gap, its interval and the share of what could be learned on train allow to say."""
    overfits = low > 0 and gap >= SMALL_GAP
    if learned < LOW:
        why = (
            "it is at chance on its own training pictures"
            if learned < AT_CHANCE
            else ("it has learned little of its own training pictures")
        )
        return f"the model underfits: {why}{', and it overfits as well' if overfits else ''}"
    if overfits:
        return f"the model overfits{'' if gap >= LARGE_GAP else ' somewhat'}"
    if high < 0 and gap <= -SMALL_GAP:
        return "val is easier, as with strong regularisation, augmentation or few articles"
    if high < LARGE_GAP:
        return "the model does not overfit"
    return "so few pictures do not tell whether the model overfits"
