"""What the folder of a job says of how the job ended."""

import json
import math
import shutil
from pathlib import Path

from hmexp.config.errors import UserError
from hmexp.jobs.folder import FINISHED as RUN_FINISHED
from hmexp.jobs.folder import RECORD_FILE, JobRecord, read_record
from hmexp.jobs.table import FAILED, FINISHED, PRUNED, Job
from hmexp.jobs.trial import TRIAL_FILE, TrialInfo
from hmexp.sweeps.launch import Ended
from hmexp.sweeps.pool import OUTPUT_FILE

TAIL = 60
"""Lines of output that go into the record of a failure."""
BAD_INPUT = 2
KEPT = (TRIAL_FILE, OUTPUT_FILE, "log")


def record_of(job_dir: Path) -> JobRecord | None:
    """What the folder says of the run; None where there is none yet."""
    try:
        return read_record(job_dir)
    except UserError:
        return None


def has_finished(job_dir: Path) -> bool:
    """Whether the folder holds a run that came to its end."""
    record = record_of(job_dir)
    return record is not None and record.status == RUN_FINISHED


def prepare_folder(job_dir: Path, trial: TrialInfo) -> bool:
    """Make a job's folder ready for a start.

    Returns:
        Whether it holds a run that goes on. What was left before there was a run is swept.
    """
    goes_on = record_of(job_dir) is not None
    if job_dir.is_dir() and not goes_on:
        for path in job_dir.iterdir():
            if path.name not in KEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    job_dir.mkdir(exist_ok=True)
    trial.save(job_dir)
    return goes_on


def settle(job: Job, job_dir: Path, objective: str, ended: Ended | None) -> bool:
    """Fill in how a job ended.

    Args:
        job: Changed in place.
        job_dir: Its folder.
        objective: `best/val/...`.
        ended: How its process ended; None where the folder alone can tell.

    Returns:
        Whether it is worth another try: it failed, and not by bad input.
    """
    record = record_of(job_dir)
    job.run_id = record.run_id if record else job.run_id
    if record is not None and record.status == RUN_FINISHED:
        path = job_dir / "metrics.json"
        job.metrics = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        value = job.metrics.get(objective, math.nan)
        job.objective = value if math.isfinite(value) else None
        job.status, job.reason = (PRUNED, record.pruned) if record.pruned else (FINISHED, "")
        if job.objective is None:
            job.status, job.reason = FAILED, f"{objective} is {value}"
        return False
    job.status = FAILED
    job.reason = _reason(job_dir, ended)
    return ended is None or ended.code != BAD_INPUT


def recorded_seconds(job_dir: Path) -> float:
    """Seconds from the last start of a run to its last word, where no process of its own was timed."""
    record = record_of(job_dir)
    return max(0.0, (job_dir / RECORD_FILE).stat().st_mtime - record.begun) if record and record.begun else 0.0


def failure_text(job: Job, job_dir: Path) -> str:
    """The reason with the last lines that the job wrote."""
    return "\n".join([f"job {job.number}, {job.label()}: {job.reason}", "", *_output(job_dir)[-TAIL:]]) + "\n"


def _reason(job_dir: Path, ended: Ended | None) -> str:
    """Why a job failed, in a line."""
    if ended is None:
        return "its process is gone"
    if ended.reason:
        return ended.reason
    said = [line for line in _output(job_dir) if line.strip()]
    last = said[-1].removeprefix("hmexp: error: ").removeprefix("hmexp: ") if said else "nothing said"
    return f"{last} (exit {ended.code})"


def _output(job_dir: Path) -> list[str]:
    path = job_dir / OUTPUT_FILE
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
