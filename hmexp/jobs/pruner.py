"""The pruner of a job in a sweep: it tells the job table, and asks the rule with what the others have told."""

import math
from pathlib import Path

from hmexp.jobs.table import JobTable
from hmexp.training.pruner import PruningRule


class TablePruner:
    """Ends a job by a rule over the sweep's job table.

    Args:
        folder: Of the sweep.
        number: Of the job.
        monitor: `val/...` that jobs are compared by.
        rule: When a job is pruned.
    """

    def __init__(self, folder: Path, number: int, monitor: str, rule: PruningRule) -> None:
        self.table, self.number, self.monitor, self.rule = JobTable(folder), number, monitor, rule

    def should_prune(self, epoch: int, value: float) -> str:
        """Write the value, then compare it."""
        if not math.isfinite(value):
            return ""
        self.table.add_epoch(self.number, epoch, value)
        return self.rule.should_prune(self.number, epoch, self.table.epochs())
