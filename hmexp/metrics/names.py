"""The one table of metrics, with their direction, and the names that configs and records use."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

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
RETRIEVAL = {
    "recall_at_1": Metric("recall_at_1", True, "share of articles with siblings whose nearest picture is of a sibling")
}
"""Metrics of the features, which are computed where one of them is monitored."""
MONITORS = tuple(f"val/{name}" for name in (*METRICS, *RETRIEVAL))
CLASS_PREFIX = "test/f1/"
LONGEST_SLUG = 100
"""Letters; MLflow takes 250 in the name of a metric, file systems 255 bytes."""
MAX_RECORDED = 50
"""Classes whose F1 is a metric of its own in the record; of more, `metrics.json` and the tables have it."""
PARAMETERS, BYTES = "model/parameters", "model/bytes"
"""Weights of the model, and the size of its file."""
VAL_IMAGE_SIZE = "val_image_size"
"""Column of a history, where pictures grow: the side of val's, in pixels; only rows of equal ones compare."""
BEST = tuple(f"best/val/{name}" for name in (*METRICS, *RETRIEVAL))


def parse_monitor(key: str, monitor: str) -> Metric:
    """The metric that a monitor `val/<name>` names.

    Args:
        key: The config key, for the error.
        monitor: What the user wrote.

    Raises:
        UserError: Anything else: it would not exist, or be a `test/` metric.
    """
    return _parse(key, monitor, MONITORS)


def is_retrieval(monitor: str) -> bool:
    """Whether a monitor is a metric of the features."""
    return monitor.rpartition("/")[2] in RETRIEVAL


def parse_best(key: str, metric: str) -> Metric:
    """The metric that `best/val/<name>` names, by which leaderboards and promotion choose.

    Raises:
        UserError: Anything else.
    """
    return _parse(key, metric, BEST)


def parse_metric(key: str, name: str) -> Metric:
    """The metric of a name without a split, such as `macro_f1`.

    Raises:
        UserError: There is none.
    """
    return _parse(key, name, tuple(METRICS))


def better(metric: Metric, value: float, than: float) -> bool:
    """Whether `value` is better; equal is not. NaN is better than nothing, and anything is better than NaN."""
    if math.isnan(than):
        return not math.isnan(value)
    return value > than if metric.higher_is_better else value < than


def slug(label: str) -> str:
    """A name as part of a metric's or a file's: lower case letters, digits and `_`, a long one cut and marked."""
    whole = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_") or "class"
    if len(whole) <= LONGEST_SLUG:
        return whole
    return f"{whole[: LONGEST_SLUG - 9]}_{blake2b(label.encode(), digest_size=4).hexdigest()}"


def slugs(classes: Iterable[str]) -> dict[str, str]:
    """Class -> slug, each slug once: a second one of the same spelling gets a number."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    last: dict[str, int] = {}
    for label in classes:
        stem = name = slug(label)
        while name in taken:
            last[stem] = last.get(stem, 1) + 1
            name = f"{stem}_{last[stem]}"
        taken.add(name)
        found[label] = name
    return found


def recorded(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics that a record keeps: all of them, but no `test/f1/<slug>` where there are more than 50."""
    of_classes = {name for name in metrics if name.startswith(CLASS_PREFIX)}
    left_out = of_classes if len(of_classes) > MAX_RECORDED else set()
    return {name: value for name, value in metrics.items() if name not in left_out}


def _parse(key: str, name: str, valid: tuple[str, ...]) -> Metric:
    if name not in valid:
        why = " (test is looked at, never chosen by)" if "test" in name.split("/") else ""
        raise invalid(key, f"one of {', '.join(valid)}{why}", name, valid)
    return (METRICS | RETRIEVAL)[name.rpartition("/")[2]]
