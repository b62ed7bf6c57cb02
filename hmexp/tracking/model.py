"""A model bundle as a model of MLflow's Keras flavour: the very same `model.keras`, with its card beside it."""

import json
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

BUNDLE_DIR = "data"
"""Where MLflow's Keras flavour keeps `model.keras` inside a logged model; the card is put beside it."""
NAME = "model"
SHA_TAG = "hmexp.sha256"


def log_bundle(client: "MlflowClient", run_id: str, bundle_dir: Path) -> None:
    """Log a bundle as the one model of a run; no pickle, and requirements that nobody has to infer.

    A model that the run has already, whole or half logged by a process that was killed, is replaced in its place.
    """
    from mlflow.entities import LoggedModelOutput

    card = json.loads((bundle_dir / "card.json").read_text(encoding="utf-8"))
    run = client.get_run(run_id)
    known = _logged(client, run)
    model = known[0] if known else client.create_logged_model(run.info.experiment_id, NAME, source_run_id=run_id)
    outputs = [output.model_id for output in (run.outputs.model_outputs if run.outputs else [])]
    if model.model_id in outputs and str(model.status) == "READY" and model.tags.get(SHA_TAG) == card["sha256"]:
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / NAME
        _write_flavor(folder, bundle_dir, run_id, model.model_id)
        client.log_model_artifacts(model.model_id, str(folder))
    client.set_logged_model_tags(model.model_id, {SHA_TAG: card["sha256"]})
    client.finalize_logged_model(model.model_id, "READY")
    if model.model_id not in outputs:
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])


def _logged(client: "MlflowClient", run: "Run") -> list["LoggedModel"]:
    """The models that a run has logged, in whatever state."""
    query = f"source_run_id = '{run.info.run_id}'"
    return list(client.search_logged_models([run.info.experiment_id], filter_string=query))


def _write_flavor(folder: Path, bundle_dir: Path, run_id: str, model_id: str) -> None:
    """Write the folder of a model of MLflow's Keras flavour, with the bundle's own files in it."""
    import keras
    import mlflow.keras
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    card = json.loads((bundle_dir / "card.json").read_text(encoding="utf-8"))
    size, num_classes = card["image_size"], len(card["classes"])
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype("uint8"), (-1, size, size, 3), "pictures")]),
        outputs=Schema([TensorSpec(np.dtype("float32"), (-1, num_classes))]),
    )
    mlflow.keras.save_model(
        _SavedModel(bundle_dir / "model.keras"),
        str(folder),
        mlflow_model=Model(run_id=run_id, model_id=model_id),
        signature=signature,
        pip_requirements=[f"{name}=={version(name)}" for name in ("keras", keras.backend.backend(), "mlflow")],
        metadata={"sha256": card["sha256"], "classes": card["classes"]},
    )
    shutil.copyfile(bundle_dir / "card.json", folder / BUNDLE_DIR / "card.json")


class _SavedModel:
    """A Keras model that lies on the disk already, for `mlflow.keras.save_model`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, path: str) -> None:
        """Copy the file."""
        shutil.copyfile(self.path, path)
