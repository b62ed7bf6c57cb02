"""Exports in the record of the run whose model was exported."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.jobs.folder import read_record
from hmexp.tracking.events import log_results, warned_of
from hmexp.tracking.store import open_store


def log_export(
    cfg: MlflowTracking,
    paths: PathsConfig,
    run_id: str,
    job_dir: Path | None,
    folder: Path,
    metrics: Mapping[str, float],
) -> None:
    """Tell MLflow of an export: `export/<format>/<metric>`, and its table and records as artifacts, not its files.

    A model that comes from no recorded run is left alone; where MLflow does not listen, a line says so.

    Args:
        cfg: The `tracking` section.
        paths: The `paths` section.
        run_id: Of the run that the model comes from; may be empty.
        job_dir: Its folder, where that is here.
        folder: Of the export.
        metrics: Name -> value.
    """
    if job_dir is not None:
        record = read_record(job_dir)
        if not record.recorded:
            return
        run_id, paths = record.run_id, replace(paths, root=record.root)
    if not run_id:
        return
    with warned_of("the export"):
        client = open_store(cfg, paths)
        log_results(client, run_id, metrics)
        for path in (*folder.glob("*.csv"), *folder.glob("[!.]*/*.json")):
            place = path.relative_to(folder).parent.as_posix()
            client.log_artifact(run_id, str(path), "exports" if place == "." else f"exports/{place}")
