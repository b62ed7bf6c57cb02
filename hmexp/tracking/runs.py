"""Runs as MLflow knows them: their tags, all of them, and RUN -> a run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hmexp.config.errors import UserError, invalid
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.jobs.find import LATEST, MIN_PREFIX, as_folder, find_job
from hmexp.process import without_collection

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
    # 150 objects a run: 1,000 runs take 1.2 s so, and 4.0 s of processor time where the collector walks them.
    with without_collection():
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


def find_run(client: "MlflowClient", cfg: MlflowTracking, paths: PathsConfig, run: str, key: str = "run") -> "Run":
    """The run that RUN names; see `find_runs`."""
    return find_runs(client, cfg, paths, [run], key)[0]


def find_runs(
    client: "MlflowClient", cfg: MlflowTracking, paths: PathsConfig, names: Sequence[str], key: str = "run"
) -> list["Run"]:
    """The runs that RUNs name: as every command resolves them, or, where no folder here is theirs, by their ids.

    Raises:
        UserError: No run, or more than one; or a run that MLflow does not know.
    """
    runs = [item for item in all_runs(client, cfg) if KIND_TAG not in item.data.tags]
    return [_find_in(runs, cfg, paths, name, key) for name in names]


def _find_in(runs: Sequence["Run"], cfg: MlflowTracking, paths: PathsConfig, run: str, key: str) -> "Run":
    by_id = [item for item in runs if len(run) >= MIN_PREFIX and item.info.run_id.startswith(run)]
    if len(by_id) == 1 and as_folder(run) is None:
        return by_id[0]
    if run == LATEST and runs:
        return runs[0]
    run_id = find_job(paths, key, run).record.run_id
    found = [item for item in runs if item.info.run_id == run_id]
    if not found:
        raise UserError(f"{key}: expected a run of the experiment {cfg.experiment}, received {run}, which is none")
    return found[0]
