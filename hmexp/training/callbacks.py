"""Keras callbacks of one training: what is watched, kept and told at each step and epoch."""

import math
import statistics
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from hmexp.config.errors import RunError
from hmexp.config.training import TrainerConfig
from hmexp.console import Bar, log
from hmexp.files import replacing
from hmexp.metrics.names import VAL_IMAGE_SIZE
from hmexp.training.pruner import Pruner
from hmexp.training.recorder import Recorder
from hmexp.training.step_logs import Logs

REMEDIES = "lower optimizer.learning_rate, set optimizer.clip_norm=1, or use trainer.precision=float32"
SHOWN = ("train/loss", "train/accuracy", "val/loss", "val/accuracy", "val/macro_f1", "val/recall_at_1")
"""Figures in the line of an epoch."""
REFRESH = 0.2
"""Seconds from one look at the loss to the next."""


def contract_names(logs: dict[str, Any]) -> dict[str, float]:
    """Keras's names -> hmexp's: `loss` -> `train/loss`, `val_loss` -> `val/loss`."""
    named = {}
    for name, value in logs.items():
        split, metric = ("val", name[4:]) if name.startswith("val_") else ("train", name)
        named[f"{split}/{metric}"] = float(value)
    return named


def keras_name(monitor: str) -> str:
    """Hmexp's name of a metric of an epoch -> Keras's: `val/loss` -> `val_loss`."""
    split, _, metric = monitor.partition("/")
    return f"val_{metric}" if split == "val" else metric


