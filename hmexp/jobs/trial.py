"""What a job of a sweep knows of the sweep, by a file that is written into its folder before it starts; its pruner."""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hmexp.jobs.table import JobTable, plain_key
from hmexp.training.pruner import NoPruner, Pruner, PruningRule

TRIAL_FILE = "sweep.json"


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

    def should_prune(self, epoch: int, value: float, since: int = 1) -> str:
        """Write the value, then compare it with those from the epoch `since` on."""
        if not math.isfinite(value):
            return ""
        self.table.add_epoch(self.number, epoch, value)
        reached = [item for item in self.table.epochs() if item[1] >= since]
        return self.rule.should_prune(self.number, epoch, reached)


@dataclass(frozen=True)
class TrialInfo:
    """A job's place in its sweep.

    Attributes:
        sweep: Name of the sweep.
        number: Of the job in the sweep's table.
        label: What tells the job apart, in a few words.
        parent_run_id: Its parent in MLflow; empty where nothing is tracked.
        parameters: What the sweep varies -> the value of this job.
        monitor: `val/...` that the sweep compares jobs by, epoch by epoch.
        rule: When the sweep ends a job early; None for never.
    """

    sweep: str
    number: int
    label: str
    parent_run_id: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    monitor: str = ""
    rule: PruningRule | None = None

    def save(self, job_dir: Path) -> None:
        """Write it into the job's folder."""
        (job_dir / TRIAL_FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @property
    def run_name(self) -> str:
        """Name of the job's run in MLflow."""
        return f"{self.number} {self.label}"

    def tags(self) -> dict[str, str]:
        """Tags of the job's run in MLflow."""
        parent = {"mlflow.parentRunId": self.parent_run_id} if self.parent_run_id else {}
        return parent | {"hmexp.sweep": self.sweep, "hmexp.job": str(self.number)}

    def params(self) -> dict[str, str]:
        """What the sweep varies, as params of the job's run in MLflow, beside those of its configuration."""
        return {f"sweep/{plain_key(key)}": value for key, value in self.parameters.items()}

    def pruner(self, job_dir: Path) -> Pruner:
        """What decides after each epoch whether the job should go on."""
        return NoPruner() if self.rule is None else TablePruner(job_dir.parent, self.number, self.monitor, self.rule)


def read_trial(job_dir: Path) -> TrialInfo | None:
    """The place of a job in its sweep; None for a run of its own."""
    path = job_dir / TRIAL_FILE
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    rule = content.pop("rule")
    return TrialInfo(**content, rule=None if rule is None else PruningRule(**rule))
