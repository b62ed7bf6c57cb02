"""RUN, wherever one is asked for: an id, a unique prefix of one, `latest`, a name, a job folder or its name."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hmexp.config.errors import UserError, invalid
from hmexp.config.record import PathsConfig
from hmexp.console import log
from hmexp.jobs.folder import FINISHED, RECORD_FILE, JobRecord, read_record

RUN_KINDS = "a run id, a unique prefix of one, latest, a run's name, or a job folder"
MIN_PREFIX = 6
LATEST = "latest"
SHOWN, SHOWN_ID = 5, 8
"""Ids that an error names, of those that a name fits, and their letters."""


@dataclass(frozen=True)
class FoundJob:
    """A run's folder and what it says of the run."""

    path: Path
    record: JobRecord


def all_jobs(paths: PathsConfig) -> list[FoundJob]:
    """Every run under `<root>/mlruns`, the oldest first; a folder whose record cannot be read is warned of."""
    found = []
    for pattern in (f"jobs/*/{RECORD_FILE}", f"sweeps/*/*/{RECORD_FILE}"):
        for path in paths.mlruns.glob(pattern):
            try:
                found.append(FoundJob(path.parent, read_record(path.parent)))
            except UserError as error:
                log.warning(f"left out: {error}")
    return sorted(found, key=lambda job: (_begun(job.path), job.path.name))


def find_job(
    paths: PathsConfig, key: str, run: str, wanted: Callable[[FoundJob], bool] = lambda job: True, which: str = ""
) -> FoundJob:
    """The run that RUN names.

    Args:
        paths: Where runs are.
        key: The config key that RUN was given as, for the error.
        run: An id, a unique prefix of 6 or more, `latest`, the run's name, a job folder or its name.
        wanted: Which runs `latest`, or a name that several have, may be; for `resume` those that did not finish.
        which: These in words, for the error.

    Raises:
        UserError: No run, or more than one.
    """
    folder = as_folder(run)
    if folder is not None:
        return FoundJob(folder, _named(key, folder))
    jobs = all_jobs(paths)
    if run == LATEST:
        if key == "resume":
            wanted, which = _unfinished, "that did not finish "
        fits = [job for job in jobs if wanted(job)][-1:]
    else:
        which = ""
        fits = [job for job in jobs if run in (job.path.name, job.record.run_id)]
        named = [job for job in jobs if job.record.name == run]
        fits = fits or [job for job in named if wanted(job)] or named
        if not fits and len(run) < MIN_PREFIX:
            raise UserError(f"{key}: expected {RUN_KINDS} (of at least {MIN_PREFIX} characters), received {run}")
        fits = fits or [job for job in jobs if job.record.run_id.startswith(run)]
    if len(fits) != 1:
        ids = f" ({', '.join(job.record.run_id[:SHOWN_ID] for job in fits[-SHOWN:])})" if fits else ""
        received = f"{run}, which fits {len(fits)} runs{ids} {which}under {paths.mlruns}"
        known = [name for job in jobs for name in (job.record.run_id, job.path.name, job.record.name)]
        raise invalid(key, RUN_KINDS, received, known)
    return fits[0]


def as_folder(run: str) -> Path | None:
    """The folder that RUN is, absolute, or None where it is a name of another kind."""
    try:
        folder = Path(run).expanduser().absolute()
        is_run = (folder / RECORD_FILE).is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL in it, a home that nobody has
        return None
    return folder if is_run or "/" in run else None


def _named(key: str, folder: Path) -> JobRecord:
    try:
        return read_record(folder)
    except UserError as error:
        raise UserError(f"{key}: {error}") from None


def _unfinished(job: FoundJob) -> bool:
    return job.record.status != FINISHED


def _begun(folder: Path) -> int:
    """When a run was made: its configuration is written once."""
    for name in ("config.yaml", RECORD_FILE):
        try:
            return (folder / name).stat().st_mtime_ns
        except OSError:
            continue
    return sys.maxsize
