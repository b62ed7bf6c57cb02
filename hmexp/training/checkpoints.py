"""The callback that writes checkpoints: after every epoch, every N steps, and when the user interrupts."""

from pathlib import Path
from typing import Any, Protocol

import keras

from hmexp.training.best import Best
from hmexp.training.callbacks import History, Logs
from hmexp.training.checkpoint import ARRAYS_FILE, CheckpointDir, TrainingState, read_arrays
from hmexp.training.interruption import Interruption


class Resumable(Protocol):
    """A callback that has something to remember."""

    def state(self) -> dict[str, Any]:
        """What it has to remember, as JSON can hold it."""

    def load(self, state: dict[str, Any]) -> None:
        """Go on from that."""


class Checkpoints(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes everything that the next step depends on.

    Args:
        folder: Where to.
        metrics: Whose sums are part of a checkpoint inside an epoch.
        kept: The callbacks that remember something; `history` and `best` among them.
        every: Steps from one checkpoint to the next inside an epoch; None writes none there.
        interruption: Asked after each step.
    """

    def __init__(
        self,
        folder: CheckpointDir,
        metrics: list[keras.metrics.Metric],
        kept: dict[str, Any],
        every: int | None,
        interruption: Interruption,
    ) -> None:
        super().__init__()
        self.folder, self.metrics, self.kept = folder, metrics, kept
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
        if step < self.steps and (due or self.interruption.requested):
            self._save(self.epoch, step)
            self.interruption.check()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save the whole epoch."""
        self.first_step = 0
        self._save(epoch + 1, 0)
        best: Best = self.kept["best"]
        best.sweep()

    def _save(self, epoch: int, step: int) -> None:
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        history: History = self.kept["history"]
        states = {name: callback.state() for name, callback in self.kept.items()}
        variables = {
            "network": self.model.network.variables,
            "optimizer": self.model.optimizer.variables,
            "metrics": self._sums() if step else [],
        }
        self.folder.save(TrainingState(epoch, step, history.rows, states), variables)

    def _sums(self) -> list[Any]:
        """Variables of the loss's mean and of the metrics."""
        loss = [variable for metric in self.model.metrics[:1] for variable in metric.variables]
        return loss + [variable for metric in self.metrics for variable in metric.variables]
