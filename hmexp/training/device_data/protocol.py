"""What hmexp asks of a backend that holds the training pictures on its device."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hmexp.batches.order import Order, Rows

if TYPE_CHECKING:
    from hmexp.training.learner import Learner

TrainFunction = Callable[..., Any]
"""What Keras calls for each step of `fit`; its arguments and what it gives are those of the backend's own."""


class DeviceData(Protocol):
    """How a backend trains on pictures which its device holds."""

    def free_bytes(self, device: str) -> int | None:
        """Bytes of memory that are free on a device; None where it does not say.

        Args:
            device: As `Device.words` has it, such as `gpu:0`.
        """

    def place(self, pictures: np.ndarray) -> Any:  # noqa: ANN401
        """Copy pictures to the device, uint8 `[rows, height, width, 3]`."""

    def batches(self, part: Rows, order: Order, checkpoint_steps: int | None) -> Any:  # noqa: ANN401
        """Batches of whole epochs that carry rows of the pictures in place of pictures.

        Args:
            part: Whose `rows` are those of the pictures on the device.
            order: Which epochs, in what batches.
            checkpoint_steps: Steps of an epoch after a multiple of which there may be a checkpoint.
        """

    def train_function(self, learner: "Learner", pictures: Any) -> TrainFunction | None:  # noqa: ANN401
        """What Keras calls for each step.

        Args:
            learner: What is trained.
            pictures: What `place` gave.

        Returns:
            None for Keras's own: the learner then is given batches of rows, and gathers them itself.
        """


@dataclass(frozen=True)
class PlacedPictures:
    """Pictures that a device holds.

    Attributes:
        values: On the device, uint8 `[rows, height, width, 3]`.
        data: How is trained on them.
    """

    values: Any
    data: DeviceData
