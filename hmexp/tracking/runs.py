"""Runs as MLflow knows them: the leaderboard, RUN -> a run, and those that died."""

import socket
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from filelock import FileLock, Timeout

from hmexp.config.errors import UserError, invalid
from hmexp.config.record import MlflowTracking

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

JOB_TAG = "hmexp.job_dir"
HOST_TAG = "hmexp.host"
DIGEST_TAG = "hmexp.data_digest"
PRUNED_TAG = "hmexp.pruned"
KIND_TAG = "hmexp.kind"
"""Of runs that stand for others: a sweep, or a point of one. They have no model of their own."""
LOCK_FILE = "run.lock"
MIN_PREFIX = 6
PAGE = 1000


def all_runs(client: "MlflowClient", cfg: MlflowTracking, query: str = "") -> list["Run"]:
    """Every run of the experiment that matches, the newest first."""
    experiment = client.get_experiment_by_name(cfg.experiment)
    if experiment is None:
        names = [found.name for found in client.search_experiments()]
        raise invalid("tracking.experiment", f"one of {', '.join(names)}", cfg.experiment, names)
    runs: list[Run] = []
    token = None
    while True:
        page = client.search_runs(
            [experiment.experiment_id],
            query,
            max_results=PAGE,
            order_by=["start_time DESC"],
            page_token=token,
        )
        runs += page
        token = page.token
        if not token:
            return runs


def find_run(client: "MlflowClient", cfg: MlflowTracking, run: str) -> "Run":
    """The run that RUN names: an id, a unique prefix of 6 or more, `latest`, or a job folder.

    Raises:
        UserError: No run, or more than one.
    """
    runs = [item for item in all_runs(client, cfg) if KIND_TAG not in item.data.tags]
    if run == "latest":
        found = runs[:1]
    elif "/" in run or Path(run).is_dir():
        folder = str(Path(run).expanduser().absolute())
        found = [item for item in runs if item.data.tags.get(JOB_TAG) == folder]
    else:
        if len(run) < MIN_PREFIX:
            raise UserError(f"run: expected a run id or at least {MIN_PREFIX} digits of one, received {run}")
        found = [item for item in runs if item.info.run_id.startswith(run)]
    if len(found) != 1:
        received = f"{run}, which fits {len(found)} runs"
        expected = "a run id, a unique prefix of one, latest, or a job folder"
        raise invalid("run", expected, received, [item.info.run_id for item in runs])
    return found[0]


def leaderboard(client: "MlflowClient", cfg: MlflowTracking, metric: str, higher_is_better: bool) -> pd.DataFrame:
    """All runs of the experiment, the best first.

    Returns:
        `run_id, name, status, model, <metric>, test/macro_f1, epochs, minutes, data, started`, a row a run.
    """
    rows = []
    for run in all_runs(client, cfg):
        metrics, tags = run.data.metrics, run.data.tags
        if KIND_TAG in tags:  # their jobs are in the table themselves
            continue
        end = run.info.end_time or run.info.start_time
        rows.append(
            {
                "run_id": run.info.run_id,
                "name": run.info.run_name,
                "status": "PRUNED" if PRUNED_TAG in tags else run.info.status,
                "model": tags.get("hmexp.choice.model", ""),
                metric: metrics.get(metric),
                "test/macro_f1": metrics.get("test/macro_f1"),
                "epochs": metrics.get("best/epoch"),
                "minutes": (end - run.info.start_time) / 60_000,
                "data": tags.get(DIGEST_TAG, "")[:8],
                "started": datetime.fromtimestamp(run.info.start_time / 1000),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values(metric, ascending=not higher_is_better, kind="stable") if len(table) else table


def close_dead_runs(client: "MlflowClient", cfg: MlflowTracking) -> list[str]:
    """Mark as KILLED the RUNNING runs of this host whose process is gone; give their ids."""
    if client.get_experiment_by_name(cfg.experiment) is None:
        return []
    dead = []
    host = socket.gethostname()
    for run in all_runs(client, cfg, "attributes.status = 'RUNNING'"):
        job = run.data.tags.get(JOB_TAG)
        if job and run.data.tags.get(HOST_TAG) == host and not _is_held(Path(job) / LOCK_FILE):
            client.set_terminated(run.info.run_id, "KILLED")
            dead.append(run.info.run_id)
    return dead


def _is_held(path: Path) -> bool:
    """Whether a living process holds the lock; a lock file that is gone is held by nobody."""
    try:
        if not path.is_file():
            return False
        with FileLock(path, timeout=0):
            return False
    except (Timeout, OSError):  # an OSError: another user's, of which nothing is known here
        return True
