"""A model bundle as a model of MLflow's Keras flavour: the very same `model.keras`, with its card beside it."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

BUNDLE_DIR = "data"
"""Where MLflow's Keras flavour keeps `model.keras` inside a logged model; the card is put beside it."""


def log_bundle(bundle_dir: Path) -> None:
    """Log a bundle to the active run, with its signature; no pickle, and requirements that nobody has to infer."""
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    card = json.loads((bundle_dir / "card.json").read_text(encoding="utf-8"))
    size, num_classes = card["image_size"], len(card["classes"])
    signature = ModelSignature(
        inputs=Schema([TensorSpec(_dtype("uint8"), (-1, size, size, 3), "pictures")]),
        outputs=Schema([TensorSpec(_dtype("float32"), (-1, num_classes))]),
    )
    Model.log(
        artifact_path=None,
        name="model",
        flavor=_BundleFlavor,
        bundle_dir=bundle_dir,
        signature=signature,
        metadata={"sha256": card["sha256"], "classes": card["classes"]},
    )


class _BundleFlavor:
    """What `mlflow.models.Model.log` calls: MLflow's own Keras flavour, then our files in place of its copy."""

    @staticmethod
    def save_model(path: str, bundle_dir: Path, **arguments: Any) -> None:  # noqa: ANN401
        import keras
        import mlflow.keras

        model = keras.saving.load_model(bundle_dir / "model.keras", compile=False)
        requirements = [f"{name}=={version(name)}" for name in ("keras", keras.backend.backend(), "mlflow")]
        mlflow.keras.save_model(model, path, pip_requirements=requirements, **arguments)
        for file in ("model.keras", "card.json"):
            shutil.copyfile(bundle_dir / file, Path(path) / BUNDLE_DIR / file)


def _dtype(name: str) -> Any:  # noqa: ANN401
    import numpy as np

    return np.dtype(name)
