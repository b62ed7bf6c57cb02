"""Keras's callbacks that wait for a better monitor, so that a resumed run goes on waiting where it was."""

import math
from typing import Any

import keras

from hmexp.config.schedule import PlateauSchedule
from hmexp.console import log
from hmexp.metrics.names import parse_monitor
from hmexp.training.callbacks import keras_name
from hmexp.training.step_logs import Logs


class _GoesOnCounting:
    """What both callbacks add to Keras's: they count over all calls of `fit`, and after a resume; NaN is no best."""

    monitor: str
    mode: str
    best: float | None
    wait: int

    def on_train_begin(self, logs: Logs = None) -> None:
        """Go on counting: a training is several calls of `fit`."""

    def number(self, logs: Logs) -> float:
        """The monitor; a NaN is worse than any number."""
        value = float((logs or {})[self.monitor])
        worst = -math.inf if self.mode == "max" else math.inf
        return worst if math.isnan(value) else value

    def forget(self) -> None:
        """Count anew: what the monitor was before does not compare with what comes."""
        self.best, self.wait = None, 0

    def state(self) -> dict[str, Any]:
        """What it has counted, for a checkpoint."""
        return {"best": self.best, "wait": self.wait}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.best, self.wait = state["best"], state["wait"]


class EarlyStopping(_GoesOnCounting, keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """Ends the run after `patience` epochs without a better monitor.

    Keras's own forgets what it has counted at the beginning of each `fit`, and takes a NaN of the first epoch for the
    best value for good.

    Args:
        monitor: `val/...` or `train/...`.
        patience: Epochs, from 1.
        first: Epochs at the beginning that it does not look at.
    """

    def __init__(self, monitor: str, patience: int, first: int = 0) -> None:
        super().__init__(keras_name(monitor), patience=patience, mode=_mode(monitor), start_from_epoch=first)

    @property
    def stopped(self) -> bool:
        """Whether it has ended the run, now or before an interruption."""
        return bool(self.wait >= self.patience)

    def get_monitor_value(self, logs: Logs) -> float:
        """Read the monitor."""
        return self.number(logs)


class ReduceLROnPlateau(_GoesOnCounting, keras.callbacks.ReduceLROnPlateau):  # type: ignore[misc]
    """Lowers the learning rate after `patience` epochs without a better monitor.

    Args:
        monitor: `val/...` or `train/...`.
        cfg: The `schedule` section.
    """

    def __init__(self, monitor: str, cfg: PlateauSchedule) -> None:
        super().__init__(
            keras_name(monitor), cfg.factor, cfg.patience, mode=_mode(monitor), min_delta=0, min_lr=cfg.minimum
        )

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Look at the monitor; Keras adds the learning rate to the logs, which are not to have it."""
        before = self._learning_rate()
        super().on_epoch_end(epoch, {self.monitor: self.number(logs)})
        if (after := self._learning_rate()) < before:
            log.info(f"no better {self.monitor} for {self.patience} epochs: learning rate {after:.3g}")

    def _learning_rate(self) -> float:
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))


def _mode(monitor: str) -> str:
    return "max" if parse_monitor("trainer.monitor", monitor).higher_is_better else "min"
