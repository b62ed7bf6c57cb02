"""The callback that keeps the best epoch's weights."""

import math
from pathlib import Path
from typing import Any

import keras

from hmexp.files import replacing
from hmexp.metrics.names import Metric, better
from hmexp.training.callbacks import contract_names
from hmexp.training.checkpoint import read_arrays, write_arrays
from hmexp.training.step_logs import Logs
from hmexp.training.weight_averaging import WeightAveraging


class Best(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the weights of the best epoch of those that val was measured alike in; a file that is there is whole.

    The file of the best epoch before stays until a checkpoint names the new one.
    """

    def __init__(self, folder: Path, monitor: str, metric: Metric, averaging: WeightAveraging) -> None:
        super().__init__()
        self.folder, self.monitor, self.metric, self.averaging = folder, monitor, metric, averaging
        self.epoch = 0
        self.value = math.nan

    @property
    def path(self) -> Path:
        """Where the best epoch's weights are."""
        return self.folder / f"best-{self.epoch:04d}.npz"

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save where the monitor is better than before."""
        value = contract_names(logs or {})[self.monitor]
        if self.epoch and not better(self.metric, value, self.value):
            return
        self.epoch, self.value = epoch + 1, value
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self.path) as partial, self.averaging.in_place():
            write_arrays(partial, {"network": self.model.network.weights})

    def sweep(self) -> None:
        """Remove the files of other epochs, and what a crash left."""
        for path in self.folder.glob("best-*"):
            if path != self.path:
                path.unlink(missing_ok=True)

    def restore(self, network: keras.Model) -> None:
        """Give the network the weights of the best epoch."""
        read_arrays(self.path, {"network": network.weights})

    def forget(self) -> None:
        """Take the next epoch for the best one, whatever was before."""
        self.epoch, self.value = 0, math.nan

    def state(self) -> dict[str, Any]:
        """Which epoch it is."""
        return {"epoch": self.epoch, "value": self.value}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.epoch, self.value = state["epoch"], state["value"]
