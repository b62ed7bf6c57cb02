"""Runs as MLflow knows them: the leaderboard, RUN -> a run, those that died, and those that it was not told all of."""

from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from hmexp.config.errors import UserError, invalid
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.jobs.find import LATEST, MIN_PREFIX, as_folder, find_job

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

JOB_TAG = "hmexp.job_dir"
HOST_TAG = "hmexp.host"
DIGEST_TAG = "hmexp.data_digest"
CATALOGUE_TAG = "hmexp.catalogue"
PRUNED_TAG = "hmexp.pruned"
SECONDS_TAG = "hmexp.seconds"
"""Time that a run has taken by a clock that nobody sets; from start to end in MLflow it would be by one that is set."""
KIND_TAG = "hmexp.kind"
"""Of runs that stand for others: a sweep, or a point of one. They have no model of their own."""
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


def find_run(client: "MlflowClient", cfg: MlflowTracking, paths: PathsConfig, run: str) -> "Run":
    """The run that RUN names: as every command resolves it, or, where no folder here is its, by its id in MLflow.

    Raises:
        UserError: No run, or more than one; or a run that MLflow does not know.
    """
    runs = [item for item in all_runs(client, cfg) if KIND_TAG not in item.data.tags]
    by_id = [item for item in runs if len(run) >= MIN_PREFIX and item.info.run_id.startswith(run)]
    if len(by_id) == 1 and as_folder(run) is None:
        return by_id[0]
    if run == LATEST and runs:
        return runs[0]
    run_id = find_job(paths, "run", run).record.run_id
    found = [item for item in runs if item.info.run_id == run_id]
    if not found:
        raise UserError(f"run: expected a run of the experiment {cfg.experiment}, received {run}, which is none")
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
                "minutes": float(tags.get(SECONDS_TAG, (end - run.info.start_time) / 1000)) / 60,
                "data": tags.get(DIGEST_TAG, "")[:8],
                "started": datetime.fromtimestamp(run.info.start_time / 1000),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values(metric, ascending=not higher_is_better, kind="stable") if len(table) else table
