"""The Trainer: Keras's `fit` with hmexp's events, checkpoints, best epoch, history and progress bar."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from hmexp.compat.keras import schedule_of
from hmexp.config.errors import RunError
from hmexp.config.model import FineTuning
from hmexp.config.optimizer import OptimizerConfig
from hmexp.config.schedule import ConstantSchedule, PlateauSchedule, ScheduleConfig
from hmexp.config.training import TrainerConfig
from hmexp.console import log
from hmexp.metrics.names import Metric, parse_monitor
from hmexp.metrics.streaming import streaming_metrics
from hmexp.training.best import Best
from hmexp.training.callbacks import FiniteLoss, History, ProgressBar, Pruning, Publication
from hmexp.training.checkpoint import ARRAYS_FILE, CheckpointDir, TrainingState, fits, read_arrays, read_state
from hmexp.training.checkpoints import Checkpoints, seeds_of
from hmexp.training.early_stopping import EarlyStopping, ReduceLROnPlateau
from hmexp.training.interruption import Interruption
from hmexp.training.learner import Learner
from hmexp.training.loaders import DataLoaders
from hmexp.training.optimizer import Updates, build_optimizer, freeze_backbone, inner_optimizer, shift_schedule
from hmexp.training.pruner import NoPruner, Pruner
from hmexp.training.recorder import Recorder
from hmexp.training.retrieval import RetrievalMonitor
from hmexp.training.schedule import Shifted, build_schedule
from hmexp.training.step_logs import StepCallbacks
from hmexp.training.weight_averaging import WeightAveraging


@dataclass(frozen=True)
class FitResult:
    """What a training gave.

    Attributes:
        history: A row an epoch: `epoch, seconds, images_per_second, train/..., val/...`, and `val_image_size` where
            pictures grow.
        best_epoch: The epoch whose weights the model has now.
        best_value: Its `monitor`.
        stopped_early: Whether `trainer.early_stopping` ended it.
        seconds: Time of all epochs, before an interruption too.
        pruned: Why the pruner ended it; empty where it did not.
    """

    history: pd.DataFrame
    best_epoch: int
    best_value: float
    stopped_early: bool
    seconds: float
    pruned: str = ""


@dataclass(frozen=True)
class Segment:
    """Epochs that one call of Keras's `fit` does; counted from 0, the last one left out."""

    first: int
    last: int
    first_step: int = 0


