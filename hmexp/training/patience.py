"""Callbacks that wait for a better monitor: the end of the run, or a lower learning rate."""

import math
from typing import Any

import keras

from hmexp.config.schedule import PlateauSchedule
from hmexp.console import log
from hmexp.metrics.names import Metric, better
from hmexp.training.callbacks import Logs, contract_names


class Patience:
    """Counts epochs without a better monitor."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.value = math.nan
        self.waited = 0

    def see(self, value: float) -> int:
        """Epochs since the best one, this epoch included."""
        if better(self.metric, value, self.value):
            self.value, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited


class EarlyStop(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends the run after `patience` epochs without a better monitor; unlike Keras's own it can be resumed."""

    def __init__(self, monitor: str, metric: Metric, patience: int | None) -> None:
        super().__init__()
        self.monitor, self.patience = monitor, patience
        self.count = Patience(metric)

    @property
    def stopped(self) -> bool:
        """Whether it has ended the run."""
        return self.patience is not None and self.count.waited >= self.patience

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Look at the monitor."""
        self.count.see(contract_names(logs or {})[self.monitor])
        if self.stopped:
            self.model.stop_training = True

    @staticmethod
    def ended(state: dict[str, Any] | None, patience: int | None) -> bool:
        """Whether a run in this state was ended already."""
        return state is not None and patience is not None and state["waited"] >= patience

    def state(self) -> dict[str, Any]:
        """What it has counted."""
        return {"value": self.count.value, "waited": self.count.waited}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.count.value, self.count.waited = state["value"], state["waited"]


class Plateau(EarlyStop):
    """Lowers the learning rate after `patience` epochs without a better monitor."""

    def __init__(self, monitor: str, metric: Metric, cfg: PlateauSchedule) -> None:
        super().__init__(monitor, metric, cfg.patience)
        self.cfg = cfg

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Look at the monitor."""
        self.count.see(contract_names(logs or {})[self.monitor])
        if self.stopped:
            self.count.waited = 0
            rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
            lower = max(rate * self.cfg.factor, self.cfg.minimum)
            if lower < rate:
                self.model.optimizer.learning_rate = lower
                log.info(f"no better {self.monitor} for {self.cfg.patience} epochs: learning rate {lower:.3g}")
