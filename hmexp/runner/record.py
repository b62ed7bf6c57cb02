"""The verbs `runs` and `ui`."""

import os
import socket
import sys

import pandas as pd

from hmexp.config.errors import UserError
from hmexp.config.invocation import Invocation
from hmexp.config.verbs import RunsConfig, UiConfig
from hmexp.console import log
from hmexp.evaluation.tables import frame_table
from hmexp.metrics.names import parse_best
from hmexp.tracking.complete import close_dead_runs, complete_records
from hmexp.tracking.runs import leaderboard
from hmexp.tracking.store import is_local, open_store, tracking_uri

LOCALHOST = "127.0.0.1"
WORKFLOW = "workflowType=machine_learning"
"""Without it MLflow (3.17) opens an experiment in its view of language models."""


def runs(config: RunsConfig, invocation: Invocation) -> pd.DataFrame:
    """Print the leaderboard."""
    metric = parse_best("metric", config.metric)
    client = open_store(config.tracking, config.paths)
    close_dead_runs(config.tracking, config.paths)
    complete_records(config.tracking, config.paths)
    table = leaderboard(client, config.tracking, config.metric, metric.higher_is_better)
    if table.empty:
        log.info(f"no runs in {config.tracking.experiment} yet")
        return table
    log.info(frame_table(_shown(table.head(config.limit)), f"{len(table)} runs, by {config.metric}"))
    return table


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """The leaderboard, narrow enough for a terminal of 80 columns."""
    metric = next(str(name) for name in table if str(name).startswith("best/"))
    return pd.DataFrame(
        {
            "run": table["run_id"].str[:8],
            "status": table["status"].str.lower(),
            "model": table["model"],
            metric.removeprefix("best/"): table[metric],
            "test f1": table["test/macro_f1"],
            "min": table["minutes"].map("{:.1f}".format),
            "data": table["data"].str[:4],
            "started": table["started"].dt.strftime("%m-%d %H:%M"),
        }
    )


def ui(config: UiConfig, invocation: Invocation) -> None:
    """Serve the MLflow UI on 127.0.0.1 until Ctrl-C.

    Raises:
        UserError: The port is taken, or the store is a server that has a UI of its own.
    """
    uri = tracking_uri(config.tracking, config.paths)
    if uri.startswith("http"):
        log.info(f"the UI of this server is at {uri}")
        return
    experiment = open_store(config.tracking, config.paths).get_experiment_by_name(config.tracking.experiment)
    page = f"#/experiments/{experiment.experiment_id}/runs?{WORKFLOW}" if experiment else ""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, config.port))
        except OSError:
            raise UserError(f"port: expected a free port, received {config.port}, which is in use") from None
    log.info(f"MLflow UI of {uri} at http://{LOCALHOST}:{config.port}/{page} (Ctrl-C ends it)")
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--host", LOCALHOST]
    command += ["--port", str(config.port), "--workers", "1"]
    if is_local(config.tracking):
        command += ["--default-artifact-root", (config.paths.mlruns / "artifacts").as_uri()]
    # Job execution is a second, 230 MB process that hmexp has no use for.
    environment = os.environ | {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    sys.stdout.flush()
    # In place of this process, so that whatever ends it ends the server too.
    os.execve(sys.executable, command, environment)
