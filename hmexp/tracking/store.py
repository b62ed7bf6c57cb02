"""The MLflow store: where it is, and how it comes into being once, whoever comes first."""

import logging
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from filelock import FileLock

from hmexp.config.errors import UserError
from hmexp.config.record import MlflowTracking, PathsConfig

if TYPE_CHECKING:
    from mlflow import MlflowClient


LOCK_FILE = "mlflow.lock"


def tracking_uri(cfg: MlflowTracking, paths: PathsConfig) -> str:
    """`tracking.uri`, or the absolute address of `<paths.root>/mlruns/mlflow.db`."""
    return cfg.uri or f"sqlite:///{paths.mlruns / 'mlflow.db'}"


def is_local(cfg: MlflowTracking) -> bool:
    """Whether the store is the SQLite database under `paths.root`."""
    return cfg.uri is None


def create_store(cfg: MlflowTracking, paths: PathsConfig) -> "MlflowClient":
    """Open the store; create it and the experiment under a lock where they are not there.

    MLflow's own creation of a database is a race (three of four processes at once fail), hence the lock.

    Raises:
        UserError: A tracking server that does not answer.
    """
    if not is_local(cfg):
        client = _client(cfg, paths)
        _ensure_experiment(client, cfg, None)
        return client
    paths.mlruns.mkdir(parents=True, exist_ok=True)
    with store_lock(cfg, paths):
        client = _client(cfg, paths)
        _ensure_experiment(client, cfg, (paths.mlruns / "artifacts").as_uri())
    return client


def open_store(cfg: MlflowTracking, paths: PathsConfig) -> "MlflowClient":
    """Open a store that must be there already.

    Raises:
        UserError: There is none: nothing was recorded yet.
    """
    if not is_local(cfg):
        client = _client(cfg, paths)
        with _one_line():
            client.search_experiments(max_results=1)
        return client
    if not (paths.mlruns / "mlflow.db").is_file():
        raise UserError(f"paths.root: expected a folder with recorded runs, received {paths.root_path} without any")
    with store_lock(cfg, paths):
        return _client(cfg, paths)


def store_lock(cfg: MlflowTracking, paths: PathsConfig) -> AbstractContextManager[object]:
    """For what MLflow looks up and then inserts, which is a race; a server answers a second try by itself."""
    return FileLock(paths.mlruns / LOCK_FILE) if is_local(cfg) else nullcontext()


@contextmanager
def _one_line() -> Iterator[None]:
    """Say in a line that a store does not answer."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        reason = " ".join(str(error).split("\n", 1)[0].split())
        raise UserError(f"tracking.uri: expected an MLflow store that answers, received {reason}") from None


def _client(cfg: MlflowTracking, paths: PathsConfig) -> "MlflowClient":
    # MLflow reads these when it is imported: no network call of its own, no pickles, no chatter.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    uri = tracking_uri(cfg, paths)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    with _one_line():
        return mlflow.MlflowClient()


def _ensure_experiment(client: "MlflowClient", cfg: MlflowTracking, artifacts: str | None) -> None:
    from mlflow.exceptions import MlflowException

    with _one_line():
        found = client.get_experiment_by_name(cfg.experiment)
        try:
            if found is None:
                client.create_experiment(cfg.experiment, artifact_location=artifacts)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another process was faster
                raise
    if found is not None and found.lifecycle_stage == "deleted":
        expected = "tracking.experiment: expected a live experiment"
        raise UserError(f"{expected}, received {cfg.experiment}, which is deleted")
