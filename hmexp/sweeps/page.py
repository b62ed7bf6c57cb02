"""The page of a sweep, from its job table and the folders of its jobs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hmexp.evaluation.answer import WIDE, interval_of
from hmexp.evaluation.page import PAGE_FILE, write_page
from hmexp.evaluation.saved import HISTORY, SavedFolder
from hmexp.jobs.table import FAILED, SKIPPED, Job, JobTable, label_of
from hmexp.metrics.names import Metric, parse_best
from hmexp.reports.blocks import Charts, PageTable, Reference, Score
from hmexp.reports.cells import between, metric_words
from hmexp.reports.page import Block, PageSection, RunPage
from hmexp.reports.sweep_charts import (
    Curve,
    curves_chart,
    history_chart,
    importance_strips,
    parameter_charts,
    time_chart,
)
from hmexp.sweeps.summary import best_job, job_frame, point_frame

WINNER = Path("experiment") / "winner.yaml"


def save_sweep_page(folder: Path) -> Path:
    """Write `report.html` of a sweep from the files of its folder.

    Raises:
        UserError: A table whose objective is none.
    """
    table = JobTable(folder)
    facts, jobs = table.facts(), table.jobs()
    objective = str(facts["objective"])
    metric = parse_best("metric", objective)
    points = point_frame(jobs, objective, metric, int(facts.get("folds", 1)))
    best = best_job(jobs, metric)
    config = folder / WINNER
    page = RunPage(
        kind="Sweep",
        title=f"Sweep {folder.name}",
        verdict=_verdict(points, jobs, best, objective),
        facts=_facts(folder, jobs),
        tables=(),
        warnings=tuple(_left_out(jobs)),
        figures=(),
        command=_repeat(folder, str(facts.get("command", "")), best),
        config=config.read_text(encoding="utf-8") if best is not None and config.is_file() else "",
        scores=_scores(folder, points, best, (objective, metric)),
        findings=tuple(_findings(folder, points, jobs, best, (objective, metric))),
        sections=tuple(_sections(folder, points, jobs, (objective, metric))),
    )
    return write_page(page, folder / PAGE_FILE)


def counts_of(jobs: Sequence[Job]) -> str:
    """How many jobs are in each state, in words."""
    states = pd.Series([job.status for job in jobs]).value_counts()
    return ", ".join(f"{count} {state}" for state, count in states.items())


def _verdict(points: pd.DataFrame, jobs: Sequence[Job], best: Job | None, objective: str) -> str:
    if best is None:
        return "No job finished, so there is no best point."
    row = points[points["point"] == best.point].iloc[0]
    runs = sum(job.point == best.point for job in jobs)
    ends = between(row["low"], row["high"]) if _repeated(points) else ""
    mean = f" (mean of {runs} runs, 95 % interval {ends})" if ends else ""
    return f"The best of {len(points)} points: {label_of(best.parameters)}, {objective} {row[objective]:.4f}{mean}."


def _scores(folder: Path, points: pd.DataFrame, best: Job | None, by: tuple[str, Metric]) -> tuple[Score, ...]:
    """What the best point reaches, beside the next one and the middle one; nothing for a metric that has no top."""
    objective, metric = by
    if best is None or not metric.higher_is_better:
        return ()
    value = float(points.loc[points["point"] == best.point, objective].iloc[0])
    others = points.loc[points["point"] != best.point, objective].dropna()
    references = [Reference("next best point", float(others.max()))] if len(others) else []
    references += [Reference("median of all points", float(points[objective].median()))] if len(others) > 1 else []
    half = _half_interval(folder / str(best.number), metric.name)
    low, high = (None, None) if half is None else (max(0.0, value - half), min(1.0, value + half))
    return (Score(f"Best point: {metric_words(metric.name)} on val", value, low, high, tuple(references)),)


def _findings(
    folder: Path, points: pd.DataFrame, jobs: Sequence[Job], best: Job | None, by: tuple[str, Metric]
) -> list[str]:
    """What the ranking is worth: how far val's pictures can tell points apart, and how many are that close."""
    if best is None:
        return []
    objective, metric = by
    found = []
    values = points[objective].dropna()
    top = float(points.loc[points["point"] == best.point, objective].iloc[0])
    half = _half_interval(folder / str(best.number), metric.name)
    if half is not None and len(values) > 1:
        near = int(((values - top).abs() <= half).sum()) - 1
        small = "Val is small: on" if half >= WIDE else "On"
        some = f"{near} of the other {len(values) - 1} points {'is' if near == 1 else 'are'} within that of the best"
        ranking = ", so their order may be chance" if near and half >= WIDE else ""
        found.append(f"{small} val, {metric_words(metric.name)} is known to ±{half:.3f}; {some}{ranking}.")
        if near and half >= WIDE and not _repeated(points):
            found.append("Every point was run once: repeat the best ones with seeds=3 or folds=5 before you choose.")
    if "test/macro_f1" in points and points["test/macro_f1"].notna().any():
        test = float(points.loc[points["point"] == best.point, "test/macro_f1"].iloc[0])
        if test == test:
            found.append(f"The best point has macro F1 {test:.3f} on test, which no choice was made by.")
    failed = sum(job.status == FAILED for job in jobs)
    return found + ([f"{failed} of {len(jobs)} jobs failed; see Warnings."] if failed else [])


