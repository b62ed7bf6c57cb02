"""The Recorder that writes a run to MLflow."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import OmegaConf

from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.tracking.model import log_bundle
from hmexp.tracking.runs import PRUNED_TAG
from hmexp.tracking.store import create_store, is_local, store_lock, tracking_uri
from hmexp.training.interruption import shielded

PARAMS_A_CALL = 100
PARAM_LENGTH = 6000


@dataclass(frozen=True)
class RunDescription:
    """What a run is before it starts.

    Attributes:
        name: Name in MLflow.
        config: The whole configuration, as dataclasses.
        tags: Whatever finds the run again: git commit, versions, host, command.
        params: Params beside those of the configuration.
    """

    name: str
    config: Any
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)


class MlflowRecorder:
    """Writes the events of one run to MLflow; made when the run starts, or goes on (`run_id`)."""

    def __init__(
        self, cfg: MlflowTracking, paths: PathsConfig, description: RunDescription, run_id: str | None = None
    ) -> None:
        client = create_store(cfg, paths)
        import mlflow

        self.cfg, self.paths, self.client, self.mlflow = cfg, paths, client, mlflow
        mlflow.set_experiment(cfg.experiment)
        run = mlflow.start_run(
            run_id=run_id,
            run_name=None if run_id else description.name,
            tags=dict(description.tags),
            log_system_metrics=cfg.system_metrics,
        )
        self.run_id: str = run.info.run_id
        self.experiment_id: str = run.info.experiment_id
        if run_id is None:  # those of a resumed run are there, and cannot be changed
            try:
                for chunk in _chunks(flat_params(description.config) | dict(description.params)):
                    mlflow.log_params(chunk)
            except Exception:
                mlflow.end_run("FAILED")
                raise

    @shielded()
    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """One point of every series, step = epoch."""
        self.mlflow.log_metrics(dict(metrics), step=epoch)

    @shielded()
    def history(self, history: pd.DataFrame) -> None:
        """Add the points that a killed run had no time to write; none is there twice."""
        for name in history.columns:
            if name.partition("/")[0] in ("train", "val"):
                there = {point.step for point in self.client.get_metric_history(self.run_id, name)}
                missing = history[~history["epoch"].isin(there)]
                for epoch, value in missing[["epoch", name]].to_numpy():
                    self.mlflow.log_metric(name, float(value), step=int(epoch))

    @shielded()
    def dataset(self, name: str, digest: str, sizes: Mapping[str, int]) -> None:
        """A dataset input a split, by name and digest; no pass over the data.

        MLflow keeps one input a (name, digest), so the split is part of the name.
        """
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.data.meta_dataset import MetaDataset

        self.mlflow.set_tag("hmexp.data_digest", digest)
        with store_lock(self.cfg, self.paths):
            for split, rows in sizes.items():
                source = CodeDatasetSource(tags={"split": split, "rows": str(rows)})
                self.mlflow.log_input(MetaDataset(source, name=f"{name}-{split}", digest=digest), context=split)

    @shielded()
    def result(self, metrics: Mapping[str, float]) -> None:
        """The final metrics, without a step; what a run that was killed here has written already stays."""
        there = self.client.get_run(self.run_id).data.metrics
        self.mlflow.log_metrics({name: value for name, value in metrics.items() if there.get(name) != value})

    @shielded()
    def model(self, bundle_dir: Path) -> None:
        """The bundle as a model of MLflow's Keras flavour."""
        log_bundle(bundle_dir)

    @shielded()
    def artifacts(self, folder: Path) -> None:
        """Every file of the job folder but the checkpoints, the model and Hydra's own."""
        left_out = {"checkpoints", "model", ".hydra", "run.lock"}
        for path in sorted(folder.iterdir()):
            if path.is_dir() and path.name not in left_out:
                self.mlflow.log_artifacts(str(path), path.name)
            elif path.is_file() and path.name not in left_out:
                self.mlflow.log_artifact(str(path))

    @shielded()
    def finish(self, status: str, traceback: str = "", pruned: str = "") -> None:
        """End the run in MLflow, whatever became of it; MLflow has no state for a pruned one but KILLED."""
        if traceback:
            self.mlflow.log_text(traceback, "traceback.txt")
        if pruned:
            self.mlflow.set_tag(PRUNED_TAG, pruned)
        self.mlflow.end_run("KILLED" if pruned else status)

    def summary(self) -> list[tuple[str, str]]:
        """The run's id and the command that opens the UI."""
        root = "" if self.paths.root == "." else f" paths.root={shlex.quote(self.paths.root)}"
        where = root if is_local(self.cfg) else f" tracking.uri={shlex.quote(tracking_uri(self.cfg, self.paths))}"
        return [("MLflow run", self.run_id), ("browse", f"python -m hmexp ui{where}")]


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
            flat[prefix] = text[:PARAM_LENGTH]

    walk(plain, "")
    return flat


def _chunks(params: dict[str, str]) -> list[dict[str, str]]:
    items = list(params.items())
    return [dict(items[i : i + PARAMS_A_CALL]) for i in range(0, len(items), PARAMS_A_CALL)]
