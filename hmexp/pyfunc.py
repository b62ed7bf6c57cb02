"""A logged model as MLflow's python function: for `mlflow.pyfunc`, `mlflow models serve` and Spark.

The folder of a logged model names this module; MLflow imports it and calls `_load_pyfunc`. What it gives is described
in `docs/serving-mlflow.md`.
"""

import base64
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from hmexp.catalogue.pictures import HEAD_BYTES, BadPicture, kind_of
from hmexp.config.errors import UserError, require
from hmexp.datamodule import process_backend
from hmexp.runner.backend import start_inference

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException

    from hmexp.classifier import Classifier

COLUMN = "picture"
BATCH = 128
NULLS = (None, None, None)
SERVER = "mlflow.pyfunc.scoring_server.app"
"""Module that `mlflow models serve` runs, and nothing else imports."""
NO_BASE64 = "text that is no base64 (model_config={'paths': True} takes it as a file's name)"


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> "PictureFunction":
    """Load the bundle of a logged model on the Keras backend of this process, after its hash was checked.

    Args:
        path: Folder of the bundle.
        model_config: `paths`, as `mlflow.pyfunc.load_model(..., model_config={"paths": False})` has it: whether text
            that is no picture in base64 names files of this machine. By default it does, but in the process of `mlflow
            models serve`, whose clients send text.

    Raises:
        UserError: No bundle, or one that was changed; a configuration of another kind.
    """
    given = (model_config or {}).get("paths")
    paths = SERVER not in sys.modules if given is None else given
    require(isinstance(paths, bool), "model_config.paths", "true or false", paths)
    start_inference(process_backend(), "auto")
    from hmexp.classifier import load_classifier

    return PictureFunction(load_classifier(Path(path)), paths)


class Texts(pd.arrays.ArrowExtensionArray):
    """Text whose nulls are nulls in Spark, too.

    MLflow 3.17 makes a struct's strings with `astype(np.str_)`, which writes `None`, `nan` or `<NA>` for the nulls of
    each of pandas' own types.
    """

    def astype(self, dtype: Any, copy: bool = True) -> Any:  # noqa: ANN401
        """As pandas has it; numpy's text becomes objects, which may be None."""
        if getattr(dtype, "kind", "") == "U":
            return np.array([None if text is pd.NA else text for text in self], dtype=object)
        return super().astype(dtype, copy)


@dataclass(frozen=True)
class PictureFunction:
    """What MLflow calls.

    Attributes:
        classifier: A model that is loaded.
        paths: Whether text that is no picture in base64 is the name of a file.
    """

    classifier: "Classifier"
    paths: bool

    # Without `params`, which clients of a server choose: none of them shall change what may be read.
    def predict(self, model_input: Any) -> pd.DataFrame:  # noqa: ANN401
        """Classify pictures of any size and format, a row each; one that cannot be read fails alone.

        Args:
            model_input: A list, a Series, or a table with the column `picture` or a single one. A picture is a file's
                name, its bytes, the same as base64, a `PIL.Image.Image`, or an array uint8 `[height, width, 3]`; an
                array `[pictures, height, width, 3]` is several.

        Returns:
            `predicted`, `confidence` (of that class), `probabilities` (float32 `[classes]`, calibrated, in the order of
            the card's classes) and `error`: null, or why the picture cannot be read; the others are null then. No null
            is NaN, which a server would write into its answer, where it is no JSON.

        Raises:
            MlflowException: No such collection of pictures.
        """
        pictures, index = _pictures(model_input)
        rows = [row for start in range(0, len(pictures), BATCH) for row in self._rows(pictures[start : start + BATCH])]
        predicted, confidence, probabilities, errors = zip(*rows, strict=True) if rows else ((),) * 4
        columns = {
            "predicted": Texts(pa.array(predicted, pa.string())),
            "confidence": pd.array(confidence, dtype="Float32"),
            "probabilities": pd.Series(probabilities, index=index, dtype=object),
            "error": Texts(pa.array(errors, pa.string())),
        }
        return pd.DataFrame(columns, index=index)

    def _rows(self, pictures: list[Any]) -> list[tuple[Any, ...]]:
        """The rows of a batch."""
        outcomes = [self._decoded(picture) for picture in pictures]
        pixels = [outcome for outcome in outcomes if isinstance(outcome, np.ndarray)]
        probabilities = iter(self.classifier.probabilities(np.stack(pixels)) if pixels else ())
        return [
            (*NULLS, outcome) if isinstance(outcome, str) else (*self._best(next(probabilities)), None)
            for outcome in outcomes
        ]

    def _best(self, probabilities: np.ndarray) -> tuple[str, float, np.ndarray]:
        best = int(probabilities.argmax())
        return self.classifier.class_names[best], float(probabilities[best]), probabilities

    def _decoded(self, picture: Any) -> np.ndarray | str:  # noqa: ANN401
        """A picture's pixels, uint8 `[image_size, image_size, 3]`, or why there are none."""
        try:
            return self.classifier.decode(self._meant(picture))
        except (BadPicture, UserError) as error:
            return str(error)

    def _meant(self, picture: Any) -> Any:  # noqa: ANN401
        """The picture that a cell means: text is a picture in base64, or a file's name where that is allowed."""
        if picture is None or picture is pd.NA or (isinstance(picture, float) and np.isnan(picture)):
            raise BadPicture("no picture")
        if not isinstance(picture, str):
            return picture
        try:
            content = base64.b64decode("".join(picture.split()), validate=True)
        except ValueError:
            content = b""
        if self.paths and not kind_of(content[:HEAD_BYTES]):
            return Path(picture)
        if not content:
            raise BadPicture(NO_BASE64)
        return content


def _pictures(data: Any) -> tuple[list[Any], pd.Index]:  # noqa: ANN401
    """The pictures in whatever MLflow hands over, one an item, and the index of the result."""
    if isinstance(data, pd.DataFrame | dict):
        names = list(data)
        if len(names) == 1 or names.count(COLUMN) == 1:
            return _pictures(data[COLUMN if COLUMN in names else names[0]])
        raise _refused(f"columns {', '.join(map(str, names))}")
    if isinstance(data, pd.Series):
        return data.tolist(), data.index
    if isinstance(data, np.ndarray) and data.ndim not in (1, 4):
        raise _refused(f"an array {data.dtype} {list(data.shape)}")
    if not isinstance(data, list | tuple | np.ndarray):
        raise _refused(type(data).__name__)
    pictures = list(_bytes_of(data) if isinstance(data, np.ndarray) and data.ndim == 4 else data)
    return pictures, pd.RangeIndex(len(pictures))


def _bytes_of(array: np.ndarray) -> np.ndarray:
    """JSON's whole numbers are int64; where they are pixels they become uint8."""
    fits = array.dtype.kind in "iu" and array.size > 0 and array.min() >= 0 and array.max() <= 255
    return array.astype(np.uint8) if fits else array


def _refused(received: str) -> "MlflowException":
    from mlflow.exceptions import MlflowException

    expected = f"a list of pictures, an array [pictures, height, width, 3], or a table with the column {COLUMN}"
    return MlflowException.invalid_parameter_value(f"pictures: expected {expected}, received {received}")
