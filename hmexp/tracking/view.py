"""The page of MLflow's UI that shows hmexp's runs: what they reached, and what varies between them."""

import json
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from hmexp.compat.mlflow import VIEW_PARAMETER, VIEW_TAG, WORKFLOW
from hmexp.config.record import MlflowTracking
from hmexp.tracking.runs import KIND_TAG, all_runs

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

NAME = "hmexp"
ORDER = "metrics.`best/val/macro_f1`"
METRICS = ("best/val/macro_f1", "best/val/accuracy", "test/macro_f1", "test/accuracy", "best/epoch")
UNTOLD = ("paths.", "tracking.", "callbacks", "plugins", "data.root", "rerun", "fork", "resume", "sweep/")
"""Params that say where a run was, not what it was."""
VARIED = 8
"""Params at most, as columns."""


def page_of(client: "MlflowClient", cfg: MlflowTracking) -> str:
    """The page of the experiment behind the address of MLflow's UI; its columns are kept with the experiment.

    A store that may only be read shows MLflow's own columns.
    """
    experiment = client.get_experiment_by_name(cfg.experiment)
    if experiment is None:
        return ""
    words = {WORKFLOW[0]: WORKFLOW[1]}
    with suppress(Exception):  # the page is there without
        state = json.dumps(_view(all_runs(client, cfg)))
        client.set_experiment_tag(experiment.experiment_id, f"{VIEW_TAG}{NAME}", state)
        words[VIEW_PARAMETER] = NAME
    return f"#/experiments/{experiment.experiment_id}/runs?{urlencode(words)}"


def _view(runs: list["Run"]) -> dict[str, Any]:
    """Columns and order as MLflow's page keeps them."""
    columns = ["tags.`hmexp.choice.model`", "tags.`hmexp.command`", *(f"metrics.`{name}`" for name in METRICS)]
    columns += [f"params.`{name}`" for name in varied(runs)]
    return {"selectedColumns": columns, "orderByKey": ORDER, "orderByAsc": False}


def varied(runs: list["Run"]) -> list[str]:
    """Params that runs differ in, those that most runs have first."""
    values: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        if KIND_TAG not in run.data.tags:
            for name, value in run.data.params.items():
                values[name].append(value)
    differing = [name for name, seen in values.items() if len(set(seen)) > 1 and not name.startswith(UNTOLD)]
    return sorted(differing, key=lambda name: (-len(values[name]), name))[:VARIED]
