"""In which order tests are dealt to several workers: what takes long first, so that none of it is left to the end."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import pytest

MINUTES = {
    "test_train.py": 5.5,
    "test_sweeps.py": 5.0,
    "test_backends.py": 2.5,
    "test_origins.py": 2.0,
    "test_predict.py": 1.5,
    "test_api.py": 1.5,
    "test_robust.py": 1.4,
    "test_promote.py": 1.4,
    "test_mlflow.py": 1.3,
    "test_resume.py": 1.2,
    "test_golden_losses.py": 1.2,
    "test_tutorial.py": 1.2,
    "test_documents.py": 1.0,
    "test_trainer.py": 0.9,
    "test_real_week.py": 0.7,
    "test_programs.py": 0.7,
    "test_on_device.py": 0.7,
    "test_following.py": 0.7,
}
"""Modules that take longest, with four workers on two processors."""
OTHER = 0.1
"""Minutes of a slow test of any other module."""


def dealt(items: Sequence[pytest.Item], hands: int) -> list[pytest.Item]:
    """Put tests into an order whose equal parts, one a worker, take equally long, the slow ones of each first.

    Slow tests of a module stay together, and with them what its fixtures have made.

    Args:
        items: As they were collected.
        hands: Workers; each is given the next part of `--dist=worksteal`.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    fast = [item for item in items if not item.get_closest_marker("slow")]
    modules = [list(group) for _, group in groupby(slow, key=lambda item: item.path)]
    parts: list[list[pytest.Item]] = [[] for _ in range(hands)]
    minutes = [0.0] * hands
    for module in sorted(modules, key=_minutes, reverse=True):
        hand = minutes.index(min(minutes))
        parts[hand] += module
        minutes[hand] += _minutes(module)
    for hand, part in enumerate(parts):
        left = len(items) - sum(len(other) for other in parts[:hand])
        missing = max(0, left // (hands - hand) - len(part))
        part += fast[:missing]
        fast = fast[missing:]
    return [item for part in parts for item in part] + fast


def _minutes(module: Iterable[pytest.Item]) -> float:
    tests = list(module)
    return MINUTES.get(tests[0].path.name, OTHER * len(tests))
