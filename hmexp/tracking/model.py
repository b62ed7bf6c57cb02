"""A model bundle as a model of MLflow: the very same `model.keras`, with its card beside it, in two flavours.

As Keras's it is the network, as a python function what `hmexp.pyfunc` makes of it: pictures of any kind to classes.
"""

import json
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run
    from mlflow.models import ModelSignature

BUNDLE_DIR = "data"
"""Where MLflow's Keras flavour keeps `model.keras` inside a logged model; the card is put beside it."""
NAME = "model"
SHA_TAG = "hmexp.sha256"
LOADER = "hmexp.pyfunc"
"""Module that MLflow loads the python function with; above this room, so that it is named and not imported."""
REQUIRED = ("hmexp", "mlflow", "keras")


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
    """Write the folder of a model of MLflow's Keras flavour and a python function, with the bundle's files in it."""
    import keras
    import mlflow.keras
    import mlflow.pyfunc
    from mlflow.models import Model

    card = json.loads((bundle_dir / "card.json").read_text(encoding="utf-8"))
    model = Model(run_id=run_id, model_id=model_id)
    mlflow.keras.save_model(
        _SavedModel(bundle_dir / "model.keras"),
        str(folder),
        mlflow_model=model,
        signature=_signature_of_network(card),
        pip_requirements=[f"{name}=={version(name)}" for name in (*REQUIRED, keras.backend.backend())],
        metadata={"sha256": card["sha256"], "classes": card["classes"]},
    )
    shutil.copyfile(bundle_dir / "card.json", folder / BUNDLE_DIR / "card.json")
    model.signature = _signature()
    mlflow.pyfunc.add_to_model(
        model,
        loader_module=LOADER,
        data=BUNDLE_DIR,
        conda_env="conda.yaml",
        python_env="python_env.yaml",
        model_config={"paths": None},
    )
    model.save(str(folder / "MLmodel"))


def _signature_of_network(card: dict[str, Any]) -> "ModelSignature":
    """What Keras's flavour wants to know when it is saved."""
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    size = card["image_size"]
    return ModelSignature(
        inputs=Schema([TensorSpec(np.dtype("uint8"), (-1, size, size, 3), "pictures")]),
        outputs=Schema([TensorSpec(np.dtype("float32"), (-1, len(card["classes"])))]),
    )


def _signature() -> "ModelSignature":
    """The python function's: what Spark makes its struct of.

    No inputs: MLflow would make a table of them, which neither a list of pictures nor an array is, and fail a whole
    batch for one text that is no base64.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, Schema

    columns = {
        "predicted": DataType.string,
        "confidence": DataType.float,
        "probabilities": Array(DataType.float),
        "error": DataType.string,
    }
    return ModelSignature(outputs=Schema([ColSpec(kind, name, required=False) for name, kind in columns.items()]))


class _SavedModel:
    """A Keras model that lies on the disk already, for `mlflow.keras.save_model`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, path: str) -> None:
        """Copy the file."""
        shutil.copyfile(self.path, path)
