"""How long a model takes, on a machine that does other things too."""

from itertools import cycle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hmexp.promotion import contest


class Clock:
    """Moves when a model computes, and not otherwise."""

    def __init__(self) -> None:
        self.now = 0.0

    def model(self, seconds: float, disturbances: list[float]) -> SimpleNamespace:
        """A model whose calls take so long, and longer by what comes between."""
        waits = cycle(disturbances)

        def predict_on_batch(batch: np.ndarray) -> np.ndarray:
            self.now += seconds + next(waits)
            return batch

        return SimpleNamespace(predict_on_batch=predict_on_batch)


@pytest.mark.parametrize("slower", [1.0, 1.6])
def test_what_else_runs_does_not_decide(monkeypatch, slower):
    """Other work falls into most calls of the challenger, and into few of the champion's."""
    clock = Clock()
    monkeypatch.setattr(contest.time, "perf_counter", lambda: clock.now)
    store = SimpleNamespace(rows=lambda images: images, read=lambda rows: np.zeros((len(rows), 4, 4, 3), np.uint8))
    models = [clock.model(slower, [3.0, 0.5, 0.0, 2.0]), clock.model(1.0, [0.0, 0.0, 0.0, 5.0])]
    rows = pd.DataFrame({"image": [f"{number}.jpg" for number in range(40)]})
    seconds, before = contest._latencies(models, [SimpleNamespace(store=store)] * 2, rows)
    assert seconds / before == pytest.approx(slower)
