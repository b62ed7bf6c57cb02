"""What hmexp takes from MLflow that its documentation does not name; checked against `CHECKED`.

`tests/compat/test_mlflow_names.py` fails where one of these names changes.
"""

from typing import Protocol

CHECKED = "3.17"
WORKFLOW = ("workflowType", "machine_learning")
"""Word of an experiment's address without which the UI opens in its view of language models."""
VIEW_TAG = "mlflow.sharedViewState."
"""Tag of an experiment that keeps a view of its page, as JSON, under a name."""
VIEW_PARAMETER = "viewStateShareKey"
"""Word of the address that chooses a kept view by its name."""


class Monitor(Protocol):
    """A thread that records what the machine does."""

    def start(self) -> None:
        """Begin."""

    def finish(self) -> None:
        """End, and wait for the thread."""


def index_packages() -> None:
    """Let MLflow look through the installed packages now; else it does where a process saves its first model."""
    from mlflow.utils import requirements_utils

    requirements_utils._init_packages_to_modules_map()


def system_metrics_monitor(run_id: str, tracking_uri: str) -> Monitor:
    """Make MLflow's thread for one run; the public switch is for the run that is active in the process."""
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    monitor: Monitor = SystemMetricsMonitor(run_id, resume_logging=True, tracking_uri=tracking_uri)
    return monitor
