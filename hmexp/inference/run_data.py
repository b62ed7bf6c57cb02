"""The data that a model has learned from."""

from collections.abc import Sequence
from pathlib import Path

from hmexp.config.data import DataConfig
from hmexp.config.record import PathsConfig
from hmexp.jobs.find import all_jobs
from hmexp.runner.resume import run_config
from hmexp.tracking.bundles import FoundBundle


def find_job_dir(found: FoundBundle, paths: PathsConfig) -> Path | None:
    """The folder of the run that a bundle comes from, where it is here."""
    if (found.folder.parent / "manifest.parquet").is_file():
        return found.folder.parent
    if not found.run_id:
        return None
    return next((job.path for job in all_jobs(paths) if job.record.run_id == found.run_id), None)


def data_of_run(job_dir: Path, paths: PathsConfig, plugins: Sequence[str]) -> DataConfig:
    """The `data` section of a run.

    Raises:
        UserError: A damaged configuration, or plugins of its that the command does not name.
    """
    return run_config(job_dir, paths, plugins).data
