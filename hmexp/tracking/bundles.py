"""The model that a verb works with: an alias or a version of the registry, a run, or the folder of a bundle."""

from dataclasses import dataclass
from pathlib import Path

from hmexp.config.errors import UserError
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.jobs.find import FoundJob, all_jobs, as_folder, find_job
from hmexp.models.bundle import CARD_FILE
from hmexp.tracking.ledger import Ledger
from hmexp.tracking.registry import CHAMPION, PREVIOUS, registry_for_reading
from hmexp.tracking.store import open_store

LONGEST_VERSION = 5
"""Digits of a version at most: six or more begin a run's id."""


@dataclass(frozen=True)
class FoundBundle:
    """A model bundle and what it is known as.

    Attributes:
        folder: With `model.keras` and `card.json`, not checked yet.
        name: In words: `hmexp-sample version 3`, the name of a run's folder, or the bundle's folder.
        version: Of the registry; empty where it is none of its.
        run_id: Of the run that it comes from; empty for a folder.
    """

    folder: Path
    name: str
    version: str = ""
    run_id: str = ""


def find_bundle(name: str, cfg: MlflowTracking, paths: PathsConfig, key: str = "run") -> FoundBundle:
    """The bundle that a name means; one of the registry is fetched where its store is on another machine.

    Args:
        name: `champion`, `previous`, a version of up to five digits, RUN, or the folder of a bundle.
        cfg: The `tracking` section.
        paths: Where runs are.
        key: The config key that the name was given as, for the error.

    Raises:
        UserError: No such model; `load_bundle` says what is wrong with its files.
    """
    folder = Path(name).expanduser()
    if _is_bundle(folder):
        return FoundBundle(folder.absolute(), str(folder))
    if is_registered_name(name):
        registry = registry_for_reading(open_store(cfg, paths), cfg)
        Ledger(cfg, paths, registry).settle_if_free()
        version = registry.version(name, key)
        words = f"{registry.name} version {version}"
        return FoundBundle(registry.bundle(version), words, version, registry.run_of(version))
    job = find_job(paths, key, name, _has_model, "with a model ")
    if not _has_model(job):
        raise UserError(f"{key}: expected a run that has a model, received {job.path.name}, which did not finish")
    return FoundBundle(job.path / "model", job.path.name, run_id=job.record.run_id)


def find_model_run(name: str, cfg: MlflowTracking, paths: PathsConfig, key: str) -> tuple[Path, Path]:
    """The folder of the run that a model comes from, which is on this machine, and that of its bundle.

    Args:
        name: RUN, or `champion`, `previous` or a version of the registry.
        cfg: The `tracking` section.
        paths: Where runs are.
        key: The config key that the name was given as, for the error.

    Raises:
        UserError: No such run or model, or a run of another machine.
    """
    if not is_registered_name(name):
        job_dir = find_job(paths, key, name).path
        return job_dir, job_dir / "model"
    bundle = find_bundle(name, cfg, paths, key)
    return find_job(paths, key, bundle.run_id).path, bundle.folder


def file_of_run(bundle: FoundBundle, name: str, cfg: MlflowTracking, paths: PathsConfig) -> Path | None:
    """A file that the model's run has left, beside the bundle or in MLflow; None where it is nowhere."""
    beside = bundle.folder.parent / name
    if beside.is_file() or not bundle.run_id:
        return beside if beside.is_file() else None
    from mlflow.exceptions import MlflowException

    try:
        return Path(open_store(cfg, paths).download_artifacts(bundle.run_id, name))
    except (MlflowException, OSError):
        return None


def job_dir_of(bundle: FoundBundle, paths: PathsConfig) -> Path | None:
    """The folder of the run that a bundle comes from; None where it is not on this machine."""
    if (bundle.folder.parent / "manifest.parquet").is_file():
        return bundle.folder.parent
    if not bundle.run_id:
        return None
    return next((job.path for job in all_jobs(paths) if job.record.run_id == bundle.run_id), None)


def _is_bundle(folder: Path) -> bool:
    try:
        return (folder / CARD_FILE).is_file()
    except (OSError, ValueError):  # too long, a NUL in it
        return False


def is_registered_name(name: str) -> bool:
    """Whether a name means a model of the registry: `champion`, `previous`, or the number of a version."""
    return name in (CHAMPION, PREVIOUS) or _is_version(name)


def _is_version(name: str) -> bool:
    return name.isdecimal() and len(name) <= LONGEST_VERSION and as_folder(name) is None


def _has_model(job: FoundJob) -> bool:
    return (job.path / "model").is_dir()
