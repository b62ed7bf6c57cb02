"""Evaluations in the record of the run whose model was evaluated."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hmexp.config.record import MlflowTracking, PathsConfig, TrackingConfig
from hmexp.jobs.folder import read_record
from hmexp.metrics.names import slug
from hmexp.tracking.events import find_run_of, log_results, warned_of
from hmexp.tracking.store import open_store


def log_evaluation(
    cfg: TrackingConfig, paths: PathsConfig, folder: Path, catalogue: str, split: str, metrics: Mapping[str, float]
) -> None:
    """Tell MLflow of an evaluation: `evaluate/<catalogue>/<split>/<metric>`, and its files as artifacts.

    A run that MLflow does not have is left alone; where it does not listen, a line says so.

    Args:
        cfg: The `tracking` section.
        paths: The `paths` section.
        folder: Of the evaluation, in the run's folder under `evaluations/`.
        catalogue: Name of the catalogue.
        split: Of the catalogue.
        metrics: Name -> value.
    """
    job_dir = folder.parent.parent
    record = read_record(job_dir)
    if not isinstance(cfg, MlflowTracking) or not record.recorded:
        return
    with warned_of("the evaluation"):
        client = open_store(cfg, replace(paths, root=record.root))
        experiment = client.get_experiment_by_name(cfg.experiment)
        run = experiment and find_run_of(client, experiment.experiment_id, record.run_id, str(job_dir))
        if not run:
            return
        named = {f"evaluate/{slug(catalogue)}/{split}/{name}": value for name, value in metrics.items()}
        log_results(client, run.info.run_id, named)
        client.log_artifacts(run.info.run_id, str(folder), f"evaluations/{folder.name}")
