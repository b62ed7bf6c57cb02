"""The verb `runs`: the leaderboard, and runs side by side."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

import pandas as pd

from hmexp.config.errors import UserError
from hmexp.config.verbs import RunsConfig
from hmexp.console import log, on_stderr, shown_width
from hmexp.evaluation.tables import frame_table, print_frame
from hmexp.jobs.find import MIN_PREFIX
from hmexp.metrics.names import parse_best
from hmexp.tracking.complete import close_dead_runs, complete_records
from hmexp.tracking.leaderboard import comparison, leaderboard, sorted_by, standings
from hmexp.tracking.runs import all_runs, find_runs
from hmexp.tracking.store import open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

SHOWN_ID = 8
"""Letters of an id at least; more where fewer are not unique."""


def list_runs(config: RunsConfig) -> pd.DataFrame:
    """Print the leaderboard, or the runs of `compare` side by side, and give it.

    Raises:
        UserError: No recorded runs, a filter or a column that is none, or a run that is not there.
    """
    with on_stderr() if config.format != "table" else nullcontext():
        return _compare(config, config.compare) if config.compare else _rank(config)


def _rank(config: RunsConfig) -> pd.DataFrame:
    parse_best("metric", config.metric)
    client = open_store(config.tracking, config.paths)
    close_dead_runs(config.tracking, config.paths)
    complete_records(config.tracking, config.paths)
    found = standings(client, _matching(client, config), config.metric)
    table = leaderboard(found, config.metric, config.columns or ())
    if table.empty:
        which = "runs that match" if config.filter else "runs"
        log.info(f"no {which} in {config.tracking.experiment} yet")
        return table
    if config.sort is not None:
        table = sorted_by(table, config.sort)
    limited = table.groupby("data", sort=False).head(config.limit)
    if config.columns is not None:
        limited = limited[["data", *(name for name in config.columns if name != "data")]]
    _write(config, limited, table)
    return table


def _matching(client: "MlflowClient", config: RunsConfig) -> list["Run"]:
    """The runs that the filter leaves."""
    from mlflow.exceptions import MlflowException

    try:
        return all_runs(client, config.tracking, config.filter or "")
    except MlflowException as error:
        if config.filter is None or error.error_code != "INVALID_PARAMETER_VALUE":
            raise
        reason = " ".join(str(error).split())
        expected = "MLflow's grammar, such as \"metrics.`test/accuracy` > 0.8 and params.`model.norm` = 'batch'\""
        raise UserError(f"filter: expected {expected}, received {config.filter} ({reason})") from None


def _compare(config: RunsConfig, runs: str) -> pd.DataFrame:
    client = open_store(config.tracking, config.paths)
    names = [name.strip() for name in runs.split(",") if name.strip()]
    if len(names) < 2:
        raise UserError(f"compare: expected runs with commas between them, such as A,B, received {runs}")
    found = find_runs(client, config.tracking, config.paths, names, "compare")
    settings, metrics = comparison(found)
    for letter, run in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", found, strict=False):
        log.info(f"{letter} = {run.info.run_id}  {run.info.run_name}")
    if config.format != "table":
        both = pd.concat([settings.rename(columns={"key": "name"}), metrics.rename(columns={"metric": "name"})])
        print_frame(both, config.format)
        return both
    log.info(frame_table(settings, "What differs") if len(settings) else "their configurations are the same")
    log.info(frame_table(metrics, "Final metrics"))
    return pd.concat([settings, metrics], ignore_index=True)


def _write(config: RunsConfig, table: pd.DataFrame, whole: pd.DataFrame) -> None:
    if config.format != "table":
        print_frame(table, config.format)
        return
    length = _unique_length(whole["run_id"])
    for data, group in table.groupby("data", sort=False):
        of_data = whole[whole["data"] == data].iloc[0]
        count = int(whole.loc[whole["data"] == data, "runs"].sum())
        which = f"{of_data['catalogue'] or 'unknown data'}, split {of_data['split'] or 'unknown'}, data {str(data)[:8]}"
        title = f"{which}: {count} run{'' if count == 1 else 's'} by {config.metric}"
        shown = group.drop(columns="data") if config.columns else _narrow(group, config.metric, length)
        if "run_id" in shown:
            shown = shown.assign(run_id=shown["run_id"].str[:length])
        log.info(frame_table(shown.dropna(axis=1, how="all"), title, wrapped="name"))


def _narrow(table: pd.DataFrame, metric: str, length: int) -> pd.DataFrame:
    """A group of the leaderboard, narrow enough for a terminal of 80 columns."""
    short = pd.DataFrame({"run": table["run_id"].str[:length], "name": table["name"]})
    if (table["state"] != "FINISHED").any():
        short["state"] = table["state"].str.lower()
    short[metric.removeprefix("best/")] = table[metric]
    if (table["runs"] > 1).any():
        short["±"] = ((table["high"] - table["low"]) / 2).map(lambda half: "" if pd.isna(half) else f"{half:.3f}")
        short["runs"] = table["runs"]
    short["test f1"] = table["test/macro_f1"]
    short["weights"] = table["parameters"].map(_count)
    epochs = zip(table["best_epoch"], table["epochs"], strict=True)
    short["epoch"] = [f"{_whole(best)}/{_whole(all_)}" for best, all_ in epochs]
    short["min"] = (table["seconds"] / 60).map("{:.1f}".format)
    short["started"] = table["started"].dt.strftime("%m-%d %H:%M")
    return short if shown_width() >= 100 else short.drop(columns=["weights", "epoch"])


def _whole(number: float | None) -> str:
    return "-" if number is None or pd.isna(number) else f"{int(number)}"


def _count(number: float | None) -> str | None:
    """A number of weights in three digits: 3.99 M."""
    if number is None or pd.isna(number):
        return None
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def _unique_length(ids: pd.Series) -> int:
    """Letters with which every id is another, and which RUN takes."""
    length = max(SHOWN_ID, MIN_PREFIX)
    while ids.str[:length].nunique() < ids.nunique():
        length += 1
    return length