class FiniteLoss(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops the run soon after a step whose loss is no number.

    The running mean of an epoch stays NaN, so that it is enough to look now and then; each look is at the step of the
    look before, which the device has done meanwhile, so that nobody waits.
    """

    EVERY = 16

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 1
        self.logs: Logs = None
        self.waiting: tuple[int, Logs] = 0, None

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Remember the epoch, counted from 1."""
        self.epoch = epoch + 1
        self.waiting = 0, None

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Look at the loss every few steps."""
        self.logs = logs
        if batch % self.EVERY == 0:
            step, before = self.waiting
            self._check(before, f"step {step}")
            self.waiting = batch + 1, logs

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Look at the epoch's loss."""
        self._check(logs, "its last steps")

    def check_last(self) -> None:
        """Look at the last step that ended, and at the weights: a library may have stumbled over what broke them.

        Raises:
            RunError: The loss, or a weight, is NaN or infinite.
        """
        self._check(self.logs, "its last steps")
        weights = (keras.ops.convert_to_numpy(weight) for weight in self.model.trainable_variables)
        if not all(np.isfinite(weight).all() for weight in weights):
            self._check({"loss": math.nan}, "its last steps")

    def _check(self, logs: Logs, where: str) -> None:
        """Raise `RunError` where the loss is NaN or infinite."""
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
            raise RunError(
                f"the loss became {loss} at epoch {self.epoch}, {where} (learning rate {rate:g}): {REMEDIES}"
            )


class ProgressBar(keras.callbacks.Callback):  # type: ignore[misc]
    """A bar an epoch with images/s, the epoch's time left and the loss; a line an epoch stays, with the run's."""

    def __init__(self, epochs: int, steps: int, val_steps: int, batch_size: int) -> None:
        super().__init__()
        self.epochs, self.steps, self.val_steps, self.batch_size = epochs, steps, val_steps, batch_size
        self.bar: Bar | None = None
        self.start = self.shown = 0.0
        self.pending = self.tested = 0
        self.before: Logs = None
        self.took: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Start the epoch's bar."""
        self.start = time.perf_counter()
        self.pending, self.tested, self.before = 0, 0, None
        total = (self.steps + self.val_steps) * self.batch_size
        self.bar = Bar(f"epoch {epoch + 1}/{self.epochs}", total)
        self.bar.start()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """One step further."""
        if self.bar is None or not self.bar.is_shown:
            return
        self.pending += self.batch_size
        now = time.perf_counter()
        if now - self.shown > REFRESH:
            # The loss of the look before: that of this step would have to be waited for.
            note = f"loss {float(self.before.get('loss', 0.0)):.3f}" if self.before else ""
            self.bar.advance(self.pending, note)
            self.pending, self.shown, self.before = 0, now, logs

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """One step of val further."""
        if self.bar is None or not self.bar.is_shown:
            return
        self.tested += self.batch_size
        now = time.perf_counter()
        if now - self.shown > REFRESH:
            self.bar.reach(self.steps * self.batch_size + self.tested, "val")
            self.shown = now

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Leave the epoch's line."""
        self.close()
        seconds = time.perf_counter() - self.start
        self.took.append(seconds)
        named = contract_names(logs or {})
        shown = [key for key in SHOWN if key in named]
        figures = "  ".join(f"{key} {named[key]:.4f}" for key in shown)
        log.info(f"epoch {epoch + 1}/{self.epochs}  {seconds:.1f} s  {figures}{self._left(epoch + 1)}")

    def _left(self, done: int) -> str:
        """Such as `  0:03:20 left`, for all epochs that follow `done`; empty before one has been timed.

        The median: the first epoch traces and compiles.
        """
        if not self.took or done >= self.epochs:
            return ""
        return f"  {timedelta(seconds=round(statistics.median(self.took) * (self.epochs - done)))} left"

    def close(self) -> None:
        """Take the bar away, however the training ended."""
        if self.bar is not None:
            self.bar.stop()


class History(keras.callbacks.Callback):  # type: ignore[misc]
    """A row an epoch; with pictures that grow it says at what size val was measured."""

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        self.batch_size = batch_size
        self.rows: list[dict[str, float]] = []
        self.before = self.start = self.trained = 0.0
        self.steps = 0

    @property
    def frame(self) -> pd.DataFrame:
        """`epoch, seconds, images_per_second, [val_image_size,] train/..., val/...`."""
        return pd.DataFrame(self.rows).astype({"epoch": int})

    @property
    def elapsed(self) -> float:
        """Seconds spent in the epoch that runs, before an interruption too."""
        return self.before + time.perf_counter() - self.start

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Start the clock."""
        self.start, self.steps = time.perf_counter(), 0

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Count the step."""
        self.steps += 1

    def on_test_begin(self, logs: Logs = None) -> None:
        """The training steps of the epoch are done."""
        self.trained = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Keep the epoch."""
        row = {
            "epoch": epoch + 1,
            "seconds": self.elapsed,
            "images_per_second": self.steps * self.batch_size / (self.trained - self.start),
        }
        if self.model.any_size:
            row[VAL_IMAGE_SIZE] = self.model.val_size or self.model.network.input_shape[1]
        self.rows.append(row | contract_names(logs or {}))
        self.before = 0.0
        self.start = time.perf_counter()

    def state(self) -> dict[str, Any]:
        """The time that the running epoch has taken so far; the rows are kept apart."""
        return {"elapsed": self.elapsed}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.before = state["elapsed"]


class Pruning(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends the training where the pruner says so; the epoch is on the disk then."""

    def __init__(self, pruner: Pruner, cfg: TrainerConfig) -> None:
        super().__init__()
        self.pruner, self.cfg = pruner, cfg
        self.reason = ""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Ask; after the last epoch there is nothing to end."""
        if self.pruner.monitor:
            value = contract_names(logs or {})[self.pruner.monitor]
            reason = self.pruner.should_prune(epoch + 1, value, since=self.cfg.phase(epoch).first + 1)
            if reason and epoch + 1 < self.cfg.last_epoch:
                self.reason = reason
                self.model.stop_training = True


class Publication(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells `history.csv` and the recorder of an epoch, once its checkpoint is on the disk.

    In that order a record never holds an epoch that a resumed run trains again.
    """

    def __init__(self, path: Path, recorder: Recorder, history: History) -> None:
        super().__init__()
        self.path, self.recorder, self.history = path, recorder, history

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Tell."""
        self.write()
        self.recorder.epoch(epoch + 1, contract_names(logs or {}))

    def write(self) -> None:
        """Write `history.csv`; a file that is there is whole."""
        with replacing(self.path) as partial:
            self.history.frame.to_csv(partial, index=False)
