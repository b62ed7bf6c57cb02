"""Which jobs a sweep still needs."""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hmexp.jobs.folder import is_running
from hmexp.jobs.table import FAILED, PENDING, RUNNING, TABLE_FILE, JobTable
from hmexp.training.checkpoint import CheckpointDir

DONE = "FINISHED"


@dataclass(frozen=True)
class SweepState:
    """What a sweep's table says.

    Attributes:
        folder: Of the sweep.
        status: RUNNING, KILLED, FAILED or FINISHED; empty where the folder has no table, UNKNOWN for a damaged one.
        jobs: Number -> status in the table.
    """

    folder: Path
    status: str = ""
    jobs: dict[int, str] | None = None

    def stays(self, job_dir: Path) -> str:
        """Why a job has to stay; nothing where the sweep does not need it.

        A sweep that has something left to do may need each of its jobs: to go on with it, to fork it, to compare with
        it. One whose jobs have all ended tries those again that failed, from their checkpoints if they have any.
        """
        if self.status in ("", DONE):
            return ""
        if self.status == "UNKNOWN" or self.jobs is None:
            return f"the table of the sweep {self.folder.name} cannot be read"
        left = {PENDING, RUNNING} & set(self.jobs.values())
        if left or self.status != FAILED.upper():
            return f"the sweep {self.folder.name} has not ended (-m resume={self.folder.name} goes on)"
        if self.failed(job_dir) and CheckpointDir(job_dir / "checkpoints").newest() is not None:
            return f"the sweep {self.folder.name} can go on with it (-m resume={self.folder.name})"
        return ""

    def failed(self, job_dir: Path) -> bool:
        """Whether the sweep says that the job failed: its process may have been killed."""
        return job_dir.name.isdecimal() and (self.jobs or {}).get(int(job_dir.name)) == FAILED

    @property
    def lives(self) -> bool:
        """Whether a process works on the sweep."""
        return is_running(self.folder)


def sweep_of(job_dir: Path, mlruns: Path) -> SweepState | None:
    """The sweep that a job is of; None for a run of its own."""
    folder = job_dir.parent
    if folder.parent != mlruns / "sweeps":
        return None
    if not (folder / TABLE_FILE).is_file():
        return SweepState(folder)
    with suppress(sqlite3.Error, ValueError, TypeError):
        table = JobTable(folder)
        status = str(table.facts().get("status", ""))
        # Ended before it began, it has no facts, and nothing to resume.
        return SweepState(folder, status, {job.number: job.status for job in table.jobs()})
    return SweepState(folder, "UNKNOWN")
