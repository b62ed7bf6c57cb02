"""The verb `runs`: all runs, or the table of one sweep."""

import pandas as pd

from hmexp.config.invocation import Invocation
from hmexp.config.verbs import RunsConfig
from hmexp.console import log
from hmexp.evaluation.tables import frame_table
from hmexp.jobs.table import JobTable
from hmexp.metrics.names import parse_best
from hmexp.runner.runs import list_runs
from hmexp.sweeps.closing import narrow
from hmexp.sweeps.folder import find_sweep
from hmexp.sweeps.summary import point_frame


def runs(config: RunsConfig, invocation: Invocation) -> pd.DataFrame:
    """Print the leaderboard, or the table of a sweep."""
    if config.sweep is None:
        return list_runs(config)
    folder = find_sweep(config.paths, "sweep", config.sweep)
    table = JobTable(folder)
    facts, jobs = table.facts(), table.jobs()
    metric = parse_best("metric", facts["objective"])
    points = point_frame(jobs, facts["objective"], metric, facts["folds"])
    if points.empty:
        log.info(f"no jobs in {folder.name} yet")
        return points
    title = f"{folder.name}: {len(points)} points, {len(jobs)} jobs, {str(facts['status']).lower()}"
    log.info(frame_table(narrow(points.head(config.limit)), title))
    return points
