"""A sweep in MLflow: its run, a run a repeated point, and what became of jobs that could not say it themselves."""

import json
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.jobs.table import Job, plain_key
from hmexp.tracking.recorder import PARAM_LENGTH
from hmexp.tracking.runs import HOST_TAG, JOB_TAG, KIND_TAG
from hmexp.tracking.store import create_store, tracking_uri
from hmexp.training.interruption import shielded

PARENT_TAG = "mlflow.parentRunId"
FAILURE_FILE = "traceback.txt"
FAILURE_TAG = "hmexp.failure"
VIEW_TAG = "mlflow.sharedViewState."
UI_ADDRESS = "http://127.0.0.1:5000"
"""Of `hmexp ui`."""


class SweepRecorder(Protocol):
    """Hears what happens in a sweep.

    Attributes:
        run_id: Of the sweep's run; empty where nothing is tracked.
    """

    run_id: str

    def share_view(self, keys: Sequence[str], objective: str, higher_is_better: bool) -> str:
        """What the record's page shows of the sweep; gives its address."""

    def point(self, name: str, parameters: Mapping[str, str]) -> str:
        """A point that several jobs will repeat; gives the id of their parent."""

    def failed(self, job: Job, parent: str, text: str) -> str:
        """A job failed, whether it could say so itself or not; gives the id of its run."""

    def again(self, job: Job, goes_on: bool) -> None:
        """A job that failed starts again: what was said of its failure is taken back."""

    def progress(self, job: Job, best: float) -> None:
        """A job ended with an objective; `best` is the best one so far."""

    def aggregate(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Metrics of the sweep or of a repeated point."""

    def close(self, run_id: str, status: str, files: tuple[Path, ...] = ()) -> None:
        """The sweep, or a point of it, ended."""


class NoSweepRecorder:
    """Listens to nothing (`tracking=none`)."""

    run_id = ""

    def share_view(self, keys: Sequence[str], objective: str, higher_is_better: bool) -> str:
        """No page."""
        return ""

    def point(self, name: str, parameters: Mapping[str, str]) -> str:
        """No id."""
        return ""

    def failed(self, job: Job, parent: str, text: str) -> str:
        """The id that the job has."""
        return job.run_id

    def again(self, job: Job, goes_on: bool) -> None:
        """Nothing."""

    def progress(self, job: Job, best: float) -> None:
        """Nothing."""

    def aggregate(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Nothing."""

    def close(self, run_id: str, status: str, files: tuple[Path, ...] = ()) -> None:
        """Nothing."""


class MlflowSweepRecorder:
    """Writes a sweep to MLflow.

    Args:
        cfg: The `tracking` section.
        paths: The `paths` section.
        folder: Of the sweep; its lock shows that the sweep lives.
        about: Params of its run: what it varies, and how.
        command: That began it.
        run_id: Of a sweep that goes on.
    """

    def __init__(
        self,
        cfg: MlflowTracking,
        paths: PathsConfig,
        folder: Path,
        about: Mapping[str, str],
        command: str,
        run_id: str = "",
    ) -> None:
        self.client = create_store(cfg, paths)
        experiment = self.client.get_experiment_by_name(cfg.experiment)
        self.experiment_id: str = experiment.experiment_id
        uri = tracking_uri(cfg, paths)
        self.address = uri.rstrip("/") if uri.startswith("http") else UI_ADDRESS
        self.folder, self.sweep = folder, folder.name
        self.run_id = run_id
        if run_id:
            self.client.update_run(run_id, status="RUNNING")
            return
        tags = {KIND_TAG: "sweep", JOB_TAG: str(folder), HOST_TAG: socket.gethostname(), "hmexp.command": command}
        self.run_id = self._create(cfg.name or self.sweep, tags | {"hmexp.sweep": self.sweep}, about)

    @shielded()
    def share_view(self, keys: Sequence[str], objective: str, higher_is_better: bool) -> str:
        """Write a view of MLflow's page of runs: those of the sweep, the best first, with what varies as columns.

        MLflow (3.17) keeps a shared view as a tag of the experiment; what its page does not know it leaves out.
        """
        columns = [f"metrics.`{objective}`", "metrics.`test/macro_f1`", "attributes.`Duration`"]
        view = {
            "searchFilter": _only("hmexp.sweep", self.sweep),
            "orderByKey": columns[0],
            "orderByAsc": not higher_is_better,
            "selectedColumns": [*columns, *(f"params.`sweep/{plain_key(key)}`" for key in keys)],
        }
        self.client.set_experiment_tag(self.experiment_id, f"{VIEW_TAG}{self.run_id}", json.dumps(view))
        return f"{self.address}/#/experiments/{self.experiment_id}/runs?viewStateShareKey={self.run_id}"

    @shielded()
    def point(self, name: str, parameters: Mapping[str, str]) -> str:
        """A run between the sweep's and those of the jobs."""
        tags = {KIND_TAG: "point", PARENT_TAG: self.run_id, "hmexp.sweep": self.sweep}
        tags |= {JOB_TAG: str(self.folder), HOST_TAG: socket.gethostname()}
        return self._create(name, tags, {f"sweep/{plain_key(key)}": value for key, value in parameters.items()})

    @shielded()
    def failed(self, job: Job, parent: str, text: str) -> str:
        """Close the job's run as FAILED with the reason; make one where it had no time to."""
        run_id = job.run_id or next(iter(self._runs_of(job)), "")
        if not run_id:
            tags = {PARENT_TAG: parent, "hmexp.sweep": self.sweep, "hmexp.job": str(job.number)}
            params = {f"sweep/{plain_key(key)}": value for key, value in job.parameters.items()}
            run_id = self._create(f"{job.number} {job.label()}", tags, params)
        self.client.set_tag(run_id, FAILURE_TAG, job.reason)
        if self.client.get_run(run_id).info.status != "FAILED":
            self.client.log_text(run_id, text, FAILURE_FILE)
            self.client.set_terminated(run_id, "FAILED")
        return run_id

    @shielded()
    def again(self, job: Job, goes_on: bool) -> None:
        """Delete the runs of tries that came to nothing; a run that goes on has not failed any more."""
        for run_id in self._runs_of(job):
            if not goes_on:
                self.client.delete_run(run_id)
            elif FAILURE_TAG in self.client.get_run(run_id).data.tags:
                self.client.delete_tag(run_id, FAILURE_TAG)

    @shielded()
    def progress(self, job: Job, best: float) -> None:
        """Two series of the sweep's run: the objective of each job, and the best so far; step = job."""
        self.client.log_metric(self.run_id, "sweep/objective", job.objective, step=job.number)
        self.client.log_metric(self.run_id, "sweep/best", best, step=job.number)

    @shielded()
    def aggregate(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Metrics without a step."""
        from mlflow.entities import Metric

        at = int(1000 * time.time())
        points = [Metric(name, float(value), at, 0) for name, value in metrics.items()]
        for first in range(0, len(points), 500):
            self.client.log_batch(run_id, metrics=points[first : first + 500])

    @shielded()
    def close(self, run_id: str, status: str, files: tuple[Path, ...] = ()) -> None:
        """Keep the files and end the run."""
        for path in files:
            self.client.log_artifact(run_id, str(path), path.parent.name if path.suffix == ".png" else None)
        self.client.set_terminated(run_id, status)

    def _runs_of(self, job: Job) -> list[str]:
        """Ids of the runs of a job's tries, the newest first."""
        runs = self.client.search_runs([self.experiment_id], f"tags.`hmexp.job` = '{job.number}'")
        return [run.info.run_id for run in runs if run.data.tags.get("hmexp.sweep") == self.sweep]

    def _create(self, name: str, tags: Mapping[str, str], params: Mapping[str, str]) -> str:
        run_id: str = self.client.create_run(self.experiment_id, tags=dict(tags), run_name=name).info.run_id
        for key, value in params.items():
            self.client.log_param(run_id, key, value[:PARAM_LENGTH])
        return run_id


def _only(tag: str, value: str) -> str:
    """A filter of MLflow's for runs with a tag; all runs where its grammar has no quotes for the value."""
    quote = next((mark for mark in ("'", '"') if mark not in value), None)
    return f"tags.`{tag}` = {quote}{value}{quote}" if quote else ""
