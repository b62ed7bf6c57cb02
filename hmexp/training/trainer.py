"""The Trainer: Keras's `fit` with hmexp's events, best checkpoint, history and progress bar."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from hmexp.config.training import TrainerConfig
from hmexp.metrics.names import Metric, parse_monitor
from hmexp.metrics.streaming import streaming_metrics
from hmexp.training.callbacks import BestCheckpoint, EpochEvents, FiniteLoss, ProgressBar, StopOnInterruption
from hmexp.training.interruption import Interruption
from hmexp.training.recorder import Recorder

BEST_WEIGHTS = "best.weights.h5"


@dataclass(frozen=True)
class Batches:
    """What a training is fed with.

    Attributes:
        train: Batches of all epochs, one after another (tf.data).
        val: Batches of one pass over val.
        steps_per_epoch: Training steps of an epoch.
        val_steps: Steps over val.
    """

    train: Any
    val: Any
    steps_per_epoch: int
    val_steps: int


@dataclass(frozen=True)
class FitResult:
    """What a training gave.

    Attributes:
        history: A row an epoch: `epoch, seconds, images_per_second, train/..., val/...`.
        best_epoch: The epoch whose weights the model has now.
        best_value: Its `monitor`.
        stopped_early: Whether `trainer.early_stopping` ended it.
        seconds: Wall time of all epochs.
    """

    history: pd.DataFrame
    best_epoch: int
    best_value: float
    stopped_early: bool
    seconds: float


@dataclass
class Trainer:
    """Trains a model and gives it the weights of its best epoch.

    Attributes:
        cfg: The `trainer` section.
        optimizer: Built for this training.
        job_dir: Where `history.csv` and `checkpoints/` go.
        recorder: Hears each epoch.
        interruption: Ends the training between two steps.
    """

    cfg: TrainerConfig
    optimizer: keras.optimizers.Optimizer
    job_dir: Path
    recorder: Recorder
    interruption: Interruption = field(default_factory=Interruption)

    @property
    def monitor(self) -> Metric:
        """The metric that decides which epoch is the best one."""
        return parse_monitor("trainer.monitor", self.cfg.monitor)

    def fit(self, model: keras.Model, batches: Batches) -> FitResult:
        """Train.

        Raises:
            RunError: The loss is no number any more.
        """
        model.compile(
            optimizer=self.optimizer,
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=streaming_metrics(model.output_shape[-1]),
            weighted_metrics=[],
        )
        events = EpochEvents(self.job_dir / "history.csv", self.recorder, self.cfg.batch_size)
        best = BestCheckpoint(self.job_dir / "checkpoints" / BEST_WEIGHTS, self.cfg.monitor, self.monitor)
        bar = ProgressBar(self.cfg.last_epoch, batches.steps_per_epoch, batches.val_steps, self.cfg.batch_size)
        stopper = self._early_stopping()
        start = time.perf_counter()
        try:
            model.fit(
                batches.train,
                epochs=self.cfg.last_epoch,
                steps_per_epoch=batches.steps_per_epoch,
                validation_data=batches.val,
                validation_steps=batches.val_steps,
                shuffle=False,
                verbose=0,
                callbacks=[StopOnInterruption(self.interruption), FiniteLoss(), bar, events, best, *stopper],
            )
        finally:
            bar.close()
        best.restore()
        return FitResult(
            history=events.history,
            best_epoch=best.epoch,
            best_value=best.value,
            stopped_early=any(callback.stopped_epoch > 0 for callback in stopper),
            seconds=time.perf_counter() - start,
        )

    def _early_stopping(self) -> list[keras.callbacks.EarlyStopping]:
        if self.cfg.early_stopping is None:
            return []
        name = self.cfg.monitor.replace("val/", "val_")
        mode = "max" if self.monitor.higher_is_better else "min"
        return [keras.callbacks.EarlyStopping(monitor=name, mode=mode, patience=self.cfg.early_stopping)]
