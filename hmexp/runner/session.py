"""One run from its data to its record: the steps of `train` once its folder is there."""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hmexp.config.invocation import Invocation
from hmexp.config.pretrained import PretrainedConfig
from hmexp.config.verbs import RunConfig
from hmexp.console import log, progress, say_facts
from hmexp.datamodule import DataModule
from hmexp.evaluation.figures import save_figures
from hmexp.evaluation.page import save_page
from hmexp.evaluation.predict import SplitResult, evaluate_splits
from hmexp.evaluation.report import make_report
from hmexp.evaluation.tables import class_table, counts_table, metrics_table, say_quarantined, steps_table
from hmexp.evaluation.write import write_report, write_tables
from hmexp.jobs.folder import JobFolder, JobRecord
from hmexp.jobs.trial import read_trial
from hmexp.metrics.calibration import helpful_temperature
from hmexp.metrics.names import BYTES, PARAMETERS, recorded, slugs
from hmexp.metrics.overfitting import overfit_sentence
from hmexp.models.bundle import MODEL_FILE, Card, save_bundle
from hmexp.models.memory import Size
from hmexp.reports.figures import curves
from hmexp.reports.style import save
from hmexp.runner.assemble import Assembly
from hmexp.runner.debug import lr_find, overfit_verdict, profile_steps
from hmexp.runner.environment import describe_environment, versions
from hmexp.runner.length import epochs_that_fit
from hmexp.runner.modes import of_length
from hmexp.runner.resume import Origin, say_what_differs
from hmexp.runner.train import RunResult
from hmexp.runner.words import goes_to, in_words
from hmexp.training.checkpoint import read_state
from hmexp.training.interruption import Interruption
from hmexp.training.recorder import Recorder
from hmexp.training.trainer import FitResult


