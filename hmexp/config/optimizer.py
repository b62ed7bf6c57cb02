"""The `optimizer` and `schedule` sections."""

from dataclasses import dataclass

from hmexp.config.errors import require


@dataclass
class OptimizerConfig:
    """An optimizer; the subclasses say which."""

    learning_rate: float = 1e-3
    """Learning rate; the peak, where a schedule moves it."""
    clip_norm: float | None = None
    """Largest norm of all gradients together; null does not clip."""

    def __post_init__(self) -> None:
        require(self.learning_rate > 0, "optimizer.learning_rate", "a number above 0", self.learning_rate)
        clip = self.clip_norm
        require(clip is None or clip > 0, "optimizer.clip_norm", "null or a number above 0", clip)


@dataclass
class AdamConfig(OptimizerConfig):
    """Adam (Kingma and Ba 2015)."""

    beta_1: float = 0.9
    """Decay of the mean of the gradients."""
    beta_2: float = 0.999
    """Decay of the mean of their squares."""
    epsilon: float = 1e-7
    """Added to the denominator."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_shares(self, "beta_1", "beta_2")
        require(self.epsilon > 0, "optimizer.epsilon", "a number above 0", self.epsilon)


@dataclass
class AdamWConfig(AdamConfig):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    weight_decay: float = 0.004
    """Share of the weights taken off at each step, times the learning rate; biases and norms are left alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_decay(self.weight_decay)


@dataclass
class SgdConfig(OptimizerConfig):
    """Stochastic gradient descent with momentum."""

    learning_rate: float = 1e-2
    """Learning rate; the peak, where a schedule moves it."""
    momentum: float = 0.9
    """Share of the last step that is taken again."""
    nesterov: bool = False
    """Look ahead along the momentum."""
    weight_decay: float = 0.0
    """Share of the weights taken off at each step, times the learning rate; biases and norms are left alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_shares(self, "momentum")
        _check_decay(self.weight_decay)


@dataclass
class LionConfig(OptimizerConfig):
    """Lion: the sign of the momentum (Chen et al. 2023); wants about a tenth of Adam's learning rate."""

    learning_rate: float = 1e-4
    """Learning rate; the peak, where a schedule moves it."""
    beta_1: float = 0.9
    """Share of the momentum in the step."""
    beta_2: float = 0.99
    """Decay of the momentum."""
    weight_decay: float = 0.04
    """Share of the weights taken off at each step, times the learning rate; biases and norms are left alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_shares(self, "beta_1", "beta_2")
        _check_decay(self.weight_decay)


@dataclass
class MuonConfig(OptimizerConfig):
    """Muon (Jordan et al. 2024): orthogonal steps for all hidden kernels, Adam for the rest."""

    learning_rate: float = 0.02
    """Learning rate of the kernels; the peak, where a schedule moves it."""
    adam_ratio: float = 0.2
    """Factor of the learning rate for what goes by Adam: first convolution, last layer, norms, biases."""
    momentum: float = 0.95
    """Share of the last step that is taken again."""
    weight_decay: float = 0.0
    """Share of the weights taken off at each step, times the learning rate; biases and norms are left alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.adam_ratio > 0, "optimizer.adam_ratio", "a number above 0", self.adam_ratio)
        _check_shares(self, "momentum")
        _check_decay(self.weight_decay)


@dataclass
class ScheduleConfig:
    """How the learning rate moves over `trainer.epochs`; the subclasses say which way."""


@dataclass
class ConstantSchedule(ScheduleConfig):
    """It does not move."""


@dataclass
class CosineSchedule(ScheduleConfig):
    """A linear warm-up, then half a cosine (Loshchilov and Hutter, SGDR, 2017)."""

    warmup_epochs: float = 0.0
    """Epochs (parts too) over which it climbs from 0."""
    final: float = 0.0
    """Share of `optimizer.learning_rate` that it ends at."""

    def __post_init__(self) -> None:
        require(self.warmup_epochs >= 0, "schedule.warmup_epochs", "a number of at least 0", self.warmup_epochs)
        require(0 <= self.final <= 1, "schedule.final", "a share from 0 to 1", self.final)


@dataclass
class OneCycleSchedule(ScheduleConfig):
    """Up by half a cosine, then down to nearly nothing (Smith 2018; factors as in fastai)."""

    warmup: float = 0.25
    """Share of the steps on the way up."""
    start: float = 0.04
    """Share of `optimizer.learning_rate` that it starts at."""
    final: float = 1e-5
    """Share of `optimizer.learning_rate` that it ends at."""

    def __post_init__(self) -> None:
        require(0 < self.warmup < 1, "schedule.warmup", "a share between 0 and 1", self.warmup)
        for name in ("start", "final"):
            require(0 <= getattr(self, name) <= 1, f"schedule.{name}", "a share from 0 to 1", getattr(self, name))


@dataclass
class StepSchedule(ScheduleConfig):
    """Times `factor` after every `every` epochs."""

    every: float = 10.0
    """Epochs (parts too) from one step to the next."""
    factor: float = 0.1
    """What the learning rate is multiplied by."""

    def __post_init__(self) -> None:
        require(self.every > 0, "schedule.every", "a number of epochs above 0", self.every)
        require(0 < self.factor < 1, "schedule.factor", "a share between 0 and 1", self.factor)


@dataclass
class PlateauSchedule(ScheduleConfig):
    """Times `factor` when `trainer.monitor` has not become better for `patience` epochs."""

    patience: int = 3
    """Epochs without a better monitor before each step down."""
    factor: float = 0.3
    """What the learning rate is multiplied by."""
    minimum: float = 0.0
    """Learning rate below which it does not go."""

    def __post_init__(self) -> None:
        require(self.patience >= 1, "schedule.patience", "a whole number of at least 1", self.patience)
        require(0 < self.factor < 1, "schedule.factor", "a share between 0 and 1", self.factor)
        require(self.minimum >= 0, "schedule.minimum", "a number of at least 0", self.minimum)


def _check_shares(cfg: OptimizerConfig, *names: str) -> None:
    for name in names:
        value = getattr(cfg, name)
        require(0 <= value < 1, f"optimizer.{name}", "a number from 0 to below 1", value)


def _check_decay(value: float) -> None:
    require(value >= 0, "optimizer.weight_decay", "a number of at least 0", value)
