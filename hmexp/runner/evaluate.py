"""The verb `evaluate`: a trained model on a split, of its own catalogue or of another; against a second model."""

import errno
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from hmexp.config.errors import UserError, require
from hmexp.config.invocation import Invocation
from hmexp.config.record import MlflowTracking
from hmexp.config.secrets import masked
from hmexp.config.stored import stored_config
from hmexp.config.strategies import SPLITS
from hmexp.config.verbs import EvaluateConfig
from hmexp.console import log, progress
from hmexp.datamodule import DataModule
from hmexp.evaluation.evaluation_page import save_evaluation_page
from hmexp.evaluation.predict import SplitResult, evaluate_rows
from hmexp.evaluation.report import EvaluationReport, make_report, slice_columns
from hmexp.evaluation.saved import AGAINST, EVALUATION
from hmexp.evaluation.tables import class_table, frame_table
from hmexp.evaluation.write import write_report
from hmexp.jobs.folder import read_record
from hmexp.metrics.compare import Comparison, compare
from hmexp.models.bundle import Card, load_bundle, read_card
from hmexp.reports.evaluation import comparison_bars
from hmexp.reports.style import save
from hmexp.reports.svg import clipped
from hmexp.runner.backend import start_backend
from hmexp.tracking.bundles import find_model_run
from hmexp.tracking.evaluations import log_evaluation

MAX_NAMES, LONGEST_NAME = 10, 48


@dataclass(frozen=True)
class EvaluateResult:
    """What an evaluation gives to whoever called it.

    Attributes:
        folder: With tables, figures and `report.html`; None where the run may only be read.
        metrics: Name -> value.
        comparison: With `against`, the two models side by side.
    """

    folder: Path | None
    metrics: dict[str, float]
    comparison: Comparison | None


def evaluate(config: EvaluateConfig, invocation: Invocation) -> EvaluateResult:
    """Evaluate a run's model, in its bundle, on a split; all that can be wrong is found before pictures are staged.

    Raises:
        UserError: No such run or model, classes that the model does not know, a split without pictures.
    """
    require(config.run is not None, "run", "a run id, a unique prefix of one, latest, or a job folder", "none")
    named = {key: run for key in ("run", "against") if (run := getattr(config, key))}
    tracking = config.tracking if isinstance(config.tracking, MlflowTracking) else MlflowTracking()
    found = [find_model_run(run, tracking, config.paths, key) for key, run in named.items()]
    job_dirs, bundles = [job_dir for job_dir, _ in found], [bundle for _, bundle in found]
    cards = _cards(bundles)
    data = DataModule(config.data, config.paths, config.backend, trains=False)
    slice_columns(data)
    for card in cards:
        _check_size(data, card, invocation)
    _numbered(split_rows(data, config.split), cards[0])
    log.info(f"{data.catalogue.name}: {len(data.manifest):,} rows")
    start_backend(config)
    models = [load_bundle(bundle)[0] for bundle in bundles]
    views = [view_for(data, card) for card in cards]
    rows = _numbered(split_rows(views[0], config.split), cards[0])
    classes = tuple(cards[0].classes)
    results = [
        evaluate_rows(model, view, config.split, rows, classes) for model, view in zip(models, views, strict=True)
    ]
    report = make_report(results[0], views[0], cards[0].temperature)
    comparison = _compare(*results) if len(results) == 2 else None
    warnings = [f"no picture of {name}" for name in _some(report.result.evaluation.absent)]
    warnings += [text for job_dir in job_dirs for text in _leak(config, rows, job_dir)]
    _say(report, comparison, job_dirs)
    for warning in warnings:
        log.warning(warning)
    metrics = dict(results[0].evaluation.metrics)
    folder = _make_folder(job_dirs[0], config.split)
    if folder is None:
        return EvaluateResult(None, metrics, comparison)
    write_report(report, models[0], views[0], folder)
    results[0].predictions.to_parquet(folder / "predictions.parquet", index=False)
    if comparison is not None:
        _save_comparison(comparison, results[1].predictions, job_dirs, folder)
    _save_facts(comparison, warnings, invocation, job_dirs, folder)
    with progress("drawing the page"):
        save_evaluation_page(folder, data.catalogue.source)
    log_evaluation(config.tracking, config.paths, folder, data.catalogue.name, config.split, metrics)
    log.info(f"report  {folder / 'report.html'}")
    return EvaluateResult(folder, metrics, comparison)


def _make_folder(job_dir: Path, split: str) -> Path | None:
    """A folder for the evaluation in the run's; None, with a line, where the run may only be read."""
    folder = job_dir / "evaluations" / f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{split}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        log.warning(f"{job_dir} may only be read ({error.strerror}): no report is written")
        return None
    return folder


