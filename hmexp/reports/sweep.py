"""The figures of a sweep: history, parallel coordinates, importance, metric against each parameter and time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from hmexp.reports.style import GREY, INK, TRAIN, VAL, new_figure, quiet, shorten

LOG_RATIO = 30
"""An axis whose greatest value is so many times its least is drawn on a log scale."""
LOG_NAMES, LOG_NAMES_RATIO = ("learning_rate", "weight_decay", "epsilon"), 3
"""Parameters whose sizes matter, not their differences: a log scale says more from this ratio on."""
MIN_JOBS = 5
"""Jobs that it takes to say which parameter matters."""
TREES = 100
COLOURS = "viridis"
BELOW = -0.12
"""Height of the jobs that do not have a parameter, where an axis is 1 high."""
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.8}


@dataclass(frozen=True)
class Axis:
    """One parameter as numbers.

    Attributes:
        name: Of the parameter.
        values: `[n]` float64, a place on the axis for each job; NaN where it has no such parameter.
        ticks: Places and their labels; empty for a parameter of numbers.
        log: Whether the values are logarithms, to the base 10.
    """

    name: str
    values: np.ndarray
    ticks: tuple[tuple[float, str], ...] = ()
    log: bool = False


def sweep_figures(jobs: pd.DataFrame, keys: Sequence[str], objective: str, higher_is_better: bool) -> dict[str, Figure]:
    """Every figure that the jobs of a sweep allow, by name; none where no job has an objective.

    Args:
        jobs: A row a job: `job, status, seconds`, the objective, and a column a parameter, as text.
        keys: The parameters.
        objective: Column that jobs are compared by.
        higher_is_better: Its direction.
    """
    done = jobs[jobs[objective].notna()]
    if done.empty:
        return {}
    figures = {"history": history(jobs, objective, higher_is_better)}
    axes = [parameter_axis(done, key) for key in keys if key in done]
    axes = [axis for axis in axes if len(set(axis.values[~np.isnan(axis.values)])) > 1]
    if axes:
        figures["parallel_coordinates"] = parallel_coordinates(axes, done[objective], objective)
        if len(done) >= MIN_JOBS:
            figures["importance"] = importance_bars(importance(axes, done[objective]))
        figures["parameters"] = against_parameters(axes, done[objective], objective)
    figures["time"] = against_time(done, objective, higher_is_better)
    return figures


def history(jobs: pd.DataFrame, objective: str, higher_is_better: bool) -> Figure:
    """The objective of each job, and the best so far."""
    figure = new_figure(9, 4)
    axes = quiet(figure.subplots(), f"History: {objective} of each job, and the best so far")
    values = jobs[objective]
    best = values.cummax() if higher_is_better else values.cummin()
    axes.step(jobs["job"], best.ffill(), where="post", color=VAL, label="best so far")
    for status, marker in (("finished", "o"), ("pruned", "v")):
        shown = jobs["status"] == status
        if shown.any():
            axes.scatter(
                jobs.loc[shown, "job"], values[shown], color=TRAIN, marker=marker, s=22, label=status, zorder=3
            )
    for number in jobs.loc[jobs["status"] == "failed", "job"]:
        axes.axvline(number, color=GREY, linewidth=1, linestyle=":", zorder=0)
    axes.set_xlabel("job (dotted: failed)" if (jobs["status"] == "failed").any() else "job")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, fontsize=9)
    return figure


def parameter_axis(jobs: pd.DataFrame, key: str) -> Axis:
    """A parameter as places on an axis: numbers as they are or as logarithms, anything else side by side."""
    column = jobs[key]
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    given = column.notna().to_numpy()
    if given.any() and not np.isnan(numbers[given]).any():
        low, high = numbers[given].min(), numbers[given].max()
        ratio = LOG_NAMES_RATIO if key.rpartition(".")[2] in LOG_NAMES else LOG_RATIO
        log = low > 0 and high / low >= ratio
        return Axis(key, np.log10(numbers) if log else numbers, log=log)
    names = sorted(column.dropna().unique())
    places = {name: float(place) for place, name in enumerate(names)}
    return Axis(key, column.map(places).to_numpy(dtype=float), tuple((places[name], str(name)) for name in names))


def parallel_coordinates(axes: Sequence[Axis], objective: pd.Series, name: str) -> Figure:
    """A line a job through its parameters to its objective; the colour is the objective."""
    every = [*axes, Axis(name, objective.to_numpy(dtype=float))]
    figure = new_figure(max(7.0, 1.9 * len(every) + 1.5), 4.6)
    plot = figure.subplots()
    norm = Normalize(float(objective.min()), float(objective.max()))
    colours = ScalarMappable(norm, COLOURS)
    heights = np.column_stack([np.nan_to_num(_unit(axis), nan=BELOW) for axis in every])
    for place in np.argsort(objective.to_numpy()):  # the greatest on top
        plot.plot(range(len(every)), heights[place], color=colours.to_rgba(objective.iloc[place]), linewidth=1.3)
    for place, axis in enumerate(every):
        plot.axvline(place, color=INK, linewidth=0.8)
        for height, label in _labels(axis):
            text = plot.annotate(
                label, (place, height), textcoords="offset points", xytext=(4, 0), fontsize=7, va="center"
            )
            text.set_bbox(PAPER)
    plot.set_xticks(range(len(every)), [shorten(axis.name.rpartition(".")[2], 24) for axis in every], fontsize=9)
    plot.set_yticks([])
    plot.set_xlim(-0.2, len(every) - 0.4)
    plot.spines[:].set_visible(False)
    plot.set_title("Parallel coordinates: a line a job", loc="left", fontsize=11, color=INK)
    figure.colorbar(colours, ax=plot, shrink=0.8, aspect=30, label=name)
    return figure


def importance(axes: Sequence[Axis], objective: pd.Series) -> pd.DataFrame:
    """How much each parameter decides: by how much a forest's R2 falls when its values are shuffled among the jobs.

    Permutation importance (Breiman 2001) of scikit-learn's random forest, fitted on all jobs, shares of the sum. A
    parameter that a job does not have lies outside the range of the others.

    Returns:
        `parameter, importance, std`, the most important first.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    features = np.column_stack([np.nan_to_num(_unit(axis), nan=-1.0) for axis in axes])
    forest = RandomForestRegressor(TREES, random_state=0).fit(features, objective)
    found = permutation_importance(forest, features, objective, n_repeats=10, random_state=0)
    total = max(float(np.maximum(found.importances_mean, 0).sum()), 1e-12)
    frame = pd.DataFrame(
        {
            "parameter": [axis.name for axis in axes],
            "importance": np.maximum(found.importances_mean, 0) / total,
            "std": found.importances_std / total,
        }
    )
    return frame.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def importance_bars(table: pd.DataFrame) -> Figure:
    """A bar a parameter."""
    figure = new_figure(8, 1.2 + 0.42 * len(table))
    axes = quiet(figure.subplots(), "Importance: share of what the parameters explain together")
    shown = table.iloc[::-1]
    axes.barh(shown["parameter"].map(shorten), shown["importance"], xerr=shown["std"], color=TRAIN, ecolor=GREY)
    axes.set_xlim(left=0)
    axes.set_xlabel("permutation importance in a random forest over the jobs")
    return figure


