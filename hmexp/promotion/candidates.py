"""Which run challenges the champion: the best of those that may."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hmexp.config.errors import UserError
from hmexp.metrics.names import Metric
from hmexp.tracking.runs import KIND_TAG, PRUNED_TAG

if TYPE_CHECKING:
    from mlflow.entities import Run

NAMED = 3
"""Ids of runs that are left out, for each reason, in the line that says so."""


@dataclass(frozen=True)
class Choice:
    """The challenger.

    Attributes:
        run: The best run.
        tied: Ids of older runs with the same value.
        left_out: Why runs were left out, in words -> their ids.
    """

    run: "Run"
    tied: tuple[str, ...]
    left_out: dict[str, list[str]]

    def words(self) -> list[str]:
        """A line for each reason, and one for a tie."""
        lines = [f"left out: {len(ids)} {reason} ({_some(ids)})" for reason, ids in self.left_out.items()]
        if self.tied:
            lines.append(f"tied with {_some(self.tied)}; the newest is taken, run=RUN takes another")
        return lines


def newest_run(runs: Sequence["Run"], key: str) -> "Run":
    """The newest run that may challenge by itself.

    Args:
        runs: The newest first.
        key: Metric that it needs, such as `best/val/macro_f1`.

    Raises:
        UserError: There is none.
    """
    reasons: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        if KIND_TAG not in run.data.tags:
            why = unfit(run, key)
            if not why:
                return run
            reasons[why].append(run.info.run_id)
    words = "; ".join(f"{len(ids)} {why} ({_some(ids)})" for why, ids in reasons.items())
    raise UserError(f"run: expected a finished run with {key}, received none ({words or 'train first'})")


def best_run(runs: Sequence["Run"], key: str, metric: Metric, fits: Callable[["Run"], str]) -> Choice:
    """The best of the runs that may challenge.

    Args:
        runs: The newest first; one at least may challenge.
        key: Such as `best/val/macro_f1`.
        metric: Of the key.
        fits: Why a run is none for this champion, in words; empty where it may be.

    Raises:
        UserError: None fits.
    """
    left_out: dict[str, list[str]] = defaultdict(list)
    usable: list[Run] = []
    for run in (run for run in runs if KIND_TAG not in run.data.tags):
        why = unfit(run, key) or fits(run)
        if why:
            left_out[why].append(run.info.run_id)
        else:
            usable.append(run)
    if not usable:
        words = "; ".join(f"{len(ids)} {why} ({_some(ids)})" for why, ids in left_out.items())
        raise UserError(
            f"run: expected a run that may challenge the champion, received {words}; run=RUN takes one of them"
        )
    sign = 1 if metric.higher_is_better else -1
    best = max(usable, key=lambda run: sign * run.data.metrics[key])
    tied = [run.info.run_id for run in usable if run.data.metrics[key] == best.data.metrics[key] and run is not best]
    return Choice(best, tuple(tied), dict(left_out))


def unfit(run: "Run", key: str) -> str:
    """Why a run may not challenge by itself, in words; empty where it may."""
    value = run.data.metrics.get(key)
    if PRUNED_TAG in run.data.tags or run.info.status != "FINISHED":
        return "did not finish"
    if _is_debug(run):
        return "saw a part of the data only (data.limit or a debug mode)"
    if value is None:
        return f"without {key}"
    return "" if math.isfinite(value) else f"whose {key} is no number"


def _is_debug(run: "Run") -> bool:
    """Whether it saw a part of the data only, or was to learn that by heart."""
    params = run.data.params
    cut = any(params.get(key, "null") != "null" for key in ("data.limit", "trainer.limit_batches"))
    return cut or params.get("trainer.mode", "fit") != "fit"


def _some(ids: Sequence[str]) -> str:
    more = f", and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
    return ", ".join(run_id[:8] for run_id in ids[:NAMED]) + more
