"""Records that their run could not end or complete: those of processes that died, and of runs that MLflow missed."""

import socket
from pathlib import Path

from omegaconf import OmegaConf

from hmexp.config.errors import UserError
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.config.secrets import masked
from hmexp.config.stored import stored_config
from hmexp.console import log
from hmexp.jobs.find import FoundJob, all_jobs
from hmexp.jobs.folder import RUNNING, JobFolder, held, is_running, read_record
from hmexp.tracking.recorder import MlflowRecorder, RunDescription
from hmexp.tracking.runs import HOST_TAG, JOB_TAG, all_runs
from hmexp.tracking.store import open_store


def close_dead_runs(cfg: MlflowTracking, paths: PathsConfig) -> None:
    """Mark as KILLED, and name, the RUNNING runs of this host whose process is gone."""
    try:
        client = open_store(cfg, paths)
        if client.get_experiment_by_name(cfg.experiment) is None:
            return
        host = socket.gethostname()
        for run in all_runs(client, cfg, "attributes.status = 'RUNNING'"):
            job = run.data.tags.get(JOB_TAG)
            if job and run.data.tags.get(HOST_TAG) == host and not is_running(Path(job)):
                client.set_terminated(run.info.run_id, "KILLED")
                log.warning(f"run {run.info.run_id} had died; it is marked KILLED now")
    except Exception as error:  # the next command tries again
        reason = " ".join(masked(str(error)).split("\n", 1)[0].split())
        log.warning(f"runs that died cannot be marked in MLflow now: {reason}")


def complete_records(cfg: MlflowTracking, paths: PathsConfig) -> list[str]:
    """Tell MLflow what it was not told of runs that have ended, while it was away; give their names.

    Args:
        cfg: The `tracking` section: runs that were to be recorded elsewhere wait for a command that says so.
        paths: Where the runs are.
    """
    return [job.path.name for job in all_jobs(paths) if _waits(job, cfg) and _complete(job, cfg, paths)]


def _waits(job: FoundJob, cfg: MlflowTracking) -> bool:
    if job.record.recorded or job.record.status == RUNNING:
        return False
    try:
        stored = OmegaConf.select(stored_config(job.path), "tracking.uri")
    except (UserError, OSError):
        return False
    return bool(stored == (None if cfg.uri is None else masked(cfg.uri)))


def _complete(job: FoundJob, cfg: MlflowTracking, paths: PathsConfig) -> bool:
    with held(job.path) as mine:
        if not mine:
            return False
        try:
            folder = JobFolder(job.path, read_record(job.path))
            own = MlflowTracking(uri=cfg.uri, experiment=str(stored_config(job.path).tracking.experiment))
            done = MlflowRecorder(own, paths, folder, RunDescription.read(job.path)).complete()
        except (UserError, OSError, ValueError, TypeError) as error:
            log.warning(f"{job.path.name}: its record cannot be completed: {error}")
            return False
    if done:
        log.info(f"the record of {job.path.name} is complete now")
    return done