def against_parameters(axes: Sequence[Axis], objective: pd.Series, name: str) -> Figure:
    """The objective against each parameter, one beside another."""
    columns = min(3, len(axes))
    rows = math.ceil(len(axes) / columns)
    figure = new_figure(3.9 * columns, 3.1 * rows + 0.4)
    grid = list(figure.subplots(rows, columns, squeeze=False, sharey=True).flat)
    for plot in grid[len(axes) :]:
        plot.set_axis_off()
    for plot, axis in zip(grid[: len(axes)], axes, strict=True):
        quiet(plot, shorten(axis.name))
        values = 10**axis.values if axis.log else axis.values
        plot.scatter(values, objective, s=18, color=TRAIN, alpha=0.8)
        _scale(plot, axis)
    for row in range(rows):
        grid[row * columns].set_ylabel(name)
    return figure


def against_time(jobs: pd.DataFrame, objective: str, higher_is_better: bool) -> Figure:
    """The objective against the time that a job took; a line joins those that nothing faster beats."""
    figure = new_figure(7, 4)
    axes = quiet(figure.subplots(), "What time buys")
    axes.scatter(jobs["seconds"], jobs[objective], s=22, color=TRAIN, zorder=3)
    order = jobs.sort_values("seconds", kind="stable")
    best = order[objective].cummax() if higher_is_better else order[objective].cummin()
    front = order[order[objective] == best].drop_duplicates(objective)
    axes.step(front["seconds"], front[objective], where="post", color=VAL, label="nothing faster is better")
    for job, seconds, value in front[["job", "seconds", objective]].to_numpy():
        axes.annotate(f"job {job:.0f}", (seconds, value), textcoords="offset points", xytext=(5, -9), fontsize=7)
    axes.set_xlabel("seconds of a job")
    axes.set_ylabel(objective)
    axes.legend(frameon=False, fontsize=9)
    return figure


def _unit(axis: Axis) -> np.ndarray:
    """The places of an axis between 0 and 1."""
    low, high = np.nanmin(axis.values), np.nanmax(axis.values)
    unit: np.ndarray = (axis.values - low) / (high - low) if high > low else np.full(len(axis.values), 0.5)
    return unit


def _labels(axis: Axis) -> list[tuple[float, str]]:
    """Heights and labels of an axis's values."""
    low, high = np.nanmin(axis.values), np.nanmax(axis.values)
    ends = (low, (low + high) / 2, high) if high > low else (low,)
    ticks = axis.ticks or tuple((float(end), f"{10**end if axis.log else end:.3g}") for end in ends)
    none = [(BELOW, "none")] if np.isnan(axis.values).any() else []
    return none + [((place - low) / max(high - low, 1e-12), shorten(label, 18)) for place, label in ticks]


def _scale(plot: Axes, axis: Axis) -> None:
    """Ticks and scale of a parameter's axis."""
    if axis.log:
        plot.set_xscale("log")
        low, high = (float(10**end) for end in (np.nanmin(axis.values), np.nanmax(axis.values)))
        # A decade's own marks are unnamed: named ones run into each other. Less than a decade has its ends named.
        places = LogLocator().tick_values(low, high)
        inside = [place for place in places if low <= place <= high]
        plot.set_xticks(inside if len(inside) > 1 else [low, high])
        plot.xaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:.2g}"))
        plot.xaxis.set_minor_formatter(NullFormatter())
        plot.tick_params(axis="x", labelsize=8)
    elif not axis.ticks:
        plot.xaxis.set_major_locator(MaxNLocator(5))
    if axis.ticks:
        places, labels = zip(*axis.ticks, strict=True)
        plot.set_xticks(places, [shorten(label, 18) for label in labels], rotation=30, ha="right", fontsize=8)
        plot.margins(x=0.15)
