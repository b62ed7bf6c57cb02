"""The verb `ui`: MLflow's own pages, opened at the runs of hmexp."""

import os
import sys

from hmexp.config.invocation import Invocation
from hmexp.config.verbs import UiConfig
from hmexp.console import console, log
from hmexp.runner.browser import open_beside
from hmexp.runner.listener import listen
from hmexp.tracking.store import is_local, open_store, tracking_uri
from hmexp.tracking.view import page_of

LOCALHOST = "127.0.0.1"


def ui(config: UiConfig, invocation: Invocation) -> None:
    """Serve the MLflow UI on 127.0.0.1 until Ctrl-C, and open it in the browser where a terminal asked for it.

    Raises:
        UserError: The port is taken, or nothing is recorded.
    """
    uri = tracking_uri(config.tracking, config.paths)
    page = page_of(open_store(config.tracking, config.paths), config.tracking)
    if uri.startswith("http"):
        log.info(f"this server has a UI of its own: {uri.rstrip('/')}/{page}")
        return
    listen(LOCALHOST, config.port).close()
    address = f"http://{LOCALHOST}:{config.port}/{page}"
    log.info(f"MLflow UI of {uri} at {address} (Ctrl-C ends it)")
    if config.browser and console.is_terminal:
        open_beside(address)
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
