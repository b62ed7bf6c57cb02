"""MLflow's undocumented names are what hmexp takes them for, in the version that is installed."""

import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_it_was_checked_against_this_version():
    import mlflow

    from hmexp.compat.mlflow import CHECKED

    assert mlflow.__version__.startswith(f"{CHECKED}.")


def test_the_ui_knows_the_words_of_an_address():
    import mlflow

    from hmexp.compat.mlflow import VIEW_PARAMETER, VIEW_TAG, WORKFLOW

    scripts = Path(mlflow.__file__).parent.glob("server/js/build/static/js/*.js")
    text = "".join(path.read_text(encoding="utf-8") for path in scripts)
    for word in (*WORKFLOW, VIEW_TAG, VIEW_PARAMETER, "selectedColumns", "orderByKey", "orderByAsc"):
        assert f'"{word}"' in text or f"{word}:" in text, word


def test_packages_are_looked_through_once(monkeypatch):
    from mlflow.utils import requirements_utils

    from hmexp.compat.mlflow import index_packages

    monkeypatch.setattr(requirements_utils, "_PACKAGES_TO_MODULES", None)
    index_packages()
    assert "keras" in requirements_utils._PACKAGES_TO_MODULES["keras"]
    monkeypatch.setattr(requirements_utils.importlib_metadata, "packages_distributions", None)
    index_packages()


def test_the_machine_is_recorded_for_a_run_that_is_not_active(tmp_path, monkeypatch):
    import mlflow

    from hmexp.compat.mlflow import system_metrics_monitor

    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "1")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = mlflow.MlflowClient(uri)
    run = client.create_run("0")
    monitor = system_metrics_monitor(run.info.run_id, uri)
    monitor.start()
    deadline = time.monotonic() + 60
    while not client.get_run(run.info.run_id).data.metrics and time.monotonic() < deadline:
        time.sleep(0.1)
    monitor.finish()
    assert "system/cpu_utilization_percentage" in client.get_run(run.info.run_id).data.metrics
    assert mlflow.active_run() is None
