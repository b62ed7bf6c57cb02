"""What MLflow says of a run that may go: whether its model is registered, and where its artifacts lie."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlparse
from urllib.request import url2pathname

from omegaconf import OmegaConf

from hmexp.config.errors import UserError
from hmexp.config.record import MlflowTracking, PathsConfig, TrackingConfig
from hmexp.config.secrets import masked
from hmexp.config.stored import stored_config
from hmexp.jobs.find import FoundJob
from hmexp.tracking.events import find_run_of
from hmexp.tracking.ledger import EXPERIMENT, REFUSED, promotion_lock
from hmexp.tracking.registry import CHAMPION, PREVIOUS
from hmexp.tracking.runs import all_runs
from hmexp.tracking.store import DATABASE, is_local, one_line, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run
    from mlflow.entities.model_registry import ModelVersion

PATIENCE = 60.0
"""Seconds to wait for another command that has the registry."""
UNREADABLE = "its configuration cannot be read"
MODEL = re.compile(r"m-[0-9a-f]{32}")
ID = re.compile(r"[0-9a-f]{32}|m-[0-9a-f]{32}")


class Record(Protocol):
    """Where runs are recorded."""

    def stays(self, job: FoundJob) -> str:
        """Why a run has to stay; nothing where the record does not need it."""

    def places(self, job: FoundJob) -> list[Path]:
        """Where its artifacts lie below `mlruns`."""

    def forget(self, job: FoundJob) -> None:
        """Mark the run as deleted."""

    def restore(self, job: FoundJob) -> None:
        """Take that back."""

    def forget_models(self, job: FoundJob) -> None:
        """Mark the run's models as deleted."""

    def locked(self) -> AbstractContextManager[None]:
        """Let nobody register a model inside the block."""


class NoRecord:
    """No MLflow is asked, or there is none: only runs of `tracking=none` may go."""

    def stays(self, job: FoundJob) -> str:
        """A recorded run stays, as its model may be registered."""
        try:
            recorded = tracking_of(job)
        except UserError:
            return UNREADABLE
        return "" if recorded is None else f"recorded in {recorded.uri or DATABASE}, which is not asked or not here"

    def places(self, job: FoundJob) -> list[Path]:
        """None."""
        return []

    def forget(self, job: FoundJob) -> None:
        """Nothing."""

    def restore(self, job: FoundJob) -> None:
        """Nothing."""

    def forget_models(self, job: FoundJob) -> None:
        """Nothing."""

    def locked(self) -> AbstractContextManager[None]:
        """Nobody can."""
        return nullcontext()


