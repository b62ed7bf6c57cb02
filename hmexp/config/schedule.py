"""The `schedule` section: how the learning rate moves."""

from dataclasses import dataclass

from hmexp.config.fields import Section, number


@dataclass
class ScheduleConfig(Section, key="schedule"):
    """How the learning rate moves over `trainer.epochs`; the subclasses say which way."""


@dataclass
class ConstantSchedule(ScheduleConfig):
    """It does not move."""


@dataclass
class CosineSchedule(ScheduleConfig):
    """A linear warm-up, then half a cosine (Loshchilov and Hutter, SGDR, 2017)."""

    warmup_epochs: float = number(0.0, ge=0, le=100_000)
    """Epochs (parts too) over which it climbs from 0."""
    final: float = number(0.0, ge=0, le=1, noun="a share")
    """Share of `optimizer.learning_rate` that it ends at."""


@dataclass
class OneCycleSchedule(ScheduleConfig):
    """Up by half a cosine, then down to nearly nothing (Smith 2018; factors as in fastai)."""

    warmup: float = number(0.25, gt=0, lt=1, noun="a share")
    """Share of the steps on the way up."""
    start: float = number(0.04, ge=0, le=1, noun="a share")
    """Share of `optimizer.learning_rate` that it starts at."""
    final: float = number(1e-5, ge=0, le=1, noun="a share")
    """Share of `optimizer.learning_rate` that it ends at."""


@dataclass
class StepSchedule(ScheduleConfig):
    """Times `factor` after every `every` epochs."""

    every: float = number(10.0, gt=0, le=100_000, noun="a number of epochs")
    """Epochs (parts too) from one step to the next."""
    factor: float = number(0.1, gt=0, lt=1, noun="a share")
    """What the learning rate is multiplied by."""


@dataclass
class PlateauSchedule(ScheduleConfig):
    """Times `factor` when `trainer.monitor` has not become better for `patience` epochs."""

    patience: int = number(3, ge=1, le=100_000)
    """Epochs without a better monitor before each step down."""
    factor: float = number(0.3, gt=0, lt=1, noun="a share")
    """What the learning rate is multiplied by."""
    minimum: float = number(0.0, ge=0, le=1000)
    """Learning rate below which it does not go."""
