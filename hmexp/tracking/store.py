"""The MLflow store: where it is, and how it comes into being once, whole, whoever comes first."""

import logging
import os
import sqlite3
import sys
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from hmexp.config.errors import RunError, UserError
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.config.secrets import masked, move_credentials, with_credentials
from hmexp.console import progress, quiet_loggers
from hmexp.process import import_for_good

if TYPE_CHECKING:
    from mlflow import MlflowClient


LOCK_FILE = "mlflow.lock"
DATABASE = "mlflow.db"
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""What MLflow reads when it is imported: no network call of its own, no pickles, no chatter, no wait without end."""
UNFIT = "?#%"
"""Characters of a path that the address of a SQLite database cannot hold."""


def tracking_uri(cfg: MlflowTracking, paths: PathsConfig) -> str:
    """`tracking.uri`, or the absolute address of `<paths.root>/mlruns/mlflow.db`."""
    return cfg.uri or sqlite_uri(paths.mlruns / DATABASE)


def sqlite_uri(path: Path) -> str:
    """The address of a database file.

    Raises:
        UserError: A path that no such address can hold.
    """
    unfit = sorted(set(UNFIT) & set(str(path)))
    if unfit:
        raise UserError(f"paths.root: expected a folder without {' '.join(unfit)} in its path, received {path.parent}")
    return f"sqlite:///{path}"


def is_local(cfg: MlflowTracking) -> bool:
    """Whether the store is the SQLite database under `paths.root`."""
    return cfg.uri is None


def create_store(cfg: MlflowTracking, paths: PathsConfig) -> "MlflowClient":
    """Open the store; create it and the experiment under a lock where they are not there.

    MLflow's own creation of a database is a race (three of four processes at once fail), and a kill in the middle of it
    leaves one that nothing can be done with: so it is made under another name and renamed.

    Raises:
        UserError: A tracking server that does not answer, or a damaged database.
    """
    if not is_local(cfg):
        client = _client(cfg, paths)
        _ensure_experiment(client, cfg, None)
        return client
    tracking_uri(cfg, paths)  # refuses what no address can hold
    paths.mlruns.mkdir(parents=True, exist_ok=True)
    artifacts = (paths.mlruns / "artifacts").as_uri()
    with store_lock(cfg, paths):
        path = paths.mlruns / DATABASE
        if _is_new(path):
            _create_database(path)
        client = _client(cfg, paths)
        _ensure_experiment(client, cfg, artifacts)
    return client


def open_store(cfg: MlflowTracking, paths: PathsConfig) -> "MlflowClient":
    """Open a store that must be there already; writes nothing.

    Raises:
        UserError: There is none: nothing was recorded yet; or a damaged database.
    """
    if not is_local(cfg):
        client = _client(cfg, paths)
        with one_line():
            client.search_experiments(max_results=1)
        return client
    if _is_new(paths.mlruns / DATABASE):
        raise UserError(f"paths.root: expected a folder with recorded runs, received {paths.root_path} without any")
    return _client(cfg, paths)


def store_lock(cfg: MlflowTracking, paths: PathsConfig) -> AbstractContextManager[object]:
    """For what MLflow looks up and then inserts, which is a race; a server answers a second try by itself."""
    return FileLock(paths.mlruns / LOCK_FILE) if is_local(cfg) else nullcontext()


def _is_new(path: Path) -> bool:
    """Whether there is no database yet; one that is half made and holds no run is as good as none.

    Raises:
        UserError: It is damaged, and may hold runs; or it cannot be opened.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return True
    try:
        # What a killed writer left in its journal is undone by the next who opens, so mode=ro would fail there and
        # immutable not see it; mode=rw makes no file, and reads where a disk may only be read.
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=60)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            whole = "alembic_version" in tables and bool(connection.execute("SELECT * FROM alembic_version").fetchall())
            runs = connection.execute("SELECT COUNT(*) FROM runs").fetchone()[0] if "runs" in tables else 0
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            return False
        if error.sqlite_errorname.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise UserError(_damaged(path, str(error))) from None
        raise UserError(f"paths.root: expected to open MLflow's database in {path}, received {error}") from None
    if not whole and runs:
        raise UserError(_damaged(path, "it was never finished"))
    return not whole


def _damaged(path: Path, problem: str) -> str:
    return f"paths.root: expected MLflow's database in {path}, received a damaged one ({problem}); move it away"


def _create_database(path: Path) -> None:
    """Make a database of MLflow's under another name, and give it its own when it is whole."""
    if path.is_file():
        path.rename(path.with_name(f"{DATABASE}.broken-{datetime.now():%Y-%m-%d_%H-%M-%S}"))
    for left in path.parent.glob(f"{DATABASE}.new*"):
        left.unlink()
    # Never the same name twice: MLflow remembers for as long as the process lives which databases it has made.
    new = path.with_name(f"{DATABASE}.new-{uuid.uuid4().hex}")
    whole = new.with_suffix(".whole")
    _connect(sqlite_uri(new)).search_experiments(max_results=1)
    # SQLite's own copy: without MLflow's connections, which stay open, and what they may hold back.
    with closing(sqlite3.connect(new)) as source, closing(sqlite3.connect(whole)) as target:
        source.backup(target)
    with whole.open("rb") as stream:
        os.fsync(stream.fileno())
    whole.replace(path)
    for left in path.parent.glob(f"{DATABASE}.new*"):
        left.unlink()


@contextmanager
def one_line() -> Iterator[None]:
    """Say in a line that a store does not answer, or that its disk is full."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        reason = " ".join(masked(str(error).split("\n", 1)[0]).split())
        if "disk is full" in reason or "disk I/O error" in reason:
            raise RunError(f"MLflow's database cannot be written: {reason}") from None
        raise UserError(f"tracking.uri: expected an MLflow store that answers, received {reason}") from None


def _client(cfg: MlflowTracking, paths: PathsConfig) -> "MlflowClient":
    with one_line():
        return _connect(with_credentials(move_credentials(tracking_uri(cfg, paths))))


def _connect(uri: str) -> "MlflowClient":
    """A client that depends on no state of MLflow's but its own address."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    if "mlflow" not in sys.modules:
        with progress("starting MLflow"):
            import_for_good("mlflow")
    import mlflow

    quiet_loggers("mlflow", "alembic", "sqlalchemy.engine", "huey")
    # It logs with its traceback what it raises as well.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    return mlflow.MlflowClient(uri, uri)


def _ensure_experiment(client: "MlflowClient", cfg: MlflowTracking, artifacts: str | None) -> None:
    from mlflow.exceptions import MlflowException

    with one_line():
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
