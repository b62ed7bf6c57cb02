"""The parts of a catalogue's embeddings that a process computes, here or elsewhere."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow.compute import is_null

from hmexp.config.errors import RunError
from hmexp.inference.part_job import PartJob
from hmexp.inference.pixels import PixelBatch
from hmexp.metrics.retrieval import normalised
from hmexp.models.bundle import load_bundle
from hmexp.runner.backend import start_inference

if TYPE_CHECKING:
    import keras

VECTOR = "vector"
"""Column with the bytes of a vector, float16."""


@dataclass(frozen=True)
class Embedder:
    """A model over batches: features -> the rows of a table of vectors.

    Attributes:
        model: uint8 `[batch, height, width, 3]` -> `[batch, features]`.
    """

    model: "keras.Model"

    def rows(self, articles: pd.DataFrame, batch: PixelBatch) -> pa.Table:
        """The table's rows of a batch.

        Returns:
            `article_id, image, error, vector`: error is null where the picture can be read, vector is L2-normalised.

        Raises:
            RunError: Features that are no numbers.
        """
        from hmexp.models.features import features_of

        features = features_of(self.model, batch.pixels)
        if not np.isfinite(features).all():
            raise RunError("the model's features are no numbers")
        vectors = normalised(features).astype(np.float16)
        failed = np.array([error != "" for error in batch.errors])
        buffers = [None, pa.py_buffer(vectors.tobytes())]
        kind = pa.binary(vectors.dtype.itemsize * vectors.shape[1])
        return pa.table(
            {
                "article_id": pa.array(articles["article_id"], pa.string()),
                "image": pa.array(articles["image"], pa.string()),
                "error": pa.array(np.array(batch.errors, dtype=object), pa.string(), mask=~failed),
                VECTOR: pa.FixedSizeBinaryArray.from_buffers(kind, len(vectors), buffers),
            }
        )


@dataclass(frozen=True)
class EmbeddingJob(PartJob):
    """What computes the parts of embeddings."""

    activity: ClassVar[str] = "embedding"

    @cached_property
    def model(self) -> Embedder:
        """See `PartJob`."""
        start_inference(self.config.backend, self.config.device, self.config.paths.cache_path)
        from hmexp.models.features import feature_model

        return Embedder(feature_model(load_bundle(self.bundle)[0]))


def vectors_of(table: pa.Table) -> np.ndarray:
    """The vectors of a part, float16 `[n, features]`; unreadable pictures are left out."""
    width = table.schema.field(VECTOR).type.byte_width // np.dtype(np.float16).itemsize
    kept = table.filter(is_null(table["error"]))[VECTOR].to_pylist()
    return np.frombuffer(b"".join(kept), np.float16).reshape(len(kept), width)
