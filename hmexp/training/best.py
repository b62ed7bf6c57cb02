"""Callbacks that keep the best epoch's weights, and the moving average of the weights."""

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from hmexp.metrics.names import Metric, better
from hmexp.training.callbacks import Logs, contract_names
from hmexp.training.checkpoint import read_arrays, write_arrays


class Best(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the weights of the best epoch; a file that is there is whole.

    The file of the best epoch before stays until a checkpoint names the new one.
    """

    def __init__(self, folder: Path, monitor: str, metric: Metric, average: "AverageWeights") -> None:
        super().__init__()
        self.folder, self.monitor, self.metric, self.average = folder, monitor, metric, average
        self.epoch = 0
        self.value = math.nan

    @property
    def path(self) -> Path:
        """Where the best epoch's weights are."""
        return self.folder / f"best-{self.epoch:04d}.npz"

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save where the monitor is better than ever before."""
        value = contract_names(logs or {})[self.monitor]
        if self.epoch and not better(self.metric, value, self.value):
            return
        self.epoch, self.value = epoch + 1, value
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        with self.average.in_place():
            write_arrays(partial, {"network": self.model.network.variables})
        partial.replace(self.path)

    def adopt(self, folder: Path) -> None:
        """Take over the best weights of the run that this one starts from, where that is another."""
        if self.epoch and folder != self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = self.path.with_suffix(".partial")
            shutil.copyfile(folder / self.path.name, partial)
            partial.replace(self.path)

    def sweep(self) -> None:
        """Remove the files of other epochs, and what a crash left."""
        for path in self.folder.glob("best-*"):
            if path != self.path:
                path.unlink(missing_ok=True)

    def restore(self, network: keras.Model) -> None:
        """Give the network the weights of the best epoch."""
        read_arrays(self.path, {"network": network.variables})

    def state(self) -> dict[str, Any]:
        """Which epoch it is."""
        return {"epoch": self.epoch, "value": self.value}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.epoch, self.value = state["epoch"], state["value"]


class AverageWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Evaluates the moving average of the weights that the optimizer keeps, where `trainer.ema` asks for one.

    Keras's `SwapEMAWeights` does not swap back after predict (3.15) and is only about epoch ends.
    """

    def __init__(self, active: bool) -> None:
        super().__init__()
        self.active = active

    def on_test_begin(self, logs: Logs = None) -> None:
        """Put the average in place of the weights."""
        self._swap()

    def on_test_end(self, logs: Logs = None) -> None:
        """Put the weights back."""
        self._swap()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The average in place of the weights, inside the block."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        if not self.active:
            return
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        for weight, average in zip(
            optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True
        ):
            # Copies: on a CPU, JAX gives and takes views of its buffers, which the next step donates.
            held = np.array(keras.ops.convert_to_numpy(weight))
            weight.assign(np.array(keras.ops.convert_to_numpy(average)))
            average.assign(held)
