"""Keras callbacks: a loss that stays finite, the progress bar, the history, the best checkpoint."""

import math
import time
from pathlib import Path
from typing import Any

import keras
import pandas as pd
from rich.progress import TaskID

from hmexp.config.errors import RunError
from hmexp.console import log, progress_bar
from hmexp.metrics.names import Metric, better
from hmexp.training.interruption import Interruption
from hmexp.training.recorder import Recorder

Logs = dict[str, Any] | None


def contract_names(logs: dict[str, Any]) -> dict[str, float]:
    """Keras's names -> hmexp's: `loss` -> `train/loss`, `val_loss` -> `val/loss`. The only place that maps them."""
    named = {}
    for name, value in logs.items():
        split, metric = ("val", name[4:]) if name.startswith("val_") else ("train", name)
        named[f"{split}/{metric}"] = float(value)
    return named


class StopOnInterruption(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends the run at the next step where a Ctrl-C was swallowed on its way."""

    def __init__(self, interruption: Interruption) -> None:
        super().__init__()
        self.interruption = interruption

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Look whether the user wants the end."""
        self.interruption.check()


class FiniteLoss(keras.callbacks.Callback):  # type: ignore[misc]
    """Stops the run at the first step whose loss is no number."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 1

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Remember the epoch, counted from 1."""
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Look at the loss.

        Raises:
            RunError: It is NaN or infinite.
        """
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
            raise RunError(
                f"the loss became {loss} at epoch {self.epoch}, step {batch + 1}: lower optimizer.learning_rate "
                f"({rate:g}), set optimizer.clip_norm=1, or use trainer.precision=float32"
            )


class ProgressBar(keras.callbacks.Callback):  # type: ignore[misc]
    """A bar an epoch with images/s, time left and the loss; a line an epoch stays."""

    def __init__(self, epochs: int, steps: int, val_steps: int, batch_size: int) -> None:
        super().__init__()
        self.epochs, self.steps, self.val_steps, self.batch_size = epochs, steps, val_steps, batch_size
        self.bar = progress_bar()
        self.task: TaskID | None = None
        self.start = 0.0

    def on_train_begin(self, logs: Logs = None) -> None:
        """Show the bar."""
        self.bar.start()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Start the epoch's bar."""
        self.start = time.perf_counter()
        total = (self.steps + self.val_steps) * self.batch_size
        self.task = self.bar.add_task(f"epoch {epoch + 1}/{self.epochs}", total=total, note="")

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """One step further."""
        if self.task is not None and not self.bar.disable:
            note = f"loss {float((logs or {}).get('loss', 0.0)):.3f}"
            self.bar.update(self.task, advance=self.batch_size, note=note)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """One step of val further."""
        if self.task is not None:
            self.bar.update(self.task, advance=self.batch_size, note="val")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Leave the epoch's line."""
        if self.task is not None:
            self.bar.remove_task(self.task)
        seconds = time.perf_counter() - self.start
        named = contract_names(logs or {})
        shown = [
            key for key in ("train/loss", "train/accuracy", "val/loss", "val/accuracy", "val/macro_f1") if key in named
        ]
        figures = "  ".join(f"{key} {named[key]:.4f}" for key in shown)
        log.info(f"epoch {epoch + 1}/{self.epochs}  {seconds:.1f} s  {figures}")

    def close(self) -> None:
        """Take the bar away, however the training ended."""
        self.bar.stop()


class EpochEvents(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes `history.csv` and tells the recorder, once an epoch."""

    def __init__(self, path: Path, recorder: Recorder, batch_size: int) -> None:
        super().__init__()
        self.path, self.recorder, self.batch_size = path, recorder, batch_size
        self.rows: list[dict[str, float]] = []
        self.start = self.trained = 0.0

    @property
    def history(self) -> pd.DataFrame:
        """A row an epoch."""
        return pd.DataFrame(self.rows).astype({"epoch": int})

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Start the clock."""
        self.start = time.perf_counter()

    def on_test_begin(self, logs: Logs = None) -> None:
        """The training steps of the epoch are done."""
        self.trained = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Keep the epoch."""
        metrics = contract_names(logs or {})
        images = self.params["steps"] * self.batch_size
        row = {
            "epoch": epoch + 1,
            "seconds": time.perf_counter() - self.start,
            "images_per_second": images / (self.trained - self.start),
        }
        self.rows.append(row | metrics)
        partial = self.path.with_suffix(".partial")
        self.history.to_csv(partial, index=False)
        partial.replace(self.path)
        self.recorder.epoch(epoch + 1, metrics)


class BestCheckpoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the weights of the best epoch; a file that is there is whole.

    The weights go through a model of the same layers that is not compiled: with the optimizer's state the file
    is three times as large, and Keras 3.15 reads that state back value by value (35 s for cnn3, against 0.03 s).
    """

    def __init__(self, path: Path, monitor: str, metric: Metric) -> None:
        super().__init__()
        self.path, self.monitor, self.metric = path, monitor, metric
        self.epoch = 0
        self.value = math.nan

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save where the monitor is better than ever before."""
        value = contract_names(logs or {})[self.monitor]
        if self.epoch and not better(self.metric, value, self.value):
            return
        self.epoch, self.value = epoch + 1, value
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(f"partial.{self.path.name}")
        _bare(self.model).save_weights(partial)
        partial.replace(self.path)

    def restore(self) -> None:
        """Give the model the weights of the best epoch."""
        _bare(self.model).load_weights(self.path)


def _bare(model: keras.Model) -> keras.Model:
    """The same layers, without optimizer and metrics."""
    return keras.Model(model.input, model.output, name=model.name)
