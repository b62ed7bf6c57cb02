"""Learning-rate schedules: a builder for the dataclass of each schema."""

import math
from functools import singledispatch
from typing import Any

import keras
from keras import ops

from hmexp.config.schedule import CosineSchedule, OneCycleSchedule, ScheduleConfig, StepSchedule

LearningRate = Any
"""A number, or a `keras.optimizers.schedules.LearningRateSchedule`."""


@singledispatch
def build_schedule(cfg: ScheduleConfig, peak: float, steps_per_epoch: float, epochs: int) -> LearningRate:
    """Lay a schedule over `epochs`, however early the run stops.

    A schedule of your own is a dataclass below `ScheduleConfig` and a function registered for it here. Without
    one the learning rate stays at `peak` (`constant`; `plateau`, which a callback moves).

    Args:
        cfg: The `schedule` section.
        peak: `optimizer.learning_rate`.
        steps_per_epoch: Steps of a whole epoch.
        epochs: Epochs of the schedule.
    """
    return peak


@build_schedule.register
def _(cfg: CosineSchedule, peak: float, steps_per_epoch: float, epochs: int) -> LearningRate:
    total = max(1, round(steps_per_epoch * epochs))
    warmup = min(round(cfg.warmup_epochs * steps_per_epoch), total - 1)
    if warmup == 0:
        return keras.optimizers.schedules.CosineDecay(peak, total, alpha=cfg.final)
    return keras.optimizers.schedules.CosineDecay(
        0.0, total - warmup, warmup_target=peak, warmup_steps=warmup, alpha=cfg.final
    )


@build_schedule.register
def _(cfg: OneCycleSchedule, peak: float, steps_per_epoch: float, epochs: int) -> LearningRate:
    total = max(1.0, steps_per_epoch * epochs)
    return OneCycle(peak, total, cfg.warmup, cfg.start, cfg.final)


@build_schedule.register
def _(cfg: StepSchedule, peak: float, steps_per_epoch: float, epochs: int) -> LearningRate:
    steps = max(1, round(cfg.every * steps_per_epoch))
    return keras.optimizers.schedules.ExponentialDecay(peak, steps, cfg.factor, staircase=True)


@keras.saving.register_keras_serializable(package="hmexp")
class Shifted(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A schedule for an optimizer that is made after `offset` steps of the training."""

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule, offset: int = 0) -> None:
        self.schedule, self.offset = schedule, offset

    def __call__(self, step: Any) -> Any:  # noqa: ANN401
        """Learning rate of a step of the optimizer, counted from 0."""
        return self.schedule(step + self.offset)

    def get_config(self) -> dict[str, Any]:
        """What makes it again."""
        return {"schedule": self.schedule, "offset": self.offset}


@keras.saving.register_keras_serializable(package="hmexp")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Half a cosine from `start` up to `peak`, another down to `final` (shares of `peak`)."""

    def __init__(self, peak: float, total: float, warmup: float, start: float, final: float) -> None:
        self.peak, self.total, self.warmup, self.start, self.final = peak, total, warmup, start, final

    def __call__(self, step: Any) -> Any:  # noqa: ANN401
        """Learning rate of a step, counted from 0."""
        done = ops.minimum(ops.cast(step, "float32") / self.total, 1.0)
        up = done / self.warmup
        down = (done - self.warmup) / (1 - self.warmup)
        rising = self.start + (1 - self.start) * (1 - ops.cos(math.pi * up)) / 2
        falling = self.final + (1 - self.final) * (1 + ops.cos(math.pi * down)) / 2
        return self.peak * ops.where(done < self.warmup, rising, falling)

    def get_config(self) -> dict[str, float]:
        """What makes it again."""
        return {name: getattr(self, name) for name in ("peak", "total", "warmup", "start", "final")}
