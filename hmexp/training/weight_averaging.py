"""The callback that puts what is evaluated and kept in place of what is trained."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from hmexp.compat.keras import moving_averages
from hmexp.training.norms import Pass, Statistics, measure_norms, training_pass
from hmexp.training.step_logs import Logs


class WeightAveraging(keras.callbacks.Callback):  # type: ignore[misc]
    """Evaluates the moving average of the weights, and with batch norms that are measured anew, where asked to.

    Keras's `SwapEMAWeights` does not swap back after predict (3.15) and is only about epoch ends.

    Args:
        average: Whether the optimizer keeps a moving average (`trainer.ema`).
        plain: Batches of training pictures as they are (`trainer.precise_norm`); None keeps the running statistics.
    """

    def __init__(self, average: bool, plain: Iterable[tuple[Any, ...]] | None = None) -> None:
        super().__init__()
        self.average, self.plain = average, plain
        self.measured: Statistics = []
        self.running: Statistics = []
        self.one_pass: Pass | None = None

    def on_test_begin(self, logs: Logs = None) -> None:
        """Put it in place."""
        self._swap_average()
        if self.plain is not None:
            seen = ((self.model.as_evaluated(pictures),) for pictures, *_ in self.plain)
            if self.one_pass is None:
                self.one_pass = self.model.backend.one_program(training_pass(self.model.fast))
            self.measured = measure_norms(self.model.fast, seen, self.one_pass)
        self._put_measured()

    def on_test_end(self, logs: Logs = None) -> None:
        """Put back what is trained."""
        self._put_running()
        self._swap_average()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """What was evaluated last in place, inside the block."""
        self._swap_average()
        self._put_measured()
        try:
            yield
        finally:
            self._put_running()
            self._swap_average()

    def _put_measured(self) -> None:
        self.running = [(variable, _copy(variable)) for variable, _ in self.measured]
        for variable, value in self.measured:
            variable.assign(value)

    def _put_running(self) -> None:
        for variable, value in self.running:
            variable.assign(value)

    def _swap_average(self) -> None:
        if not self.average:
            return
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        for weight, average in moving_averages(optimizer):
            held = _copy(weight)
            weight.assign(_copy(average))
            average.assign(held)


def _copy(variable: Any) -> np.ndarray:  # noqa: ANN401
    """A variable's value, copied: on a CPU, JAX gives and takes views of its buffers, which the next step donates."""
    return np.array(keras.ops.convert_to_numpy(variable))
