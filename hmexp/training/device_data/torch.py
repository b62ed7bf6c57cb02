"""PyTorch: a step begins with the gathering of its batch."""

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import psutil

from hmexp.batches.arrays import index_batches
from hmexp.batches.order import Order, Rows

if TYPE_CHECKING:
    from hmexp.training.device_data.protocol import TrainFunction
    from hmexp.training.learner import Learner


class TorchData:
    """See `DeviceData`."""

    def free_bytes(self, device: str) -> int | None:
        """See `DeviceData`."""
        if device == "cpu":
            return int(psutil.virtual_memory().available)
        import torch

        free, _ = torch.cuda.mem_get_info(int(device.partition(":")[2]))
        return int(free)

    def place(self, pictures: np.ndarray) -> Any:  # noqa: ANN401
        """See `DeviceData`; where Keras's device scope says."""
        return keras.ops.convert_to_tensor(pictures)

    def batches(self, part: Rows, order: Order, checkpoint_steps: int | None) -> Any:  # noqa: ANN401
        """See `DeviceData`; a step a batch, whatever `checkpoint_steps` is."""
        return index_batches(part, order)

    def train_function(self, learner: "Learner", pictures: Any) -> "TrainFunction | None":  # noqa: ANN401
        """See `DeviceData`."""
        return None
