"""TensorFlow: a step gathers its batch, which is part of its graph."""

from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import tensorflow as tf

from hmexp.batches.order import Order, Rows
from hmexp.batches.tensorflow import index_batches

if TYPE_CHECKING:
    from hmexp.training.device_data.protocol import TrainFunction
    from hmexp.training.learner import Learner


class TensorFlowData:
    """See `DeviceData`."""

    def free_bytes(self, device: str) -> int | None:
        """See `DeviceData`."""
        if device == "cpu":
            return int(psutil.virtual_memory().available)
        from hmexp.compat.tensorflow import memory_limit

        limit = memory_limit("/device:GPU:0")  # the one that is visible
        return None if limit is None else limit - int(tf.config.experimental.get_memory_info("GPU:0")["current"])

    def place(self, pictures: np.ndarray) -> Any:  # noqa: ANN401
        """See `DeviceData`."""
        return tf.identity(pictures)

    def batches(self, part: Rows, order: Order, checkpoint_steps: int | None) -> Any:  # noqa: ANN401
        """See `DeviceData`; a step a batch, whatever `checkpoint_steps` is."""
        return index_batches(part, order)

    def train_function(self, learner: "Learner", pictures: Any) -> "TrainFunction | None":  # noqa: ANN401
        """See `DeviceData`."""
        return None
