"""The `optimizer` and `trainer` sections."""

from dataclasses import dataclass

from hmexp.config.errors import one_of, require

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclass
class OptimizerConfig:
    """An optimizer with its learning-rate schedule; the subclasses say which."""

    learning_rate: float = 1e-3
    """Learning rate; the peak, where a schedule moves it."""
    schedule: str = "constant"
    """`constant`, or `cosine` down to 0 over `trainer.epochs`."""
    warmup_epochs: float = 0.0
    """Epochs (parts too) over which `cosine` first climbs from 0."""
    clip_norm: float | None = None
    """Largest norm of all gradients together; null does not clip."""

    def __post_init__(self) -> None:
        rate, warmup = self.learning_rate, self.warmup_epochs
        require(rate > 0, "optimizer.learning_rate", "a number above 0", rate)
        one_of("optimizer.schedule", self.schedule, ("constant", "cosine"))
        require(warmup >= 0, "optimizer.warmup_epochs", "a number of at least 0", warmup)
        ok = warmup == 0 or self.schedule == "cosine"
        require(ok, "optimizer.warmup_epochs", "0 unless optimizer.schedule=cosine", warmup)
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
        for name in ("beta_1", "beta_2"):
            value = getattr(self, name)
            require(0 <= value < 1, f"optimizer.{name}", "a number from 0 to below 1", value)
        require(self.epsilon > 0, "optimizer.epsilon", "a number above 0", self.epsilon)


@dataclass
class AdamWConfig(AdamConfig):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    weight_decay: float = 0.004
    """Share of the weights taken off at each step, times the learning rate."""

    def __post_init__(self) -> None:
        super().__post_init__()
        decay = self.weight_decay
        require(decay >= 0, "optimizer.weight_decay", "a number of at least 0", decay)


@dataclass
class SgdConfig(OptimizerConfig):
    """Stochastic gradient descent with momentum."""

    learning_rate: float = 1e-2
    """Learning rate; the peak, where a schedule moves it."""
    momentum: float = 0.9
    """Share of the last step that is taken again."""
    nesterov: bool = False
    """Look ahead along the momentum."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.momentum < 1, "optimizer.momentum", "a number from 0 to below 1", self.momentum)


@dataclass
class TrainerConfig:
    """How long, in what batches, on what device, and which epoch is kept."""

    epochs: int = 5
    """Passes over the training split; the learning-rate schedule is laid over them."""
    stop_after: int | None = None
    """Epochs after which the run ends, without moving the schedule; null runs them all."""
    batch_size: int = 32
    """Pictures a step."""
    monitor: str = "val/macro_f1"
    """Metric that decides which epoch is the best one."""
    early_stopping: int | None = None
    """Epochs without a better `monitor` after which the run ends; null never ends early."""
    precision: str = "float32"
    """float32, mixed_bfloat16 or mixed_float16."""
    device: str = "auto"
    """`auto`, `cpu`, `gpu` or one GPU by its number, such as `gpu:1`."""
    limit_batches: int | None = None
    """Steps of each epoch and of each evaluation; null does them all. The schedule does not move."""
    train_sample: int = 2000
    """Training pictures that the final evaluation looks at."""

    def __post_init__(self) -> None:
        require(self.epochs >= 1, "trainer.epochs", "a whole number of at least 1", self.epochs)
        stop = self.stop_after
        expected = f"null or a whole number from 1 to trainer.epochs={self.epochs}"
        require(stop is None or 1 <= stop <= self.epochs, "trainer.stop_after", expected, stop)
        require(self.batch_size >= 1, "trainer.batch_size", "a whole number of at least 1", self.batch_size)
        for name in ("early_stopping", "limit_batches"):
            value = getattr(self, name)
            expected = "null or a whole number of at least 1"
            require(value is None or value >= 1, f"trainer.{name}", expected, value)
        one_of("trainer.precision", self.precision, PRECISIONS)
        kind, _, number = self.device.partition(":")
        ok = self.device in ("auto", "cpu", "gpu") or (kind == "gpu" and number.isdecimal())
        require(ok, "trainer.device", "auto, cpu, gpu or gpu:NUMBER", self.device)
        require(self.train_sample >= 1, "trainer.train_sample", "a whole number of at least 1", self.train_sample)

    @property
    def last_epoch(self) -> int:
        """The epoch after which training ends at the latest."""
        return self.stop_after or self.epochs
