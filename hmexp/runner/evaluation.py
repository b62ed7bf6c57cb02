"""The verb `evaluate`: a trained model on a split, of its own catalogue or of another; against a second model."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from hmexp.config.errors import UserError, require
from hmexp.config.invocation import Invocation
from hmexp.config.stored import stored_config
from hmexp.config.strategies import SPLITS
from hmexp.config.verbs import EvaluateConfig
from hmexp.console import log
from hmexp.datamodule import DataModule
from hmexp.jobs.find import find_job
from hmexp.metrics.compare import Comparison, compare
from hmexp.reports.evaluation import comparison_bars
from hmexp.reports.page import PageTable, RunPage, run_report
from hmexp.reports.style import save
from hmexp.runner.backend import start_backend
from hmexp.runner.evaluate import SplitResult, evaluate_rows
from hmexp.runner.judgement import Judgement, judge, slice_columns
from hmexp.runner.tables import class_table, frame_table

if TYPE_CHECKING:
    from hmexp.models.bundle import Card


@dataclass(frozen=True)
class EvaluateResult:
    """What an evaluation gives to whoever called it.

    Attributes:
        folder: With tables, figures and `report.html`.
        metrics: Name -> value.
        comparison: With `against`, the two models side by side.
    """

    folder: Path
    metrics: dict[str, float]
    comparison: Comparison | None


def evaluate(config: EvaluateConfig, invocation: Invocation) -> EvaluateResult:
    """Evaluate a run's model, in its bundle, on a split.

    Raises:
        UserError: No such run or model, classes that the model does not know, a split without pictures.
    """
    require(config.run is not None, "run", "a run id, a unique prefix of one, latest, or a job folder", "none")
    job_dirs = [
        find_job(config.paths, key, getattr(config, key)).path for key in ("run", "against") if getattr(config, key)
    ]
    for key, job_dir in zip(("run", "against"), job_dirs, strict=False):
        if not (job_dir / "model").is_dir():
            raise UserError(f"{key}: expected a run that has a model, received {job_dir.name}, which did not finish")
    data = DataModule(config.data, config.paths, config.backend, trains=False)
    slice_columns(data)
    start_backend(config)
    from hmexp.models.bundle import load_bundle

    models = [load_bundle(job_dir / "model") for job_dir in job_dirs]
    if len({tuple(card.classes) for _, card in models}) > 1:
        raise UserError("against: expected a model of the same classes, received one of others")
    views = [_view(data, card, invocation) for _, card in models]
    rows = split_rows(views[0], config.split)
    results = [_evaluate(*model, view, config.split, rows) for model, view in zip(models, views, strict=True)]
    judgement = judge(results[0], views[0], models[0][1].temperature)
    folder = job_dirs[0] / "evaluations" / f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{config.split}"
    judgement.save(models[0][0], views[0], folder)
    results[0].predictions.to_parquet(folder / "predictions.parquet", index=False)
    comparison = _compare(results, job_dirs, folder) if len(results) == 2 else None
    warnings = [f"no picture of {name}" for name in judgement.result.evaluation.absent]
    warnings += [text for job_dir in job_dirs for text in _leak(config, rows, job_dir)]
    _say(judgement, comparison, job_dirs)
    for warning in warnings:
        log.warning(warning)
    _save_page(judgement, comparison, warnings, invocation, job_dirs, folder)
    log.info(f"report  {folder / 'report.html'}")
    return EvaluateResult(folder, dict(results[0].evaluation.metrics), comparison)


def _view(data: DataModule, card: "Card", invocation: Invocation) -> DataModule:
    """The catalogue with its pictures as a model takes them, prepared.

    Raises:
        UserError: The command asks for another size.
    """
    for key in ("image_size", "resize"):
        asked, taken = getattr(data.cfg, key), getattr(card, key)
        if asked != taken and any(word.startswith(f"data.{key}=") for word in invocation.overrides):
            raise UserError(f"data.{key}: expected {taken}, as the model takes it, received {asked}")
    view = data.resized(card.image_size, card.resize)
    view.prepare()
    view.setup()
    return view


def split_rows(data: DataModule, split: str) -> pd.DataFrame:
    """Rows of a split, each article once; `all` takes every split.

    Raises:
        UserError: The split has no pictures.
    """
    names = SPLITS if split == "all" else (split,)
    parts = [data.rows(name).drop_duplicates("article_id") for name in names]
    rows = pd.concat(parts, ignore_index=True)
    if rows.empty:
        raise UserError(f"split: expected a split with pictures ({', '.join(data.sizes())}), received {split}")
    return rows


def _evaluate(model: Any, card: "Card", data: DataModule, split: str, rows: pd.DataFrame) -> SplitResult:  # noqa: ANN401
    """Evaluate a model whose classes may be more than the catalogue has."""
    unknown = sorted(set(rows["label"]) - set(card.classes))
    if unknown:
        expected = f"classes of the model ({', '.join(card.classes)})"
        raise UserError(f"data: expected {expected}, received {', '.join(unknown)} (data/merge=map renames classes)")
    numbers = {name: number for number, name in enumerate(card.classes)}
    return evaluate_rows(model, data, split, rows.assign(target=rows["label"].map(numbers)), tuple(card.classes))


def _leak(config: EvaluateConfig, rows: pd.DataFrame, job_dir: Path) -> list[str]:
    """A warning where pictures that a run learned from are taken for pictures that it has not seen."""
    if config.split in ("train", "all") or stored_config(job_dir).data.root != config.data.root:
        return []
    manifest = pd.read_parquet(job_dir / "manifest.parquet", columns=["article_id", "split"])
    seen = rows["article_id"].isin(manifest.loc[manifest["split"] == "train", "article_id"]).sum()
    text = f"{job_dir.name} learned from {seen:,} of these {len(rows):,} pictures: its figures are too good"
    return [text] if seen else []


def _compare(results: list[SplitResult], job_dirs: list[Path], folder: Path) -> Comparison:
    a, b = results
    comparison = compare(a.targets, a.evaluation.probabilities, b.evaluation.probabilities)
    comparison.table.to_csv(folder / "comparison.csv", index=False)
    save(comparison_bars(comparison.table, job_dirs[0].name, job_dirs[1].name), folder / "figures" / "comparison.png")
    return comparison


def _say(judgement: Judgement, comparison: Comparison | None, job_dirs: list[Path]) -> None:
    evaluation = judgement.result.evaluation
    log.info(f"{job_dirs[0].name} on {evaluation.split}: {evaluation.num:,} pictures")
    log.info(frame_table(judgement.intervals.metrics, "Figures with 95 % intervals"))
    log.info(class_table(evaluation))
    if comparison is not None:
        log.info(frame_table(comparison.table, f"a = {job_dirs[0].name}, b = {job_dirs[1].name}"))
        log.info(_verdict(comparison, job_dirs))


def _verdict(comparison: Comparison, job_dirs: list[Path]) -> str:
    """Whether the difference is real, on macro F1 and on accuracy."""
    names = job_dirs[0].name, job_dirs[1].name
    return " ".join(comparison.sentence(*names, metric) for metric in ("macro_f1", "accuracy"))


def _save_page(
    judgement: Judgement,
    comparison: Comparison | None,
    warnings: list[str],
    invocation: Invocation,
    job_dirs: list[Path],
    folder: Path,
) -> None:
    evaluation = judgement.result.evaluation
    scores = ", ".join(f"{name.replace('_', ' ')} {evaluation.metrics[name]:.3f}" for name in ("accuracy", "macro_f1"))
    verdict = f"{scores} on {evaluation.num:,} pictures of {evaluation.split}."
    tables = judgement.tables()
    if comparison is not None:
        verdict += f" {_verdict(comparison, job_dirs)}"
        tables.insert(0, PageTable(f"a = {job_dirs[0].name}, b = {job_dirs[1].name}", comparison.table))
    page = RunPage(
        title=f"{job_dirs[0].name} on {evaluation.split}",
        verdict=verdict,
        facts=(("run", str(job_dirs[0])), ("pictures", f"{evaluation.num:,}")),
        tables=tuple(tables),
        warnings=tuple(warnings),
        figures=tuple(sorted((folder / "figures").glob("*.png"))),
        command=invocation.command,
        config=(job_dirs[0] / "config.yaml").read_text(encoding="utf-8"),
    )
    (folder / "report.html").write_text(run_report(page), encoding="utf-8")
