"""The Recorder that writes a run to MLflow, and cannot hurt the run: the job folder has all of it."""

import json
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from omegaconf import OmegaConf

from hmexp.compat.mlflow import system_metrics_monitor
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.config.secrets import masked
from hmexp.console import log, progress
from hmexp.jobs.folder import JobFolder
from hmexp.metrics.names import recorded
from hmexp.process import full_disk
from hmexp.tracking.events import (
    DESCRIPTION_FILE,
    backfill,
    find_run_of,
    log_artifacts,
    log_metrics,
    log_params,
    log_results,
    short_tags,
)
from hmexp.tracking.model import log_bundle
from hmexp.tracking.runs import CATALOGUE_TAG, DIGEST_TAG, PRUNED_TAG, SECONDS_TAG
from hmexp.tracking.store import create_store, is_local, store_lock, tracking_uri
from hmexp.training.interruption import shielded

if TYPE_CHECKING:
    from mlflow import MlflowClient

TRACEBACK_FILE = "traceback.txt"
PARAM_LENGTH = 6000
PAUSE = 60.0
"""Seconds from a try that failed to the next: an address that does not answer may take as long to say nothing."""


@dataclass
class RunDescription:
    """What MLflow is told of a run beyond the files of its folder; kept there as `mlflow.json`.

    Attributes:
        name: Name in MLflow.
        params: The configuration, flat, and what a sweep varies.
        tags: Whatever finds the run again: git commit, versions, host, command.
        datasets: `name, digest, context, rows` of each split.
    """

    name: str
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: list[dict[str, str]] = field(default_factory=list)

    def save(self, job_dir: Path) -> None:
        """Write it; a file that is there is whole."""
        partial = job_dir / f"{DESCRIPTION_FILE}.partial"
        partial.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(job_dir / DESCRIPTION_FILE)

    @classmethod
    def read(cls, job_dir: Path) -> "RunDescription":
        """Read what was written."""
        return cls(**json.loads((job_dir / DESCRIPTION_FILE).read_text(encoding="utf-8")))