def _half_interval(job_dir: Path, name: str) -> float | None:
    """Half of the 95 % interval of a metric of val in a job; None where it was not saved."""
    low, high = interval_of(SavedFolder(job_dir, job_dir).table("intervals_val.csv"), name)
    return None if low is None or high is None else (high - low) / 2


def _repeated(points: pd.DataFrame) -> bool:
    return "runs" in points


def _sections(folder: Path, points: pd.DataFrame, jobs: Sequence[Job], by: tuple[str, Metric]) -> list[PageSection]:
    objective = by[0]
    frame = job_frame(jobs, objective)
    named = frame.assign(label=[job.label() for job in jobs])
    keys = list(dict.fromkeys(key for job in jobs for key in job.parameters))
    note = "Means over the runs of each point, with the 95 % interval of the mean." if _repeated(points) else ""
    sections = [PageSection("Points", (PageTable("", points, note),), True, f"{len(points)}, the best first")]
    curves = _curves(folder, jobs, named, by)
    if any(curve.epochs for curve in curves):
        chart = curves_chart(curves, objective.removeprefix("best/"))
        sections.append(PageSection("Curves", (Charts((chart,)),), True, "all jobs over each other"))
    if named[objective].notna().any():
        sections.append(_search_section(named, keys, by))
    links = {"job": [_link(folder, job) for job in jobs]}
    shown = frame.drop(columns=["begun"], errors="ignore")
    shown = shown.loc[:, [shown[name].notna().any() and (shown[name] != "").any() for name in shown]]
    sections.append(
        PageSection("Jobs", (PageTable("", shown, "A job's number leads to its page.", links),), True, counts_of(jobs))
    )
    return sections


def _search_section(named: pd.DataFrame, keys: Sequence[str], by: tuple[str, Metric]) -> PageSection:
    """What the parameters do, and what time buys."""
    objective, metric = by
    blocks: list[Block] = []
    charts = parameter_charts(named, keys, objective)
    blocks += [Charts(tuple(charts))] if charts else []
    matters = importance_strips(named, keys, objective)
    blocks += [matters] if matters is not None else []
    better = metric.higher_is_better
    blocks.append(Charts((history_chart(named, objective, better), time_chart(named, objective, better))))
    return PageSection(
        "What the parameters do", tuple(blocks), False, ", ".join(key.rpartition(".")[2] for key in keys)
    )


def _curves(folder: Path, jobs: Sequence[Job], named: pd.DataFrame, by: tuple[str, Metric]) -> list[Curve]:
    """What each job reached by epoch, the best job first."""
    objective, metric = by
    order = named.sort_values(objective, ascending=not metric.higher_is_better, kind="stable", na_position="last")
    return [
        _curve(folder / str(job), int(job), str(label), objective.removeprefix("best/"))
        for job, label in order[["job", "label"]].itertuples(index=False)
    ]


def _curve(job_dir: Path, job: int, label: str, name: str) -> Curve:
    history: Any = SavedFolder(job_dir, job_dir).table(HISTORY)
    if name not in history:
        return Curve(job, label, (), ())
    return Curve(job, label, tuple(map(int, history["epoch"])), tuple(map(float, history[name])))


def _link(folder: Path, job: Job) -> str:
    """Where the page of a job is from the sweep's; nothing where it has none."""
    return f"{job.number}/{PAGE_FILE}" if (folder / str(job.number) / PAGE_FILE).is_file() else ""


def _facts(folder: Path, jobs: Sequence[Job]) -> tuple[tuple[str, str], ...]:
    seconds = sum(job.seconds for job in jobs)
    return (("jobs", counts_of(jobs)), ("time of all jobs", f"{seconds / 60:,.1f} min"), ("folder", str(folder)))


def _left_out(jobs: Sequence[Job]) -> list[str]:
    left_out = [job for job in jobs if job.status in (FAILED, SKIPPED)]
    return [f"job {job.number} {job.status} ({job.label()}): {job.reason}" for job in left_out]


def _repeat(folder: Path, command: str, best: Job | None) -> str:
    lines = [command]
    if best is not None:
        lines += ["", "# the best point again", f"python -m hmexp --config-dir {folder} experiment=winner"]
    return "\n".join([*lines, "", "# this page again", f"python -m hmexp report sweep={folder.name}"]).strip()
