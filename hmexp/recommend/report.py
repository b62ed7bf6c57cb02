"""What a validation found, as tables in the terminal, CSV files and a page."""

import json
import shlex
from pathlib import Path

import pandas as pd
from omegaconf import OmegaConf

from hmexp.config.recommend import RecommendConfig
from hmexp.console import log
from hmexp.evaluation.tables import frame_table
from hmexp.files import replacing
from hmexp.recommend.evaluation import RankingEvaluation, words_of
from hmexp.recommend.inputs import Inputs
from hmexp.recommend.ranker import Ranker
from hmexp.recommend.windows import Window
from hmexp.reports.page import PageTable, RunPage, run_report

METRICS_FILE, PAGE_FILE = "evaluation.json", "report.html"
SYNTHETIC = "synthetic: generated purchases, no shop's"
"""Label of every table whose purchases are generated."""
SECTIONS = {
    "methods": ("Methods", "95 % intervals over customers, percentile bootstrap; the baselines first."),
    "cold_lists": ("New arrivals", "Lists of articles without sales alone: what a page of them could show."),
    "candidates": ("Candidates", "Share of purchases among those of each source; fresh leaves repurchases out."),
    "features": ("What the ranker looks at", "Share of what the trees gain."),
    "pictures": (
        "What pictures add",
        "The ranker less one that knows nothing of pictures, on the same customers, mean of the seeds.",
    ),
    "trainings": ("Trainings", "MAP@12 of each training by itself; the ranker averages their scores."),
}
"""Table -> its title on the page, and the sentence above it."""
COLUMNS = {
    "map_at_12": "MAP@12",
    "cold_hit_rate": "hit rate without sales",
    "cold_low": "its low",
    "cold_high": "its high",
}
"""Columns that are called something else on the page."""


def title_of(inputs: Inputs, window: Window) -> str:
    """What the table is of; says where its purchases are generated."""
    return f"{inputs.name}, {window}" + (f" ({SYNTHETIC})" if inputs.synthetic else "")


def say_evaluation(evaluation: RankingEvaluation, title: str) -> None:
    """Print the methods side by side, and what pictures add."""
    log.info(frame_table(_shown_methods(evaluation), f"{evaluation.num_customers:,} customers of {title}"))
    if evaluation.num_cold:
        cold = f"Twelve articles without sales alone, {evaluation.num_cold:,} purchases"
        log.info(frame_table(_shown_lists(evaluation), cold))
    for sentence in words_of(evaluation):
        log.info(sentence)


def write_evaluation(
    evaluation: RankingEvaluation, ranker: Ranker, inputs: Inputs, window: Window, out: Path
) -> dict[str, object]:
    """Write evaluation.json and a CSV file a table; gives what is in evaluation.json."""
    tables = _tables(evaluation, ranker)
    for name, table in tables.items():
        _replace(out / f"{name}.csv", table.to_csv(index=False))
    figures: dict[str, object] = {
        "title": title_of(inputs, window),
        "synthetic": inputs.synthetic,
        "pictures": inputs.looks.name,
        "customers": evaluation.num_customers,
        "purchases": evaluation.num_bought,
        "purchases_without_sales_before": evaluation.num_cold,
        "map_at_12": dict(zip(evaluation.methods["method"], evaluation.methods["map_at_12"], strict=True)),
    }
    _replace(out / METRICS_FILE, json.dumps(figures, indent=1) + "\n")
    return figures


def write_page(
    evaluation: RankingEvaluation, ranker: Ranker, inputs: Inputs, config: RecommendConfig, about: tuple[Window, str]
) -> Path:
    """Write the page of a validation.

    Args:
        evaluation: What it found.
        ranker: That was measured.
        inputs: What was read.
        config: Of the command.
        about: The days that were predicted, and the line that repeats the command.
    """
    window, command = about
    rows = tuple(
        PageTable(SECTIONS[name][0], table.rename(columns=COLUMNS), SECTIONS[name][1])
        for name, table in _tables(evaluation, ranker).items()
        if len(table)
    )
    best = evaluation.methods.iloc[-1]
    verdict = f"{best['method']}: MAP@12 {best['map_at_12']:.4f} ({best['low']:.4f} to {best['high']:.4f})."
    page = RunPage(
        title=title_of(inputs, window),
        verdict=" ".join([verdict, *(f"{sentence[0].upper()}{sentence[1:]}." for sentence in words_of(evaluation))]),
        facts=_facts(evaluation, inputs, window),
        tables=rows,
        warnings=(),
        figures=(),
        command=command,
        config=OmegaConf.to_yaml(OmegaConf.structured(config)),
        kind="Recommendations",
    )
    path = config.out_path / PAGE_FILE
    _replace(path, run_report(page))
    log.info(f"page   {shlex.quote(str(path))}")
    return path


def _facts(evaluation: RankingEvaluation, inputs: Inputs, window: Window) -> tuple[tuple[str, str], ...]:
    return (
        ("purchases", SYNTHETIC if inputs.synthetic else "as they were read"),
        ("days", str(window)),
        ("customers", f"{evaluation.num_customers:,}"),
        ("purchases of these days", f"{evaluation.num_bought:,}"),
        ("purchases of articles without sales before", f"{evaluation.num_cold:,}"),
        ("what looks alike", inputs.looks.name or "nothing says so"),
    )


def _tables(evaluation: RankingEvaluation, ranker: Ranker) -> dict[str, pd.DataFrame]:
    return {
        "methods": evaluation.methods,
        "pictures": evaluation.pictures,
        "trainings": evaluation.trainings,
        "cold_lists": evaluation.cold_lists,
        "candidates": evaluation.sources,
        "features": ranker.importance().to_pandas(),
    }


def _replace(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _shown_methods(evaluation: RankingEvaluation) -> pd.DataFrame:
    rows = [
        (name, _with_interval(values[:3], "{:.4f}"), _with_interval(values[3:], "{:.2%}"))
        for name, *values in evaluation.methods.itertuples(index=False, name=None)
    ]
    return pd.DataFrame(rows, columns=["method", "MAP@12", "found without sales"])


def _shown_lists(evaluation: RankingEvaluation) -> pd.DataFrame:
    lists = evaluation.cold_lists.itertuples(index=False, name=None)
    return pd.DataFrame(
        [(name, _with_interval(values, "{:.2%}")) for name, *values in lists], columns=["list", "found"]
    )


def _with_interval(values: list[float], style: str) -> str:
    """A figure and its interval."""
    value, low, high = values
    return "" if pd.isna(value) else f"{style.format(value)} ({style.format(low)} to {style.format(high)})"