def _cards(bundles: Sequence[Path]) -> list[Card]:
    """The cards of the runs' bundles, whose models have the same classes.

    Raises:
        UserError: A run without a model, a damaged bundle, or other classes.
    """
    for key, bundle in zip(("run", "against"), bundles, strict=False):
        if not bundle.is_dir():
            name = bundle.parent.name
            raise UserError(f"{key}: expected a run that has a model, received {name}, which did not finish")
    cards = [read_card(bundle) for bundle in bundles]
    if len({tuple(card.classes) for card in cards}) > 1:
        raise UserError("against: expected a model of the same classes, received one of others")
    return cards


def _check_size(data: DataModule, card: Card, invocation: Invocation) -> None:
    """Raise `UserError` where the command asks for another size than the model takes."""
    for key in ("image_size", "resize"):
        asked, taken = getattr(data.cfg, key), getattr(card, key)
        if asked != taken and any(word.startswith(f"data.{key}=") for word in invocation.overrides):
            raise UserError(f"data.{key}: expected {taken}, as the model takes it, received {asked}")


def view_for(data: DataModule, card: Card) -> DataModule:
    """The catalogue with its pictures as a model takes them, prepared."""
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


def _numbered(rows: pd.DataFrame, card: Card) -> pd.DataFrame:
    """The rows with the model's numbers of their classes, of which it may know more than the catalogue has.

    Raises:
        UserError: A class that the model does not know.
    """
    unknown = sorted(set(rows["label"]) - set(card.classes))
    if unknown:
        expected = f"classes of the model ({', '.join(_some(card.classes))})"
        received = ", ".join(_some(unknown))
        raise UserError(f"data: expected {expected}, received {received} (data/merge=map renames classes)")
    return rows.assign(target=rows["label"].map({name: number for number, name in enumerate(card.classes)}))


def _some(names: Sequence[str]) -> list[str]:
    """The names, or the first ten and how many are left out."""
    rest = len(names) - MAX_NAMES
    return [*names[:MAX_NAMES], f"{rest:,} more"] if rest > 0 else list(names)


def _leak(config: EvaluateConfig, rows: pd.DataFrame, job_dir: Path) -> list[str]:
    """A warning where pictures that a run learned from are taken for pictures that it has not seen."""
    if config.split in ("train", "all") or stored_config(job_dir).data.root != config.data.root:
        return []
    manifest = pd.read_parquet(job_dir / "manifest.parquet", columns=["article_id", "split"])
    seen = rows["article_id"].isin(manifest.loc[manifest["split"] == "train", "article_id"]).sum()
    text = f"{job_dir.name} learned from {seen:,} of these {len(rows):,} pictures: its figures are too good"
    return [text] if seen else []


def _compare(a: SplitResult, b: SplitResult) -> Comparison:
    return compare(a.targets, a.evaluation.probabilities, b.evaluation.probabilities)


def _save_comparison(comparison: Comparison, against: pd.DataFrame, job_dirs: list[Path], folder: Path) -> None:
    comparison.table.to_csv(folder / "comparison.csv", index=False)
    against.to_parquet(folder / AGAINST, index=False)
    save(comparison_bars(comparison.table, job_dirs[0].name, job_dirs[1].name), folder / "figures" / "comparison.png")


def _say(report: EvaluationReport, comparison: Comparison | None, job_dirs: list[Path]) -> None:
    evaluation = report.result.evaluation
    log.info(f"{job_dirs[0].name} on {evaluation.split}: {evaluation.num:,} pictures")
    log.info(frame_table(report.intervals.metrics, "Figures with 95 % intervals"))
    log.info(class_table(evaluation))
    if comparison is not None:
        log.info(frame_table(comparison.table, f"a = {job_dirs[0].name}, b = {job_dirs[1].name}"))
        log.info(_verdict(comparison, [job_dir.name for job_dir in job_dirs]))


def _verdict(comparison: Comparison, names: Sequence[str]) -> str:
    """Whether the difference is real, on macro F1 and on accuracy."""
    return " ".join(comparison.sentence(names[0], names[1], metric) for metric in ("macro_f1", "accuracy"))


def _names(job_dirs: Sequence[Path]) -> list[str]:
    """What the runs are called; their folders' names where two are called the same."""
    names = [clipped(read_record(job_dir).name or job_dir.name, LONGEST_NAME) for job_dir in job_dirs]
    return names if len(set(names)) == len(names) else [job_dir.name for job_dir in job_dirs]


def _save_facts(
    comparison: Comparison | None, warnings: list[str], invocation: Invocation, job_dirs: list[Path], folder: Path
) -> None:
    """Write down what the page says beside its tables."""
    names = _names(job_dirs)
    facts = {
        "command": masked(invocation.command),
        "runs": names,
        "warnings": warnings,
        "verdict": "" if comparison is None else _verdict(comparison, names),
    }
    (folder / EVALUATION).write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
