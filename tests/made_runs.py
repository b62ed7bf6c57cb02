"""Runs as MLflow gives them, made without a store."""

from mlflow.entities import Metric, Param, Run, RunData, RunInfo, RunTag

METRIC = "best/val/macro_f1"


def run(run_id, value=None, *, status="FINISHED", started=0, digest="d" * 32, metrics=(), tags=(), **params):
    metrics = dict(metrics) | ({} if value is None else {METRIC: value})
    tags = {"hmexp.data_digest": digest, "hmexp.choice.model": "cnn", "hmexp.catalogue": "shop"} | dict(tags)
    params = {"seed": "0", "trainer.epochs": "5", "optimizer.learning_rate": "0.001"} | params
    info = RunInfo(
        run_id, "1", "me", status, 1000 * started, 1000 * started + 60_000, "active", run_name=f"run {run_id}"
    )
    data = RunData(
        [Metric(key, number, 0, 0) for key, number in metrics.items()],
        [Param(key, text) for key, text in params.items()],
        [RunTag(key, text) for key, text in tags.items()],
    )
    return Run(info, data)
