"""Pruning jobs of a sweep after an epoch: the rules, and who asks them."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

MEDIAN, HALVING = "median", "halving"


@dataclass(frozen=True)
class PruningRule:
    """When a job is pruned.

    Attributes:
        kind: `median`: its best value so far is worse than the median of the best that the others had reached at that
            epoch (after Golovin et al. 2017, "Google Vizier", which takes running averages of completed trials).
            `halving` (Li et al. 2020, "ASHA"): at the rungs, epochs `after * factor ** k`, it is not among the best
            1/`factor` of those that have been there.
        after: Epochs that every job has.
        factor: Of `halving`.
        jobs: Others that must have reached the epoch.
        higher_is_better: Direction of the value.
    """

    kind: str
    after: int
    factor: int
    jobs: int
    higher_is_better: bool

    def should_prune(self, number: int, epoch: int, reached: Iterable[tuple[int, int, float]]) -> str:
        """Why a job should be pruned after an epoch; empty where it should go on.

        Args:
            number: Of the job.
            epoch: Counted from 1; its value is among those reached.
            reached: `number, epoch, value` of all jobs of the sweep.
        """
        if epoch < self.after or (self.kind == HALVING and not self._is_rung(epoch)):
            return ""
        best: dict[int, float] = {}
        there: set[int] = set()
        for job, at, value in reached:
            if at <= epoch:
                known = best.get(job, value)
                best[job] = max(known, value) if self.higher_is_better else min(known, value)
            if at >= epoch:  # those that ended before say nothing of this epoch
                there.add(job)
        others = [value for job, value in best.items() if job != number and job in there]
        if len(others) < self.jobs:
            return ""
        return self._verdict(best[number], others, epoch)

    def _verdict(self, own: float, others: list[float], epoch: int) -> str:
        sign = 1 if self.higher_is_better else -1
        if self.kind == MEDIAN:
            middle = statistics.median(others)
            if sign * own >= sign * middle:
                return ""
            return f"{own:.5f} is worse than the median {middle:.5f} of {len(others)} jobs at epoch {epoch}"
        place = 1 + sum(sign * value > sign * own for value in others)
        kept = max(1, (len(others) + 1) // self.factor)
        if place <= kept:
            return ""
        return f"{own:.4f} is number {place} of {len(others) + 1} at epoch {epoch}, of which {kept} go on"

    def _is_rung(self, epoch: int) -> bool:
        rung = self.after
        while rung < epoch:
            rung *= self.factor
        return rung == epoch


class Pruner(Protocol):
    """Hears how a training comes along, and may end it.

    Attributes:
        monitor: `val/...` that it wants to hear; empty for none.
    """

    monitor: str

    def should_prune(self, epoch: int, value: float, since: int = 1) -> str:
        """Why the training should end after this epoch (counted from 1); empty where it should go on.

        Values compare from the epoch `since` on: before that val was measured on pictures of another size.
        """


class NoPruner:
    """Lets every training go on."""

    monitor = ""

    def should_prune(self, epoch: int, value: float, since: int = 1) -> str:
        """Never."""
        return ""