@dataclass
class Trainer:
    """Trains a network and gives it the weights of its best epoch.

    Attributes:
        cfg: The `trainer` section.
        optimizer: The `optimizer` section.
        job_dir: Where `history.csv` and `checkpoints/` go.
        recorder: Hears each epoch.
        schedule: The `schedule` section.
        fine_tuning: How a pretrained part is treated.
        interruption: Ends the training after a step, with a checkpoint.
        pruner: May end it after an epoch.
        callbacks: Of the user's; they see an epoch after hmexp's own, and before its checkpoint is written.
    """

    cfg: TrainerConfig
    optimizer: OptimizerConfig
    job_dir: Path
    recorder: Recorder
    schedule: ScheduleConfig = field(default_factory=ConstantSchedule)
    fine_tuning: FineTuning = field(default_factory=FineTuning)
    interruption: Interruption = field(default_factory=Interruption)
    pruner: Pruner = field(default_factory=NoPruner)
    callbacks: Sequence[keras.callbacks.Callback] = ()

    @property
    def monitor(self) -> Metric:
        """The metric that decides which epoch is the best one."""
        return parse_monitor("trainer.monitor", self.cfg.monitor)

    def fit(self, learner: Learner, loaders: DataLoaders, start: Path | None = None) -> FitResult:
        """Train from the beginning, or from a checkpoint.

        Args:
            learner: What is trained.
            loaders: Batches and their numbers.
            start: A checkpoint of the same model. What else has changed since (another optimizer, monitor or batch
                size) begins anew; nothing has where a run is resumed.

        Raises:
            RunError: The loss is no number any more, or a checkpoint of another model.
            KeyboardInterrupt: The user wanted the end; a checkpoint was written.
        """
        setup = self._setup(loaders)
        before = TrainingState(setup=setup) if start is None else read_state(start)
        state = before.under(setup)
        metrics = streaming_metrics(learner.network.output_shape[-1])
        learner.placed = loaders.placed
        parts = self._parts(loaders, metrics, state)
        phase, measured_at = -1, state.val_size
        with self.interruption.deferred():
            for segment in self._segments(state):
                if phase != (phase := self._phase(segment.first)):
                    self.compile(learner, metrics, segment.first, loaders)
                    if start is not None and segment.first == state.epoch:
                        changed = {key for key, value in setup.items() if before.setup.get(key) != value}
                        self._load(start, before, changed, learner)
                    shift_schedule(learner.optimizer, segment.first * loaders.steps_per_epoch + segment.first_step)
                measured_at = self._resize(learner, segment.first, measured_at, parts)
                parts.checkpoints.begin(segment.first_step, loaders.steps_per_epoch, start)
                self._fit_segment(learner, loaders, segment, parts)
                if learner.stop_training:
                    break
        parts.best.restore(learner.network)
        return FitResult(
            history=parts.history.frame,
            best_epoch=parts.best.epoch,
            best_value=parts.best.value,
            stopped_early=parts.stopped_early,
            seconds=float(parts.history.frame["seconds"].sum()),
            pruned=parts.pruning.reason,
        )

    def _setup(self, loaders: DataLoaders) -> dict[str, Any]:
        """What a checkpoint is taken under; see `TrainingState.setup`."""
        return {
            "optimizer": type(self.optimizer).__name__,
            "learning_rate": [type(self.schedule).__name__, self.optimizer.learning_rate],
            "monitor": self.cfg.monitor,
            "steps": [self.cfg.batch_size, loaders.steps_per_epoch],
        }

    def _parts(self, loaders: DataLoaders, metrics: list[keras.metrics.Metric], state: TrainingState) -> "_Parts":
        folder, monitor = CheckpointDir(self.job_dir / "checkpoints"), self.cfg.monitor
        averaging = WeightAveraging(self.cfg.ema is not None, loaders.plain)
        history = History(self.cfg.batch_size)
        best = Best(folder.folder, monitor, self.monitor, averaging)
        waiting: dict[str, Any] = {}
        if isinstance(self.schedule, PlateauSchedule):
            waiting["plateau"] = ReduceLROnPlateau(monitor, self.schedule)
        if self.cfg.early_stopping is not None:
            waiting["early_stopping"] = EarlyStopping(monitor, self.cfg.early_stopping, self.cfg.phases[-1].first)
        kept: dict[str, Any] = {"history": history, "best": best} | waiting
        history.rows = list(state.history)
        for name, callback in kept.items():
            if name in state.callbacks:
                callback.load(state.callbacks[name])
        publication = Publication(self.job_dir / "history.csv", self.recorder, history)
        checkpoints = Checkpoints(folder, metrics, kept, state.setup, self.cfg.checkpoint_steps, self.interruption)
        bar = ProgressBar(self.cfg.last_epoch, loaders.steps_per_epoch, loaders.val_steps, self.cfg.batch_size)
        if state.epoch:
            publication.write()
            self.recorder.history(history.frame)
        finite = FiniteLoss()
        retrieval = []
        if loaders.val_groups is not None:
            retrieval.append(RetrievalMonitor(loaders.val, loaders.val_steps, loaders.val_groups, averaging))
        own = [finite, *retrieval, bar, history, averaging, best, *waiting.values()]
        order = [*own, *self.callbacks, checkpoints]
        pruning = Pruning(self.pruner, self.cfg)
        callbacks = [*order, publication, pruning]
        watchers = [best, *waiting.values()]
        stopping = waiting.get("early_stopping")
        return _Parts(finite, history, best, stopping, bar, checkpoints, pruning, watchers, callbacks)

    def _segments(self, state: TrainingState) -> Iterator[Segment]:
        """What is left: the rest of an epoch that was begun, then whole epochs, cut where the phase changes."""
        epoch = state.epoch
        if self.cfg.early_stopping is not None and state.epochs_waited >= self.cfg.early_stopping:
            return
        if state.step:
            yield Segment(epoch, epoch + 1, state.step)
            epoch += 1
        cuts = {self.fine_tuning.freeze_epochs, *(phase.first for phase in self.cfg.phases)}
        for last in (*sorted(cut for cut in cuts if epoch < cut < self.cfg.last_epoch), self.cfg.last_epoch):
            if epoch < last:
                yield Segment(epoch, last)
            epoch = last

    def _phase(self, epoch: int) -> int:
        """0 while the backbone is frozen, 1 after that."""
        return int(epoch >= self.fine_tuning.freeze_epochs)

    def _resize(self, learner: Learner, epoch: int, measured_at: int | None, parts: "_Parts") -> int | None:
        """Train and evaluate at the sizes of the phase after `epoch` epochs; gives the side of val's pictures.

        Where val had another one until now, what compares its figures begins anew.
        """
        phase = self.cfg.phase(epoch)
        learner.resize(phase.size, phase.val_size)
        if phase.val_size != measured_at:
            for watcher in parts.watchers:
                watcher.forget()
        return phase.val_size

    def compile(self, learner: Learner, metrics: list[keras.metrics.Metric], epoch: int, loaders: DataLoaders) -> None:
        """Give the learner an optimizer as it is at the beginning of a phase.

        Args:
            learner: What is trained.
            metrics: Kept while it trains.
            epoch: Epochs that are complete.
            loaders: For the steps that the schedule is laid over.
        """
        rates = freeze_backbone(learner.network, self.fine_tuning, self._phase(epoch) == 0)
        peak = self.optimizer.learning_rate
        learning_rate = build_schedule(self.schedule, peak, loaders.whole_epoch, self.cfg.epochs)
        if isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            learning_rate = Shifted(learning_rate)
        optimizer = build_optimizer(self.optimizer, Updates(learning_rate, self.cfg.ema, self.cfg.accumulate, rates))
        if keras.config.dtype_policy().name == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        jit: str | bool = {"true": True, "false": False}.get(self.cfg.jit_compile, "auto")
        learner.compile(optimizer, metrics=metrics, weighted_metrics=[], jit_compile=jit)
        optimizer.build(learner.trainable_variables)

    def _load(self, start: Path, before: TrainingState, changed: set[str], learner: Learner) -> None:
        """Give network and optimizer what they had; an optimizer of another kind starts afresh."""
        path, network, optimizer = start / ARRAYS_FILE, learner.network, learner.optimizer
        read_arrays(path, {"network": network.weights})
        if fits(path, "seeds", seeds_of(network)):
            read_arrays(path, {"seeds": seeds_of(network)})
        last = before.epoch if before.step else before.epoch - 1
        if self._phase(last) != self._phase(before.epoch):
            return
        if "optimizer" in changed or not fits(path, "optimizer", optimizer.variables):
            log.info("the optimizer is another one than the checkpoint's: it starts afresh")
            return
        read_arrays(path, {"optimizer": optimizer.variables})
        if "learning_rate" in changed and not isinstance(schedule_of(inner_optimizer(optimizer)), Shifted):
            optimizer.learning_rate = self.optimizer.learning_rate

    def _fit_segment(self, learner: Learner, loaders: DataLoaders, segment: Segment, parts: "_Parts") -> None:
        steps = loaders.steps_per_epoch - segment.first_step
        callbacks = StepCallbacks(parts.callbacks, learner, {"verbose": 0, "epochs": segment.last, "steps": steps})
        try:
            learner.fit(
                loaders.train(segment.first + 1, segment.first_step, segment.last),
                initial_epoch=segment.first,
                epochs=segment.last,
                steps_per_epoch=steps,
                validation_data=loaders.val,
                validation_steps=loaders.val_steps,
                shuffle=False,
                verbose=0,
                callbacks=callbacks,
            )
        except RunError:
            raise
        except Exception:
            parts.finite.check_last()
            raise
        finally:
            parts.bar.close()


@dataclass(frozen=True)
class _Parts:
    """The callbacks of one training; `watchers` are those that compare values of `trainer.monitor`."""

    finite: FiniteLoss
    history: History
    best: Best
    early_stopping: EarlyStopping | None
    bar: ProgressBar
    checkpoints: Checkpoints
    pruning: Pruning
    watchers: list[Any]
    callbacks: list[keras.callbacks.Callback]

    @property
    def stopped_early(self) -> bool:
        """Whether `trainer.early_stopping` has ended the run."""
        return self.early_stopping is not None and self.early_stopping.stopped
