"""The leaderboard: one query of runs, repeats as one row, in groups of the same data; and runs side by side."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from hmexp.config.errors import invalid
from hmexp.metrics.aggregate import Aggregate, aggregate
from hmexp.metrics.names import BYTES, PARAMETERS, VAL_IMAGE_SIZE, better, parse_best
from hmexp.tracking.runs import CATALOGUE_TAG, DIGEST_TAG, JOB_TAG, KIND_TAG, PRUNED_TAG, SECONDS_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

REPEATED = ("seed", "seeds", "folds", "name", "data.split.fold", "data.root", "plugins", "rerun", "resume")
"""Params that differ between repeats of the same setup, or say where a run was."""
PLACES = ("paths.", "tracking.", "sweep/")
FINISHED, PRUNED = "FINISHED", "PRUNED"


@dataclass(frozen=True)
class Standing:
    """A run on the leaderboard.

    Attributes:
        run: As MLflow has it.
        value: What it is ranked by: as recorded at its end, or the best of its history where it did not finish; NaN
            where there is none.
        epochs: Epochs that it has, where it did not finish; else those of its schedule.
    """

    run: "Run"
    value: float
    epochs: int | None

    @property
    def state(self) -> str:
        """As in MLflow, or PRUNED."""
        return PRUNED if PRUNED_TAG in self.run.data.tags else str(self.run.info.status)

    @property
    def data(self) -> str:
        """What runs on the same data have in common: the digest, or the configuration of folds, which have one each."""
        params = self.run.data.params
        if params.get("data.split.folds", "null") in ("null", "1"):
            return str(self.run.data.tags.get(DIGEST_TAG, ""))
        return _digest({key: value for key, value in params.items() if key.startswith("data.") and not _is_free(key)})

    @property
    def setup(self) -> str:
        """What repeats of a run with other seeds have in common."""
        run = self.run.data
        choices = {key: value for key, value in run.tags.items() if key.startswith("hmexp.choice.")}
        return _digest(choices | {key: value for key, value in run.params.items() if not _is_free(key)})


def standings(client: "MlflowClient", runs: Sequence["Run"], metric: str) -> list[Standing]:
    """Where each run stands; runs that stand for others, a sweep or a point of one, are left out.

    Args:
        client: For the history of runs that did not finish.
        runs: Of one experiment.
        metric: `best/val/<name>`.
    """
    return [_standing(client, run, metric) for run in runs if KIND_TAG not in run.data.tags]


def leaderboard(found: Sequence[Standing], metric: str, columns: Sequence[str] = ()) -> pd.DataFrame:
    """A row a setup, the best first within the data that it learned from; the data of the newest run first.

    Finished runs of the same setup with other seeds, or other folds, are one row: the mean and its 95 % interval
    (Student's t), and the id of the best of them. A run that did not finish is a row of its own.

    Args:
        found: Where each run stands.
        metric: `best/val/<name>`, which they are ranked by.
        columns: Further metrics (their mean) or params of the runs.

    Returns:
        `run_id, name, state, runs, model, <metric>, low, high, test/macro_f1, parameters, bytes, best_epoch, epochs,
        seconds, sweep, catalogue, split, data, started`, and `columns`. `bytes` is the size of the model's file; `data`
        a digest, or for a cross-validation that of its configuration.

    Raises:
        UserError: A column that is neither the leaderboard's nor any run's metric or param.
    """
    groups: dict[tuple[str, ...], list[Standing]] = defaultdict(list)
    for standing in found:
        own = "" if standing.state == FINISHED else standing.run.info.run_id
        groups[standing.data, standing.setup, own].append(standing)
    if not groups:
        return pd.DataFrame()
    if columns:
        _check_columns(found, list(_row(found, metric, ())), columns)
    table = pd.DataFrame([_row(group, metric, columns) for group in groups.values()])
    newest = table.groupby("data")["started"].transform("max")
    ascending = not parse_best("metric", metric).higher_is_better
    order = table.assign(newest=newest).sort_values(
        ["newest", "data", metric], ascending=[False, True, ascending], kind="stable", na_position="last"
    )
    return order.drop(columns="newest").reset_index(drop=True)


def sorted_by(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The leaderboard in another order within each group; with `-` before it the largest first.

    Raises:
        UserError: No such column.
    """
    name = column.removeprefix("-")
    if name not in table:
        raise invalid("sort", f"one of {', '.join(map(str, table.columns))}", name, list(map(str, table.columns)))
    groups = table["data"].map({data: number for number, data in enumerate(table["data"].unique())})
    ascending = [True, not column.startswith("-")]
    order = table.assign(_group=groups).sort_values(["_group", name], ascending=ascending, kind="stable")
    return order.drop(columns="_group").reset_index(drop=True)


def comparison(runs: Sequence["Run"]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs side by side: params and choices that differ, and all final metrics; a column a run, named by its number."""
    described = [
        {key.removeprefix("hmexp.choice."): value for key, value in run.data.tags.items() if "hmexp.choice." in key}
        | {key: value for key, value in run.data.params.items() if not key.startswith(PLACES)}
        | {"data digest": run.data.tags.get(DIGEST_TAG, "")}
        for run in runs
    ]
    keys = sorted({key for one in described for key in one})
    differing = [key for key in keys if len({one.get(key) for one in described}) > 1]
    numbers = [chr(ord("A") + number) for number in range(len(runs))]
    settings = pd.DataFrame([[key, *(one.get(key, "") for one in described)] for key in differing])
    names = sorted({name for run in runs for name in run.data.metrics if name.startswith(("best/", "test/", "model/"))})
    metrics = pd.DataFrame([[name, *(run.data.metrics.get(name) for run in runs)] for name in names])
    for table, first in ((settings, "key"), (metrics, "metric")):
        table.columns = pd.Index([first, *numbers] if len(table) else [])
    return settings, metrics


def _check_columns(found: Sequence[Standing], own: list[str], columns: Sequence[str]) -> None:
    known = {*own, *(name for item in found for name in (*item.run.data.metrics, *item.run.data.params))}
    for name in columns:
        if name not in known:
            raise invalid("columns", f"columns of the table ({', '.join(own)}), metrics or params", name, known)


def _standing(client: "MlflowClient", run: "Run", metric: str) -> Standing:
    value = run.data.metrics.get(metric)
    if value is not None:
        by_minutes = run.data.params.get("trainer.minutes", "null") != "null"
        epochs = "" if by_minutes else run.data.params.get("trainer.epochs", "")
        return Standing(run, value, int(epochs) if epochs.isdecimal() else None)
    history = _history(client, run, name := metric.removeprefix("best/"))
    best, direction = float("nan"), parse_best("metric", metric)
    for each in _of_one_size(history)[name]:
        best = each if better(direction, each, best) else best
    return Standing(run, best, len(history))


def _history(client: "MlflowClient", run: "Run", name: str) -> pd.DataFrame:
    """A metric after each epoch of a run that did not finish: from its folder, or as far as MLflow was told."""
    path = Path(run.data.tags.get(JOB_TAG, "")) / "history.csv"
    try:
        return pd.read_csv(path, usecols=lambda column: column in (name, VAL_IMAGE_SIZE)).astype({name: float})
    except (OSError, ValueError, KeyError):
        return pd.DataFrame({name: [point.value for point in client.get_metric_history(run.info.run_id, name)]})


def _of_one_size(history: pd.DataFrame) -> pd.DataFrame:
    """The epochs whose val was measured on pictures of the size that the last epoch has; others do not compare."""
    if VAL_IMAGE_SIZE not in history:
        return history
    of_last: pd.DataFrame = history[history[VAL_IMAGE_SIZE] == history[VAL_IMAGE_SIZE].iloc[-1]]
    return of_last


def _row(group: Sequence[Standing], metric: str, columns: Sequence[str]) -> dict[str, Any]:
    direction = parse_best("metric", metric)
    best = group[0]
    for standing in group[1:]:
        best = standing if better(direction, standing.value, best.value) else best
    folds = best.run.data.params.get("data.split.folds", "1")
    of_metric = aggregate([item.value for item in group], int(folds) if folds.isdecimal() else 1)
    data, tags = best.run.data, best.run.data.tags
    first = data.metrics.get("best/epoch")
    row = {
        "run_id": best.run.info.run_id,
        "name": best.run.info.run_name,
        "state": best.state,
        "runs": len(group),
        "model": tags.get("hmexp.choice.model", ""),
        metric: of_metric.mean,
        "low": of_metric.low,
        "high": of_metric.high,
        "test/macro_f1": _mean(group, "test/macro_f1"),
        "parameters": data.metrics.get(PARAMETERS),
        "bytes": data.metrics.get(BYTES),
        "best_epoch": None if first is None else int(first),
        "epochs": best.epochs,
        "seconds": sum(_seconds(item.run) for item in group),
        "sweep": tags.get("hmexp.sweep", ""),
        "catalogue": tags.get(CATALOGUE_TAG, ""),
        "split": tags.get("hmexp.choice.data/split", ""),
        "data": best.data,
        "started": max(datetime.fromtimestamp(item.run.info.start_time / 1000) for item in group),
    }
    for name in columns:
        row.setdefault(name, _mean(group, name) if name in data.metrics else data.params.get(name))
    return row


def _mean(group: Sequence[Standing], name: str) -> float | None:
    """The mean of a metric over those that have it."""
    values = [item.run.data.metrics[name] for item in group if name in item.run.data.metrics]
    found: Aggregate | None = aggregate(values) if values else None
    return found.mean if found else None


def _seconds(run: "Run") -> float:
    end = run.info.end_time or run.info.start_time
    return float(run.data.tags.get(SECONDS_TAG, (end - run.info.start_time) / 1000))


def _is_free(key: str) -> bool:
    return key in REPEATED or key.startswith(PLACES)


def _digest(content: dict[str, str]) -> str:
    return blake2b(json.dumps(sorted(content.items())).encode(), digest_size=16).hexdigest()
