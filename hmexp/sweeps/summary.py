"""The jobs of a sweep as tables: a row a job, and a row a point with its repeated runs summarised."""

from collections import defaultdict
from collections.abc import Sequence

import pandas as pd

from hmexp.jobs.table import FAILED, FINISHED, PENDING, PRUNED, RUNNING, SKIPPED, Job
from hmexp.metrics.aggregate import aggregate
from hmexp.metrics.names import Metric, better

STATES = (FAILED, RUNNING, PENDING, FINISHED, PRUNED, SKIPPED)
"""The state of a point is the first of these that one of its jobs has."""


def job_frame(jobs: Sequence[Job], objective: str) -> pd.DataFrame:
    """A row a job: `job, point, <parameters>, seed, fold, status, <objective>, test/macro_f1, epoch, seconds, ...`."""
    rows = [
        {
            "job": job.number,
            "point": job.point,
            **job.parameters,
            **({} if job.seed is None else {"seed": job.seed}),
            **({} if job.fold is None else {"fold": job.fold}),
            "status": job.status,
            objective: job.objective,
            "test/macro_f1": job.metrics.get("test/macro_f1"),
            "best/epoch": job.metrics.get("best/epoch"),
            "seconds": job.seconds,
            "begun": job.begun,
            "run_id": job.run_id,
            "reason": job.reason,
        }
        for job in jobs
    ]
    frame = pd.DataFrame(rows)
    frame = frame.astype({"best/epoch": "Int64"} if rows else {})
    return frame[[name for name in frame if name == objective or frame[name].notna().any()]]


def point_frame(jobs: Sequence[Job], objective: str, metric: Metric, folds: int) -> pd.DataFrame:
    """A row a point, the best first.

    `point, <parameters>, status, runs, <objective>, std, low, high, test/macro_f1, seconds`, of which `runs, std, low,
    high` are only there where points have several runs.

    Args:
        jobs: Of the sweep.
        objective: `best/val/...`.
        metric: Of the objective.
        folds: Of a cross-validation; see `aggregate`.
    """
    rows = []
    for point in sorted({job.point for job in jobs}):
        of_point = [job for job in jobs if job.point == point]
        ended = [(job, job.objective) for job in of_point if job.objective is not None]
        test = [job.metrics["test/macro_f1"] for job in of_point if "test/macro_f1" in job.metrics]
        found = aggregate(_independent(ended), folds) if ended else None
        rows.append(
            {
                "point": point,
                **of_point[0].parameters,
                "status": next(state for state in STATES if any(job.status == state for job in of_point)),
                "runs": f"{len(ended)} of {len(of_point)}",
                objective: found.mean if found else None,
                "std": found.std if found else None,
                "low": found.low if found else None,
                "high": found.high if found else None,
                "test/macro_f1": sum(test) / len(test) if test else None,
                "seconds": sum(job.seconds for job in of_point),
            }
        )
    frame = pd.DataFrame(rows)
    if frame.empty:
        return frame
    numeric = [objective, "std", "low", "high", "test/macro_f1"]
    frame[numeric] = frame[numeric].astype(float)
    frame = frame.sort_values(objective, ascending=not metric.higher_is_better, kind="stable", na_position="last")
    if (frame["runs"] == "1 of 1").all() or len(jobs) == len(frame):
        return frame.drop(columns=["runs", "std", "low", "high"])
    return frame


def best_job(jobs: Sequence[Job], metric: Metric) -> Job | None:
    """The best job that finished, of the best point that has one.

    Args:
        jobs: Of the sweep.
        metric: Of the objective.
    """
    finished = [job for job in jobs if job.status == FINISHED and job.objective is not None]
    means: dict[int, float] = {}
    for point in {job.point for job in finished}:
        values = [job.objective for job in finished if job.point == point and job.objective is not None]
        means[point] = sum(values) / len(values)
    best: int | None = None
    for point, value in sorted(means.items()):
        best = point if best is None or better(metric, value, means[best]) else best
    return next((job for job in finished if job.point == best), None)


def aggregates(jobs: Sequence[Job], folds: int) -> dict[str, float]:
    """Every final metric of repeated runs: `NAME` (mean), `NAME/std`, `NAME/low`, `NAME/high`."""
    ended = [job for job in jobs if job.status == FINISHED]
    if not ended:
        return {}
    metrics: dict[str, float] = {"runs": float(len(ended))}
    for name in set.intersection(*(set(job.metrics) for job in ended)):
        found = aggregate(_independent([(job, job.metrics[name]) for job in ended]), folds)
        metrics[name] = found.mean
        if found.num > 1:
            metrics |= {f"{name}/std": found.std, f"{name}/low": found.low, f"{name}/high": found.high}
    return metrics


def _independent(values: Sequence[tuple[Job, float]]) -> list[float]:
    """One value a seed; of a cross-validation one a fold, the mean over its seeds, which are no further data."""
    groups: dict[int, list[float]] = defaultdict(list)
    for job, value in values:
        groups[job.number if job.fold is None else job.fold].append(value)
    return [sum(group) / len(group) for group in groups.values()]
