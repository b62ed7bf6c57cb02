"""TensorFlow's SavedModel, with the endpoint `serve`."""

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmexp.inference.formats.protocol import Run

if TYPE_CHECKING:
    from hmexp.inference.export_graph import ExportGraph


def write(graph: "ExportGraph", folder: Path, pictures: np.ndarray) -> None:
    """Write the files of a SavedModel into a folder."""
    import tensorflow as tf

    # Not keras.export.ExportArchive: it writes every weight twice (Keras 3.15.1).
    module = graph.module()
    module.serve = graph.function(named=True)
    try:
        tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    except tf.errors.ResourceExhaustedError as error:  # TensorFlow's word for a full disk
        raise OSError(errno.ENOSPC, "No space left on device", str(folder)) from error


def open_model(folder: Path) -> Run:
    """Load it with TensorFlow alone."""
    loaded = _load(folder)

    def run(pictures: np.ndarray) -> np.ndarray:
        # The name keeps the model alive: one that only an endpoint refers to is collected with its variables.
        probabilities: np.ndarray = loaded.serve(pictures)["probabilities"].numpy()
        return probabilities

    return run


def random(graph: "ExportGraph", folder: Path) -> list[str]:
    """Types of the random operations in the file."""
    from hmexp.inference.export_graph import random_operations

    loaded = _load(folder)
    return random_operations(loaded.signatures["serving_default"].graph)


def _load(folder: Path) -> Any:  # noqa: ANN401
    import tensorflow as tf

    return tf.saved_model.load(str(folder))