@dataclass
class Session:
    """The parts of one run.

    Attributes:
        config: The whole configuration.
        invocation: How it was called.
        data: Prepared.
        folder: Of the run; locked.
        origin: The run that this one comes from, if any.
        recorder: Hears everything.
        assembly: Makes the parts of the training.
        interruption: Ends the training between two steps.
    """

    config: RunConfig
    invocation: Invocation
    data: DataModule
    folder: JobFolder
    origin: Origin
    recorder: Recorder
    assembly: Assembly
    interruption: Interruption

    @property
    def job_dir(self) -> Path:
        """The run's folder."""
        return self.folder.path

    @property
    def job(self) -> JobRecord:
        """What the folder says of the run."""
        return self.folder.record

    def run(self, size: Size | None = None) -> RunResult:
        """Train, or do what a debug mode asks for.

        Args:
            size: Of the network, where it is known before that is built.
        """
        say_what_differs(self.origin, self.config)
        self._save_data()
        self.job.precision = self.assembly.precision(self.job.precision)
        self._decide_length()
        self.folder.save()
        self._say_before(size)
        debug = {"lr_find": lr_find, "profile": profile_steps}.get(self.config.trainer.mode)
        if debug is None:
            return self._train()
        metrics = debug(self.assembly, self.job_dir)
        self.recorder.result(metrics)
        self._say([("folder", str(self.job_dir)), *self.recorder.summary()])
        self.recorder.artifacts(self.job_dir)
        return RunResult(self.job_dir, metrics, math.nan)

    def _decide_length(self) -> None:
        """Fix for how many epochs a run with `trainer.minutes` trains; one that goes on keeps what was decided."""
        if self.config.trainer.minutes is None or self.config.trainer.mode != "fit":
            return
        if not self.job.epochs:
            checkpoint = self.origin.checkpoint(self.job_dir)
            done = read_state(checkpoint).epoch if checkpoint else 0
            trials = self.job_dir / "checkpoints" / "trials"
            self.job.epochs = epochs_that_fit(self.assembly, trials, self.interruption, done)
            self.assembly.begin_anew(self.job.precision)
        self.config = of_length(self.config, self.job.epochs)
        self.assembly = replace(self.assembly, config=self.config)

    def _train(self) -> RunResult:
        """Fit, evaluate, record."""
        assembly, device = self.assembly, self.assembly.device
        learner = assembly.learner()
        member = read_trial(self.job_dir)
        pruner = member.pruner(self.job_dir) if member else None
        model, trainer = (
            assembly.whole(learner),
            assembly.trainer(self.job_dir, self.recorder, self.interruption, pruner),
        )
        if self.config.trainer.cache_features:
            self.job.features = assembly.frozen.key
            self.folder.save()
        with device.scope():
            fitted = trainer.fit(learner, assembly.placed_loaders(), self.origin.checkpoint(self.job_dir))
        if fitted.pruned:
            return self._prune(fitted)
        if self.config.deterministic:
            log.debug("deterministic: the same bits from the same seed, for up to 4 % of an epoch on a CPU (measured)")
        log.debug(f"XLA: {learner.compilation(self.config.trainer.jit_compile, self.config.deterministic)}")
        results = evaluate_splits(learner.network, assembly.fed, self.config.trainer)
        metrics = {f"best/{self.config.trainer.monitor}": fitted.best_value} | final_metrics(fitted, results)
        temperature = helpful_temperature(results["val"].logits, results["val"].targets)
        if temperature == 1.0:
            log.debug("temperature: 1, as none that is fitted on a part of val helps on the rest")
        save_bundle(model, self._card(metrics, temperature), self.job_dir / "model")
        size = (self.job_dir / "model" / MODEL_FILE).stat().st_size
        metrics |= {PARAMETERS: float(model.count_params()), BYTES: float(size)}
        self._save_results(results, metrics)
        report = make_report(results.get("test", results["val"]), self.data, temperature)
        write_report(report, model, self.data, self.job_dir)
        if "test" in results:
            write_tables(make_report(results["val"], self.data, temperature), self.job_dir)
        save_figures(self.job_dir, self.data, model, fitted)
        with progress("drawing the page"):
            save_page(self.job_dir, self.data.catalogue.source)
        self.recorder.result(recorded(metrics))
        self.recorder.model(self.job_dir / "model")
        self._close(fitted, results)
        self.recorder.artifacts(self.job_dir)
        return RunResult(self.job_dir, metrics, metrics[f"best/{self.config.trainer.monitor}"])

    def _prune(self, fitted: FitResult) -> RunResult:
        """Record what a pruned training has reached, and leave the rest."""
        best = fitted.history[fitted.history["epoch"] == fitted.best_epoch]
        names = [str(name) for name in best if str(name).startswith("val/")]
        metrics = {"best/epoch": float(fitted.best_epoch)} | {f"best/{name}": best[name].item() for name in names}
        self.job.pruned = fitted.pruned
        _write_json(self.job_dir / "metrics.json", metrics)
        save(curves(fitted.history, fitted.best_epoch), self.job_dir / "figures" / "curves.png")
        self.recorder.result(metrics)
        self.recorder.artifacts(self.job_dir)
        log.info(f"pruned: {fitted.pruned}")
        return RunResult(self.job_dir, metrics, metrics[f"best/{self.config.trainer.monitor}"])

    def _save_data(self) -> None:
        """Save what became of the catalogue."""
        manifest, report = self.data.manifest, self.data.report
        manifest.table().to_parquet(self.job_dir / "manifest.parquet", index=False)
        self.data.quarantine.to_csv(self.job_dir / "quarantine.csv", index=False)
        _write_json(self.job_dir / "strategy.json", report.to_dict())
        (self.job_dir / "environment.txt").write_text(
            describe_environment(self.assembly.device.words), encoding="utf-8"
        )
        self.recorder.dataset(self.data.catalogue.name, self.data.digest, self.data.sizes())
        self.job.data_digest, self.job.store = self.data.digest, self.data.store.path.name
        self.folder.save()

    def _say_before(self, size: Size | None) -> None:
        """Say what will happen, and what became of the catalogue."""
        checkpoint = self.origin.checkpoint(self.job_dir)
        done = read_state(checkpoint).epoch if checkpoint else 0
        facts = in_words(self.assembly, size, self.job.precision, dict(self.invocation.choices), done)
        say_facts([*facts, *goes_to(self.config, self.job_dir)], whole=False)
        log.info(steps_table(self.data.report))
        log.info(counts_table(self.data.report))
        for warning in self.data.report.warnings:
            log.warning(warning)
        say_quarantined(self.data.quarantine)

    def _card(self, metrics: dict[str, float], temperature: float) -> Card:
        return Card(
            classes=list(self.data.class_names),
            image_size=self.config.data.image_size,
            resize=self.config.data.resize,
            temperature=temperature,
            metrics=metrics,
            data_digest=self.data.digest,
            versions=versions(),
            pretrained=self._pretrained(),
        )

    def _pretrained(self) -> str:
        """Name and hash of the network in a file that the model started from."""
        model = self.config.model
        if not isinstance(model, PretrainedConfig) or model.sha256 is None:
            return ""
        return f"{Path(model.source).name} SHA-256 {model.sha256}"

    def _save_results(self, results: dict[str, SplitResult], metrics: dict[str, float]) -> None:
        import pandas as pd

        predictions = pd.concat([result.predictions for result in results.values()], ignore_index=True)
        predictions.to_parquet(self.job_dir / "predictions.parquet", index=False)
        _write_json(self.job_dir / "metrics.json", metrics)
        results["train"].evaluation.per_class.to_csv(self.job_dir / "per_class_train.csv", index=False)

    def facts(self, fitted: FitResult) -> list[tuple[str, str]]:
        """What a reader wants to know first: name and value."""
        cfg = self.config.trainer
        early = ", ended early" if fitted.stopped_early else ""
        return [
            ("best epoch", f"{fitted.best_epoch} of {len(fitted.history)} by {cfg.monitor}{early}"),
            (cfg.monitor, f"{fitted.best_value:.4f}"),
            ("training", f"{fitted.seconds:.1f} s, {np.median(fitted.history['images_per_second']):,.0f} images/s"),
            ("folder", str(self.job_dir)),
            *self.recorder.summary(),
        ]

    def _close(self, fitted: FitResult, results: dict[str, SplitResult]) -> None:
        """The closing summary."""
        evaluations = {split: result.evaluation for split, result in results.items()}
        log.info(metrics_table(evaluations))
        log.info(class_table(evaluations.get("test", evaluations["val"])))
        log.info(overfit_sentence(evaluations["train"], evaluations["val"]))
        if self.config.trainer.mode == "overfit":
            log.info(overfit_verdict(fitted.history))
        self._say(self.facts(fitted))

    def _say(self, facts: list[tuple[str, str]]) -> None:
        """The last lines: what, where, and how to have it again."""
        say_facts([*facts, ("repeat", self.invocation.command)])


def final_metrics(fitted: FitResult, results: dict[str, SplitResult]) -> dict[str, float]:
    """`best/epoch`, `best/train/...`, `best/val/...`, `test/...` and `test/f1/<slug>`."""
    metrics: dict[str, float] = {"best/epoch": float(fitted.best_epoch)}
    for split, result in results.items():
        prefix = "test" if split == "test" else f"best/{split}"
        metrics |= {f"{prefix}/{name}": value for name, value in result.evaluation.metrics.items()}
    if "test" in results:
        evaluation = results["test"].evaluation
        names = slugs(evaluation.classes)
        present = evaluation.per_class[evaluation.per_class["support"] > 0]
        metrics |= {f"test/f1/{names[label]}": float(f1) for label, f1 in present[["label", "f1"]].to_numpy()}
    return metrics


def _write_json(path: Path, content: Any) -> None:  # noqa: ANN401
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, default=_plain) + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:  # noqa: ANN401
    """A numpy number as Python's."""
    return value.item()
