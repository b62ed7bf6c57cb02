"""JAX: many steps in one dispatch, or one, with a gathering of its own before it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import psutil

from hmexp.batches.arrays import IndexBatches
from hmexp.batches.chunks import chunks
from hmexp.batches.draws import take_pictures
from hmexp.batches.order import Order, Rows
from hmexp.training.device_data.jax_loop import LONGEST, gather, many_steps

if TYPE_CHECKING:
    from hmexp.training.device_data.protocol import TrainFunction
    from hmexp.training.learner import Learner

UNLOOPED = ("cpu",)
"""Platforms where XLA computes convolutions inside a loop slowly: a step of a small cnn takes four times as long on a
CPU (JAX 0.10)."""


class JaxData:
    """See `DeviceData`.

    Args:
        deterministic: Whether a training has to be the same to the bit as one that streams. What XLA makes of a step
            inside a loop is not, so that the steps are then dispatched one by one, by the very program.
    """

    def __init__(self, deterministic: bool) -> None:
        self.loops = not deterministic and jax.default_backend() not in UNLOOPED

    def free_bytes(self, device: str) -> int | None:
        """See `DeviceData`."""
        if device == "cpu":
            return int(psutil.virtual_memory().available)
        stats = (jax.config.jax_default_device or jax.devices()[0]).memory_stats() or {}
        return int(stats["bytes_limit"] - stats["bytes_in_use"]) if "bytes_limit" in stats else None

    def place(self, pictures: np.ndarray) -> Any:  # noqa: ANN401
        """See `DeviceData`."""
        return jax.device_put(pictures)

    def batches(self, part: Rows, order: Order, checkpoint_steps: int | None) -> Any:  # noqa: ANN401
        """See `DeviceData`; an element holds one step, or many."""
        steps = IndexBatches(part, order)
        return chunks(steps, LONGEST, checkpoint_steps) if self.loops else steps

    def train_function(self, learner: "Learner", pictures: Any) -> "TrainFunction | None":  # noqa: ANN401
        """See `DeviceData`."""
        return many_steps(learner, pictures) if self.loops else _one_step(learner, pictures)


def _one_step(learner: "Learner", pictures: Any) -> "TrainFunction":  # noqa: ANN401
    """Keras's own function, to which batches come as if they had been streamed."""
    learner.make_streamed_function()
    streamed, gathering = learner.train_function, jax.jit(gather)

    def function(state: Any, iterator: Any) -> Any:  # noqa: ANN401
        return streamed(state, _gathered(iterator))

    def _gathered(iterator: Any) -> Iterator[Any]:  # noqa: ANN401
        inputs, *columns = next(iterator)
        yield (take_pictures(inputs, lambda rows: gathering(pictures, rows)), *columns)

    return function
