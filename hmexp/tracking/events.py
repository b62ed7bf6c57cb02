"""What a run's record is made of, written by the run's id; what MLflow has already is not written again."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from hmexp.config.secrets import masked
from hmexp.console import log
from hmexp.jobs.folder import LOCK_FILE
from hmexp.tracking.runs import JOB_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DESCRIPTION_FILE = "mlflow.json"
LEFT_OUT = ("checkpoints", "model", ".hydra", LOCK_FILE, DESCRIPTION_FILE)
"""What of a job folder is no artifact: large, or told otherwise."""
TAG_LENGTH = 5000
A_CALL = 100
"""Params, tags or metrics of one call, the most that a server takes."""


def find_run_of(client: "MlflowClient", experiment: str, run_id: str, job_dir: str) -> "Run | None":
    """The run of a job folder: by its id, or by the tag of one that was killed before it wrote its id down."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
    own = [run for run in client.search_runs([experiment]) if run.data.tags.get(JOB_TAG) == job_dir]
    return own[0] if own else None


def log_params(client: "MlflowClient", run: "Run", params: Mapping[str, str]) -> None:
    """Those that are not there yet: a param cannot be changed."""
    from mlflow.entities import Param

    missing = [Param(name, value) for name, value in params.items() if name not in run.data.params]
    for first in range(0, len(missing), A_CALL):
        client.log_batch(run.info.run_id, params=missing[first : first + A_CALL])


def log_metrics(client: "MlflowClient", run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
    """A point of each series."""
    from mlflow.entities import Metric

    now = int(1000 * time.time())
    points = [Metric(name, float(value), now, step) for name, value in metrics.items()]
    for first in range(0, len(points), A_CALL):
        client.log_batch(run_id, metrics=points[first : first + A_CALL])


def log_results(client: "MlflowClient", run_id: str, metrics: Mapping[str, float]) -> None:
    """The final metrics that MLflow does not have, or has with another value."""
    there = client.get_run(run_id).data.metrics
    log_metrics(client, run_id, {name: value for name, value in metrics.items() if there.get(name) != value})


def backfill(client: "MlflowClient", run_id: str, history: pd.DataFrame) -> None:
    """The points of `history.csv` that MLflow does not have."""
    for name in history.columns:
        if name.partition("/")[0] in ("train", "val"):
            there = {point.step for point in client.get_metric_history(run_id, name)}
            for epoch, value in history.loc[~history["epoch"].isin(there), ["epoch", name]].to_numpy():
                log_metrics(client, run_id, {name: float(value)}, int(epoch))


def log_artifacts(client: "MlflowClient", run_id: str, folder: Path) -> None:
    """The files of a job folder, in place of those of the same names."""
    for path in sorted(folder.iterdir()):
        if path.name in LEFT_OUT or path.suffix == ".partial":
            continue
        if path.is_dir():
            client.log_artifacts(run_id, str(path), path.name)
        else:
            client.log_artifact(run_id, str(path))


@contextmanager
def warned_of(what: str) -> Iterator[None]:
    """Say in a line that something is not recorded, where MLflow fails inside the block; its files are there anyway."""
    try:
        yield
    except Exception as error:
        log.warning(f"{what} is not recorded in MLflow: {' '.join(masked(str(error)).split())[:300]}")


def short_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as MLflow takes them, without passwords."""
    return {name: masked(value)[:TAG_LENGTH] for name, value in tags.items()}
