"""The one table of metrics, with their direction, and the names that configs and records use."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from hmexp.config.errors import invalid


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        name: As in `val/<name>`.
        higher_is_better: Its direction.
        description: What it is, in a few words.
    """

    name: str
    higher_is_better: bool
    description: str


METRICS = {
    metric.name: metric
    for metric in (
        Metric("loss", False, "cross-entropy, in nats"),
        Metric("accuracy", True, "share of pictures whose class is right"),
        Metric("balanced_accuracy", True, "mean over the classes of their recall"),
        Metric("macro_f1", True, "mean over the classes of their F1"),
        Metric("top3_accuracy", True, "share of pictures whose class is among the three likeliest"),
        Metric("ece", False, "expected calibration error: distance of confidence from accuracy"),
    )
}
MONITORS = tuple(f"val/{name}" for name in METRICS)
BEST = tuple(f"best/val/{name}" for name in METRICS)


def parse_monitor(key: str, monitor: str) -> Metric:
    """The metric that a monitor `val/<name>` names.

    Args:
        key: The config key, for the error.
        monitor: What the user wrote.

    Raises:
        UserError: Anything else: it would not exist, or be a `test/` metric.
    """
    return _parse(key, monitor, MONITORS)


def parse_best(key: str, metric: str) -> Metric:
    """The metric that `best/val/<name>` names, by which leaderboards and promotion choose.

    Raises:
        UserError: Anything else.
    """
    return _parse(key, metric, BEST)


def better(metric: Metric, value: float, than: float) -> bool:
    """Whether `value` is better; equal is not. NaN is better than nothing, and anything is better than NaN."""
    if math.isnan(than):
        return not math.isnan(value)
    return value > than if metric.higher_is_better else value < than


def slug(label: str) -> str:
    """A class as part of a metric's name: lower case letters, digits and `_`."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_") or "class"


def slugs(classes: Iterable[str]) -> dict[str, str]:
    """Class -> slug, each slug once: a second one of the same spelling gets a number."""
    found: dict[str, str] = {}
    for label in classes:
        stem = name = slug(label)
        number = 2
        while name in found.values():
            name = f"{stem}_{number}"
            number += 1
        found[label] = name
    return found


def _parse(key: str, name: str, valid: tuple[str, ...]) -> Metric:
    if name not in valid:
        why = " (test is looked at, never chosen by)" if "test" in name.split("/") else ""
        raise invalid(key, f"one of {', '.join(valid)}{why}", name, valid)
    return METRICS[name.rpartition("/")[2]]