class MlflowRecorder:
    """Writes the events of one run to MLflow, by its id alone: no active run, no state of the process.

    Whatever cannot be told now (a server that is away, a database that is locked, a full disk) is said once; the run
    goes on, and what is missing is told at its end, or by the next command: see `complete`.

    Args:
        cfg: The `tracking` section.
        paths: The `paths` section.
        folder: Of the run.
        description: Of the run.
        fresh: Whether the folder is new, so that MLflow cannot know the run yet.
    """

    def __init__(
        self,
        cfg: MlflowTracking,
        paths: PathsConfig,
        folder: JobFolder,
        description: RunDescription,
        fresh: bool = False,
    ) -> None:
        self.cfg, self.paths, self.folder, self.description, self.fresh = cfg, paths, folder, description, fresh
        self.run_id = folder.record.run_id
        self.behind = ""
        self._warned = False
        self._client: MlflowClient | None = None
        self._silent_until = 0.0
        self._monitor: Any = None

    def start(self) -> None:
        """Make the run in MLflow, or open it again, and watch the machine."""
        self.description.save(self.folder.path)
        self._tell(self._watch)

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """One point of every series, step = epoch."""
        self._tell(lambda client: log_metrics(client, self.run_id, metrics, epoch))

    def history(self, history: pd.DataFrame) -> None:
        """Add the points that a killed run had no time to write; none is there twice."""
        self._tell(lambda client: backfill(client, self.run_id, history))

    def dataset(self, name: str, digest: str, sizes: Mapping[str, int]) -> None:
        """A dataset input a split, by name and digest; no pass over the data.

        MLflow keeps one input a (name, digest), so the split is part of the name.
        """
        self.description.datasets = [
            {"name": f"{name}-{split}"[:250], "digest": digest, "context": split, "rows": str(rows)}
            for split, rows in sizes.items()
        ]
        self.description.tags |= {DIGEST_TAG: digest, CATALOGUE_TAG: name}
        self.description.save(self.folder.path)
        self._tell(self._log_datasets)

    def result(self, metrics: Mapping[str, float]) -> None:
        """The final metrics, without a step; what a run that was killed here has written already stays."""
        self._tell(lambda client: log_results(client, self.run_id, metrics))

    def model(self, bundle_dir: Path) -> None:
        """The bundle as a model of MLflow's Keras flavour."""
        with progress("recording the model"):
            self._tell(lambda client: log_bundle(client, self.run_id, bundle_dir))

    def artifacts(self, folder: Path) -> None:
        """Every file of the job folder but the checkpoints, the model and Hydra's own."""
        with progress("recording the files"):
            self._tell(lambda client: log_artifacts(client, self.run_id, folder))

    def finish(self, status: str, traceback: str = "", pruned: str = "") -> None:
        """End the run in MLflow, whatever became of it; MLflow has no state for a pruned one but KILLED."""
        if self._monitor is not None:
            self._monitor.finish()
        if traceback:
            (self.folder.path / TRACEBACK_FILE).write_text(masked(traceback), encoding="utf-8")
        missing, self.behind, self._silent_until = self.behind, "", 0.0

        def close(client: "MlflowClient") -> None:
            if missing:
                self._tell_all(client)
            elif traceback:
                client.log_artifact(self.run_id, str(self.folder.path / TRACEBACK_FILE))
            self._close(client, status, pruned)

        self._tell(close)

    def complete(self) -> bool:
        """Tell MLflow all that the folder of a run that has ended holds; gives whether that went well."""
        record = self.folder.record

        def tell(client: "MlflowClient") -> None:
            self._tell_all(client)
            self._close(client, record.status, record.pruned)

        self._tell(tell)
        return not self.behind

    def summary(self) -> list[tuple[str, str]]:
        """The run's id and the command that opens the UI."""
        root = "" if self.paths.root == "." else f" paths.root={shlex.quote(self.paths.root)}"
        uri = masked(tracking_uri(self.cfg, self.paths))
        where = root if is_local(self.cfg) else f" tracking.uri={shlex.quote(uri)}"
        run = [("MLflow run", self.run_id)] if not self.behind else [("not recorded", self.behind)]
        return [*run, ("browse", f"python -m hmexp ui{where}")]

    @shielded()
    def _tell(self, speak: Callable[["MlflowClient"], None]) -> None:
        """Say something to MLflow; where it does not listen, say so once and go on."""
        if time.monotonic() < self._silent_until:
            return
        try:
            if self._client is None:
                self._client = self._open()
            speak(self._client)
        except Exception as error:
            said = full_disk(error) or str(error).split("\n", 1)[0]
            reason = " ".join(masked(said).split())[:300]
            self.behind = self.behind or reason or type(error).__name__
            if not self._warned:
                log.warning(
                    f"not recorded in MLflow ({self.behind}): the run goes on, and the record is completed later"
                )
            self._warned = True
            self._silent_until = time.monotonic() + PAUSE

    def _open(self) -> "MlflowClient":
        """Connect, and find the run or make it: one run a folder, whatever was killed in between."""
        client = create_store(self.cfg, self.paths)
        record, description = self.folder.record, self.description
        experiment = client.get_experiment_by_name(self.cfg.experiment).experiment_id
        run = None if self.fresh else find_run_of(client, experiment, record.run_id, str(self.folder.path))
        if run is None:
            begun = int(1000 * record.begun) or None
            run = client.create_run(experiment, begun, tags=short_tags(description.tags), run_name=description.name)
        elif run.info.status != "RUNNING":
            client.update_run(run.info.run_id, status="RUNNING")
        if record.run_id != run.info.run_id:
            self.run_id = record.run_id = run.info.run_id
            self.folder.save()
        log_params(client, run, description.params)
        return client

    def _watch(self, client: "MlflowClient") -> None:
        """Let MLflow's own thread record what the machine does."""
        if self.cfg.system_metrics:
            self._monitor = system_metrics_monitor(self.run_id, client.tracking_uri)
            self._monitor.start()

    def _tell_all(self, client: "MlflowClient") -> None:
        """All that the folder holds; what MLflow has already is not added again."""
        job_dir, run_id = self.folder.path, self.run_id
        self._log_datasets(client)
        if (job_dir / "history.csv").is_file():
            backfill(client, run_id, pd.read_csv(job_dir / "history.csv"))
        if (job_dir / "metrics.json").is_file():
            metrics = json.loads((job_dir / "metrics.json").read_text(encoding="utf-8"))
            log_results(client, run_id, recorded(metrics))
        if (job_dir / "model").is_dir():
            log_bundle(client, run_id, job_dir / "model")
        log_artifacts(client, run_id, job_dir)

    def _log_datasets(self, client: "MlflowClient") -> None:
        """The inputs that the run does not have yet."""
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.entities import Dataset, DatasetInput, InputTag

        with store_lock(self.cfg, self.paths):
            run = client.get_run(self.run_id)
            known = {
                (item.dataset.name, item.dataset.digest) for item in (run.inputs.dataset_inputs if run.inputs else [])
            }
            inputs = []
            for name, digest, split, rows in (item.values() for item in self.description.datasets):
                source = CodeDatasetSource(tags={"split": split, "rows": rows}).to_json()
                if (name, digest) not in known:
                    context = InputTag("mlflow.data.context", split)
                    inputs.append(DatasetInput(Dataset(name, digest, "code", source), [context]))
            if inputs:
                client.log_inputs(self.run_id, inputs)
        tags = self.description.tags
        for key in (DIGEST_TAG, CATALOGUE_TAG):
            if key in tags and run.data.tags.get(key) != tags[key]:
                client.set_tag(self.run_id, key, tags[key])

    def _close(self, client: "MlflowClient", status: str, pruned: str) -> None:
        if pruned:
            client.set_tag(self.run_id, PRUNED_TAG, pruned)
        client.set_tag(self.run_id, SECONDS_TAG, f"{self.folder.record.seconds:.1f}")
        client.set_terminated(self.run_id, "KILLED" if pruned else status)
        self.folder.record.recorded = True
        self.folder.save()


def flat_params(config: Any) -> dict[str, str]:  # noqa: ANN401
    """A config as `section.key` -> text, each value short enough for MLflow; lists, and maps of names, are whole."""
    plain = OmegaConf.to_container(OmegaConf.structured(config), resolve=True, enum_to_str=True)
    flat: dict[str, str] = {}

    def walk(node: Any, prefix: str) -> None:  # noqa: ANN401
        if isinstance(node, dict) and node and all(str(key).isidentifier() for key in node):
            for key, value in node.items():
                walk(value, f"{prefix}.{key}" if prefix else str(key))
        else:
            text = node if isinstance(node, str) else json.dumps(node, ensure_ascii=False)
            flat[prefix] = masked(text)[:PARAM_LENGTH]

    walk(plain, "")
    return flat
