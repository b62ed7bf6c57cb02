"""The end of a sweep, however it came: table, best point, figures, page, record."""

import shlex
from pathlib import Path

import pandas as pd

from hmexp.console import log, say_facts
from hmexp.evaluation.tables import frame_table
from hmexp.jobs.table import FAILED, FINISHED, SKIPPED, Job
from hmexp.reports.style import save
from hmexp.reports.sweep import sweep_figures
from hmexp.sweeps.folder import DONE
from hmexp.sweeps.page import counts_of, save_sweep_page
from hmexp.sweeps.preset import save_preset
from hmexp.sweeps.search import STOP_AFTER
from hmexp.sweeps.summary import aggregates, best_job, job_frame, point_frame
from hmexp.sweeps.sweep import Sweep

SHOWN = 20
"""Rows of the table that are printed."""


def close(sweep: Sweep, status: str) -> None:
    """Write down and say what came of a sweep.

    Args:
        sweep: Whose jobs do not run any more.
        status: FINISHED, FAILED or KILLED.
    """
    design, folder = sweep.design, sweep.folder
    points = point_frame(sweep.jobs, design.objective, design.metric, design.folds)
    jobs = job_frame(sweep.jobs, design.objective)
    points.to_csv(folder / "table.csv", index=False)
    jobs.to_csv(folder / "jobs.csv", index=False)
    sweep.table.write(objective=design.objective, folds=design.folds)
    best = best_job(sweep.jobs, sweep.design.metric)
    files = [folder / "table.csv", folder / "jobs.csv"]
    try:
        files += [] if best is None else [_preset(sweep, best)]
        files += [*_figures(sweep, jobs), save_sweep_page(folder)]
    finally:
        left = status == "KILLED" or (status == "FAILED" and sweep.search.tries_again)
        sweep.table.write(status=status if left else DONE)
        _record(sweep, status, tuple(files))
    _say(sweep, left, points, best)


def _preset(sweep: Sweep, best: Job) -> Path:
    header = f"The best point of the sweep {sweep.folder.name}: {sweep.design.objective} {best.objective:.4f}."
    return save_preset(sweep.folder, sweep.job_dir(best), STOP_AFTER in best.parameters, header)


def _figures(sweep: Sweep, jobs: pd.DataFrame) -> list[Path]:
    drawn = sweep_figures(jobs, _keys(sweep), sweep.design.objective, sweep.design.metric.higher_is_better)
    paths = []
    for name, figure in drawn.items():
        paths.append(sweep.folder / "figures" / f"{name}.png")
        save(figure, paths[-1])
    return paths


def _keys(sweep: Sweep) -> list[str]:
    """What the sweep varies, in the order of the jobs."""
    return list(dict.fromkeys(key for job in sweep.jobs for key in job.parameters))


def _record(sweep: Sweep, status: str, files: tuple[Path, ...]) -> None:
    """Close the sweep's run, and those of its points."""
    recorder, design = sweep.recorder, sweep.design
    for key, run_id in sweep.point_runs.items():
        of_point = [job for job in sweep.jobs if str(job.point) == key]
        recorder.aggregate(run_id, aggregates(of_point, design.folds))
        recorder.close(run_id, FINISHED.upper() if all(job.status == FINISHED for job in of_point) else FAILED.upper())
    if design.repeats and not sweep.point_runs:
        recorder.aggregate(recorder.run_id, aggregates(sweep.jobs, design.folds))
    counts = pd.Series([job.status for job in sweep.jobs], dtype=object).value_counts()
    recorder.aggregate(recorder.run_id, {f"sweep/{state}": float(count) for state, count in counts.items()})
    recorder.close(recorder.run_id, status, files)


def _say(sweep: Sweep, left: bool, points: pd.DataFrame, best: Job | None) -> None:
    """The closing table, what failed, and how to go on."""
    if len(points):
        title = f"{len(points)} point{'' if len(points) == 1 else 's'}"
        title += f", the best {SHOWN}" if len(points) > SHOWN else ""
        log.info(frame_table(narrow(points.head(SHOWN)), title))
    for job in sweep.jobs:
        if job.status == FAILED:
            log.warning(f"job {job.number} failed ({job.label()}): {job.reason}; see {sweep.job_dir(job)}/log")
        elif job.status == SKIPPED:
            log.warning(f"job {job.number} was skipped ({job.label()}): {job.reason}")
    lines = [("jobs", counts_of(sweep.jobs)), ("folder", str(sweep.folder))]
    if sweep.recorder.run_id:
        view = sweep.recorder.share_view(_keys(sweep), sweep.design.objective, sweep.design.metric.higher_is_better)
        lines += [("MLflow run", sweep.recorder.run_id), ("browse", f"{view} (python -m hmexp ui)")]
    lines.append(("report", str(sweep.folder / "report.html")))
    if best is not None:
        lines.append(("best again", f"python -m hmexp --config-dir {shlex.quote(str(sweep.folder))} experiment=winner"))
    if left:
        lines.append(("go on", f"python -m hmexp -m resume={shlex.quote(str(sweep.folder))}"))
    say_facts(lines)


def narrow(points: pd.DataFrame) -> pd.DataFrame:
    """The table of points as a terminal of 80 columns has it: short names, the interval in one column, minutes."""
    table = points.copy()
    objective = next(str(name) for name in table if str(name).startswith("best/"))
    table["seconds"] = (table["seconds"] / 60).map("{:.1f}".format)
    if "low" in table:
        ends = zip(table["low"], table["high"], strict=True)
        table["low"] = [f"{low:.3f} to {high:.3f}" if low == low else "" for low, high in ends]
        table["runs"] = table["runs"].str.replace(" of ", "/")
        table = table.drop(columns=["high", "status"] if (table["status"] == FINISHED).all() else ["high"])
    names = {
        "seconds": "min",
        "low": "95 % interval",
        "test/macro_f1": "test f1",
        objective: objective[len("best/val/") :],
    }
    short = [names.get(str(name), str(name)) for name in table]
    last = [name.rpartition(".")[2] for name in short]
    table.columns = pd.Index([one if last.count(one) == 1 else name for one, name in zip(last, short, strict=True)])
    return table