@dataclass(frozen=True)
class MlflowRecord:
    """MLflow.

    Attributes:
        client: MLflow's client.
        cfg: The `tracking` section.
        paths: Where a local store is.
        registered: Id of a run -> what it is, such as `shop version 3, champion`.
        sources: Folder of a version -> the same.
    """

    client: "MlflowClient"
    cfg: MlflowTracking
    paths: PathsConfig
    registered: dict[str, str] = field(default_factory=dict)
    sources: dict[Path, str] = field(default_factory=dict)

    def stays(self, job: FoundJob) -> str:
        """Why a run stays: its model is registered or was a champion, or it is recorded elsewhere."""
        try:
            recorded = tracking_of(job)
        except UserError:
            return UNREADABLE
        if recorded is None:
            return self._registered(job, None)
        if recorded.uri != (None if self.cfg.uri is None else masked(self.cfg.uri)):
            return f"recorded in {recorded.uri or DATABASE}; tracking.uri= says where"
        with one_line():
            run = self._run(job)
            return self._registered(job, run) or ("" if run is None else self._newly_registered(run))

    def places(self, job: FoundJob) -> list[Path]:
        """The folders of the run and its models among the local artifacts."""
        with one_line():
            run = self._run(job)
            if run is None:
                return []
            artifacts = self.paths.mlruns / "artifacts"
            models = [artifacts / "models" / model.model_id for model in self._models(run)]
            return [place for place in (*models, artifacts / run.info.run_id) if ID.fullmatch(place.name)]

    def forget(self, job: FoundJob) -> None:
        """Mark the run as deleted, after which it cannot be promoted."""
        with one_line():
            run = self._run(job)
            if run is not None and run.info.lifecycle_stage == "active":
                self.client.delete_run(run.info.run_id)

    def restore(self, job: FoundJob) -> None:
        """Take that back: the run stays, as it cannot be moved."""
        with one_line():
            run = self._run(job)
            if run is not None:
                self.client.restore_run(run.info.run_id)

    def forget_models(self, job: FoundJob) -> None:
        """Mark its models as deleted, after which MLflow does not list them."""
        with one_line():
            run = self._run(job)
            for model in [] if run is None else self._models(run):
                self.client.delete_logged_model(model.model_id)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of promotions; a server has none.

        Raises:
            UserError: Another command holds it.
        """
        try:
            with promotion_lock(self.cfg, self.paths, PATIENCE):
                yield
        except UserError as error:
            if not str(error).startswith("promote: "):
                raise
            expected = "yes: expected no promotion, and no other clean, at work"
            raise UserError(f"{expected}, received one: try again after it") from None

    def _run(self, job: FoundJob) -> "Run | None":
        recorded = tracking_of(job)
        experiment = self.client.get_experiment_by_name(recorded.experiment) if recorded else None
        if experiment is None:
            return None
        return find_run_of(self.client, experiment.experiment_id, job.record.run_id, str(job.path))

    def _models(self, run: "Run") -> list["LoggedModel"]:
        query = f"source_run_id = '{run.info.run_id}'"
        return list(self.client.search_logged_models([run.info.experiment_id], filter_string=query))

    def _registered(self, job: FoundJob, run: "Run | None") -> str:
        ids = {job.record.run_id} if run is None else {job.record.run_id, run.info.run_id}
        places = [job.path, *(self.paths.mlruns / "artifacts" / run_id for run_id in ids)]
        inside = [words for source, words in self.sources.items() if any(map(source.is_relative_to, places))]
        return next(iter([*(self.registered[run_id] for run_id in ids & self.registered.keys()), *inside]), "")

    def _newly_registered(self, run: "Run") -> str:
        """What has become of the run since the command began."""
        versions = self.client.search_model_versions(f"run_id = '{run.info.run_id}'")
        return _words(versions[0], {}) if versions else ""


def open_record(cfg: TrackingConfig, paths: PathsConfig) -> Record:
    """The record with all that is registered in it, whatever it is called.

    Raises:
        UserError: It does not answer, or is damaged: nobody knows what is the champion.
    """
    if not isinstance(cfg, MlflowTracking) or (is_local(cfg) and not (paths.mlruns / DATABASE).is_file()):
        return NoRecord()
    client = open_store(cfg, paths)
    record = MlflowRecord(client, cfg, paths)
    with one_line():
        aliases = {model.name: model.aliases for model in _pages(client.search_registered_models)}
        for version in _pages(client.search_model_versions):
            words = _words(version, aliases.get(version.name, {}))
            record.registered.update(dict.fromkeys(_runs_of(client, version), words))
            place = _local(str(version.source or ""))
            if place is not None:
                record.sources[place] = words
        record.registered.update(_decided(client, cfg, record.registered))
    return record


def tracking_of(job: FoundJob) -> MlflowTracking | None:
    """Where a run is recorded; None for `tracking=none`.

    Raises:
        UserError: Its configuration cannot be read.
    """
    section = OmegaConf.select(stored_config(job.path), "tracking")
    if not section:
        return None
    try:
        return MlflowTracking(uri=section.get("uri"), experiment=str(section["experiment"]))
    except (AttributeError, KeyError, TypeError):
        place = job.path / "config.yaml"
        raise UserError(f"{place}: expected the configuration of a run, received one without tracking") from None


def _pages(search: Callable[..., Any]) -> Iterator[Any]:
    """All results of one of MLflow's searches."""
    token = None
    while True:
        page = search(max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _words(version: "ModelVersion", aliases: dict[str, str]) -> str:
    names = [name for name in (CHAMPION, PREVIOUS) if str(aliases.get(name, "")) == str(version.version)]
    return ", ".join([f"registered as {version.name} version {version.version}", *names])


def _runs_of(client: "MlflowClient", version: "ModelVersion") -> set[str]:
    """Ids of the runs that a version comes from: its own, and that of its model."""
    from mlflow.exceptions import MlflowException

    ids = {str(version.run_id)} if version.run_id else set()
    for model_id in MODEL.findall(str(version.source or "")):  # the SQLite store keeps no other word of it
        try:
            ids.add(str(client.get_logged_model(model_id).source_run_id))
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
    return ids


def _decided(client: "MlflowClient", cfg: MlflowTracking, known: dict[str, str]) -> dict[str, str]:
    """Runs that the ledger names as a champion, once or to be, whose version is not registered any more."""
    if client.get_experiment_by_name(EXPERIMENT) is None:
        return {}
    entries = [run.data.tags for run in all_runs(client, replace(cfg, experiment=EXPERIMENT))]
    ids = [tags.get("hmexp.run_id", "") for tags in entries if tags.get("hmexp.decision") != REFUSED]
    return {run_id: "a champion of the ledger" for run_id in ids if run_id and run_id not in known}


def _local(source: str) -> Path | None:
    """The folder that a version's source is, if it is one of this machine."""
    parsed = urlparse(source)
    if parsed.scheme not in ("", "file"):
        return None
    return Path(url2pathname(parsed.path) if parsed.scheme else source)
