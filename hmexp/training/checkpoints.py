"""The callback that writes checkpoints: after every epoch, every N steps, and when the user interrupts."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from hmexp.config.errors import RunError
from hmexp.training.best import Best
from hmexp.training.callbacks import REMEDIES, History
from hmexp.training.checkpoint import ARRAYS_FILE, CheckpointDir, TrainingState, read_arrays
from hmexp.training.interruption import Interruption
from hmexp.training.step_logs import Logs


class Checkpoints(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes everything that the next step depends on.

    Args:
        folder: Where to.
        metrics: Whose sums are part of a checkpoint inside an epoch.
        kept: The callbacks that remember something; `history` and `best` among them.
        setup: What the training is under.
        every: Steps from one checkpoint to the next inside an epoch; None writes none there.
        interruption: Asked after each step.
    """

    def __init__(
        self,
        folder: CheckpointDir,
        metrics: list[keras.metrics.Metric],
        kept: dict[str, Any],
        setup: dict[str, Any],
        every: int | None,
        interruption: Interruption,
    ) -> None:
        super().__init__()
        self.folder, self.metrics, self.kept, self.setup = folder, metrics, kept, setup
        self.every, self.interruption = every, interruption
        self.epoch = self.first_step = self.steps = 0
        self.sums: Path | None = None

    def begin(self, first_step: int, steps: int, start: Path | None) -> None:
        """Before a call of `fit`.

        Args:
            first_step: Steps of its first epoch that are done already.
            steps: Steps of an epoch.
            start: The checkpoint with the sums of the metrics after `first_step`, if there is one.
        """
        self.first_step, self.steps = first_step, steps
        self.sums = start if first_step else None

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Give the metrics the sums that they had, which Keras has just set to 0."""
        self.epoch = epoch
        if self.sums is not None:
            read_arrays(self.sums / ARRAYS_FILE, {"metrics": self._sums()})
        self.sums = None

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Save where it is time, or where the user wants the end."""
        step = self.first_step + batch + 1
        due = self.every is not None and step % self.every == 0
        asked = self.interruption.requested and self.model.between_dispatches
        if step < self.steps and (due or asked):
            self._save(self.epoch, step)
            self.interruption.check()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save the whole epoch; then end, where the user wants that."""
        self.first_step = 0
        self._save(epoch + 1, 0)
        best: Best = self.kept["best"]
        best.sweep()
        self.interruption.check()

    def _save(self, epoch: int, step: int) -> None:
        self.model.backend.write_back(self.model)
        history: History = self.kept["history"]
        states = {name: callback.state() for name, callback in self.kept.items()}
        network = self.model.network
        if not all(np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in network.weights):
            raise RunError(f"weights became infinite at epoch {self.epoch + 1}, and are not kept: {REMEDIES}")
        variables = {
            "network": network.weights,
            "seeds": seeds_of(network),
            "optimizer": self.model.optimizer.variables,
            "metrics": self._sums() if step else [],
        }
        self.folder.save(TrainingState(epoch, step, history.rows, states, self.setup, self.model.val_size), variables)

    def _sums(self) -> list[Any]:
        """Variables of the loss's mean and of the metrics."""
        loss = [variable for metric in self.model.metrics[:1] for variable in metric.variables]
        return loss + [variable for metric in self.metrics for variable in metric.variables]


def seeds_of(network: keras.Model) -> list[Any]:
    """States of the layers that draw at random."""
    weights = {id(weight) for weight in network.weights}
    return [variable for variable in network.variables if id(variable) not in weights]
