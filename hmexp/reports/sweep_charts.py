"""The figures of a sweep as SVG: curves of its jobs over each other, the objective by job, by parameter and by time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from hmexp.reports.blocks import Chart, Strip, Strips, axis_strip, bar_marks
from hmexp.reports.plot import Line, Plot
from hmexp.reports.svg import Scale, around, clipped, element, mark, short
from hmexp.reports.sweep import MIN_JOBS, Axis, importance, parameter_axis

MAX_CURVES = 120
NAMED = 3
"""Best jobs whose curves have a colour of their own."""
STATES = {"finished": "train", "pruned": "c3"}
LABEL_LETTERS = 14


@dataclass(frozen=True)
class Curve:
    """What a job reached, epoch by epoch.

    Attributes:
        job: Its number.
        label: What tells it apart.
        epochs: From 1.
        values: Of the metric.
    """

    job: int
    label: str
    epochs: tuple[int, ...]
    values: tuple[float, ...]


def curves_chart(curves: Sequence[Curve], metric: str) -> Chart:
    """Every job's curve over the others, the best first ones in colour.

    Args:
        curves: The best job first; of more than 120 the best 120 are drawn.
        metric: Such as `val/macro_f1`.
    """
    shown = [curve for curve in curves[:MAX_CURVES] if curve.epochs]
    values = [value for curve in shown for value in curve.values]
    last = max((curve.epochs[-1] for curve in shown), default=1)
    plot = Plot.of((0.7, last + 0.3), around(values), ("epoch", metric))
    marks: list[Markup] = []
    legend: list[tuple[str, str]] = []
    for place, curve in reversed(list(enumerate(shown))):
        colour = f"c{place}" if place < NAMED else "quiet"
        points = tuple(
            (float(epoch), value)
            for epoch, value in zip(curve.epochs, curve.values, strict=True)
            if math.isfinite(value)
        )
        words = f"job {curve.job}: {curve.label}"
        if len(points) > 1:
            reached = f"{words}, {metric} {points[-1][1]:.3f} after epoch {points[-1][0]:.0f}"
            marks.append(mark(plot.line(Line(words, points, colour)), reached))
        marks += [plot.dot(x, y, colour, f"{words}, epoch {x:.0f}: {y:.3f}") for x, y in points[-1:]]
        if place < NAMED:
            legend.insert(0, (words, colour))
    if len(shown) > NAMED:
        legend.append((f"{len(shown) - NAMED} other jobs", "quiet"))
    which = f" The best {MAX_CURVES} of {len(curves)}." if len(curves) > MAX_CURVES else ""
    ticks = [(tick, f"{tick:.0f}") for tick in plot.x.ticks(6) if tick == round(tick) and tick >= 1]
    drawing = plot.drawn(marks, f"{metric} by epoch, a line a job", ticks)
    return Chart("Curves of all jobs", drawing, f"Point at a line to see whose it is.{which}", tuple(legend))


def history_chart(jobs: pd.DataFrame, objective: str, higher_is_better: bool) -> Chart:
    """The objective of each job in their order, and the best so far.

    Args:
        jobs: A row a job: `job, status, label`, and the objective.
        objective: Column that jobs are compared by.
        higher_is_better: Its direction.
    """
    done = jobs[jobs[objective].notna()]
    plot = Plot.of(around([0.0, float(jobs["job"].max())], 0.03), around(done[objective].tolist()), ("job", objective))
    best = done[objective].cummax() if higher_is_better else done[objective].cummin()
    steps = [(float(job), float(value)) for job, value in zip(done["job"], best, strict=True)]
    steps.append((float(jobs["job"].max()), steps[-1][1]))
    marks = [plot.line(Line("best so far", tuple(steps), "val"), steps=True)]
    marks += [_job_dot(plot, row, float(row.job), row.value) for row in _rows(done, objective)]
    states = [(state, colour) for state, colour in STATES.items() if (done["status"] == state).any()]
    whole = [(tick, f"{tick:.0f}") for tick in plot.x.ticks(6) if tick == round(tick) and tick >= 0]
    drawing = plot.drawn(marks, f"{objective} of each job", whole)
    return Chart("Job after job", drawing, legend=(*states, ("best so far", "val")))


def parameter_charts(jobs: pd.DataFrame, keys: Sequence[str], objective: str) -> list[Chart]:
    """The objective against each parameter that varies.

    Args:
        jobs: As of `history_chart`, and a column a parameter, as text.
        keys: The parameters.
        objective: Column that jobs are compared by.
    """
    done = jobs[jobs[objective].notna()]
    charts = []
    for axis in varied(done, keys):
        there = ~np.isnan(axis.values)
        plot = Plot.of(around(axis.values[there].tolist()), around(done[objective].tolist()), (_title(axis), objective))
        rows = [row for row, given in zip(_rows(done, objective), there, strict=True) if given]
        dots = [_job_dot(plot, row, x, row.value) for row, x in zip(rows, axis.values[there], strict=True)]
        drawing = plot.drawn(dots, f"{objective} against {axis.name}", _ticks(axis, plot))
        charts.append(Chart(axis.name, drawing))
    return charts


def time_chart(jobs: pd.DataFrame, objective: str, higher_is_better: bool) -> Chart:
    """The objective against the seconds that a job took; a line joins those that nothing faster beats."""
    done = jobs[jobs[objective].notna()].sort_values("seconds", kind="stable")
    plot = Plot.of(around(done["seconds"].tolist()), around(done[objective].tolist()), ("seconds of a job", objective))
    best = done[objective].cummax() if higher_is_better else done[objective].cummin()
    front = done[done[objective] == best].drop_duplicates(objective)
    points = tuple(zip(front["seconds"].tolist(), front[objective].tolist(), strict=True))
    marks = [plot.line(Line("nothing faster is better", points, "val"), steps=True)]
    marks += [_job_dot(plot, row, float(row.seconds), row.value) for row in _rows(done, objective)]
    drawing = plot.drawn(marks, f"{objective} against the time of a job")
    return Chart("What time buys", drawing, legend=(("a job", "train"), ("nothing faster is better", "val")))


def importance_strips(jobs: pd.DataFrame, keys: Sequence[str], objective: str) -> Strips | None:
    """How much each parameter decides; nothing where fewer than five jobs or one parameter cannot say."""
    done = jobs[jobs[objective].notna()]
    axes = varied(done, keys)
    if len(axes) < 2 or len(done) < MIN_JOBS:
        return None
    table = importance(axes, done[objective])
    rows = tuple(
        Strip(str(name), _bar(share), f"{share:.0%} ± {std:.0%}")
        for name, share, std in table.itertuples(index=False, name=None)
    )
    note = "Share of what the parameters explain together: permutation importance in a random forest over the jobs."
    unit = axis_strip(Scale(0.0, 1.0, 0.0, 1.0), (0.0, 0.5, 1.0))
    return Strips("What matters", rows, ("parameter", "importance", "share", ""), unit, note)


def varied(done: pd.DataFrame, keys: Sequence[str]) -> list[Axis]:
    """The parameters that have more than one value, as numbers."""
    axes = [parameter_axis(done, key) for key in keys if key in done]
    return [axis for axis in axes if len(set(axis.values[~np.isnan(axis.values)])) > 1]


@dataclass(frozen=True)
class _Row:
    job: int
    label: str
    status: str
    value: float
    seconds: float


def _rows(jobs: pd.DataFrame, objective: str) -> list[_Row]:
    columns = jobs[["job", "label", "status", objective, "seconds"]]
    return [_Row(*values) for values in columns.itertuples(index=False, name=None)]


def _job_dot(plot: Plot, row: _Row, x: float, y: float) -> Markup:
    return plot.dot(x, y, STATES.get(row.status, "quiet"), f"job {row.job} ({row.status}): {row.label}, {y:.4f}")


def _bar(share: float) -> Markup:
    return element("svg", bar_marks(share, None, None, "train"), class_="strip", aria_hidden="true")


def _title(axis: Axis) -> str:
    return f"{axis.name.rpartition('.')[2]}{' (logarithmic scale)' if axis.log else ''}"


def _ticks(axis: Axis, plot: Plot) -> list[tuple[float, str]]:
    if axis.ticks:
        return [(place, clipped(name, LABEL_LETTERS)) for place, name in axis.ticks]
    if axis.log:
        low, high = float(np.nanmin(axis.values)), float(np.nanmax(axis.values))
        decades = [float(power) for power in range(math.ceil(low), math.floor(high) + 1)]
        return [(place, short(float(f"{10**place:.2g}"))) for place in (decades if len(decades) > 1 else [low, high])]
    return [(tick, short(tick)) for tick in plot.x.ticks(5)]
