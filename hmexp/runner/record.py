"""The verb `runs`."""

import pandas as pd

from hmexp.config.invocation import Invocation
from hmexp.config.verbs import RunsConfig
from hmexp.console import log
from hmexp.evaluation.tables import frame_table
from hmexp.metrics.names import parse_best
from hmexp.tracking.complete import close_dead_runs, complete_records
from hmexp.tracking.runs import leaderboard
from hmexp.tracking.store import open_store


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
