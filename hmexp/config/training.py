"""The `trainer` section: how long, in what batches, how exactly, on what."""

from dataclasses import dataclass

from hmexp.config.errors import one_of, require

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16", "auto")
STRATEGIES = ("auto", "none", "mirrored", "jax_data_parallel")
MODES = ("fit", "overfit", "lr_find", "profile")
JIT = ("auto", "true", "false")


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
    ema: float | None = None
    """Decay of a moving average of the weights, such as 0.99, that is evaluated and kept; null keeps none."""
    precise_norm: int = 0
    """Batches of training pictures as they are over which batch norms are measured anew before each evaluation, for
    what is evaluated and kept; 0 keeps the running statistics of training."""
    accumulate: int = 1
    """Steps whose gradients are averaged before the weights move."""
    image_sizes: list[int] | None = None
    """Sides of the training pictures, in pixels, one after another in equal parts of the epochs (progressive
    resizing); val and test always have `data.image_size`. null trains at that size throughout."""
    checkpoint_steps: int | None = None
    """Steps from one checkpoint to the next inside an epoch; null writes one at the end of every epoch."""
    precision: str = "float32"
    """float32, mixed_bfloat16 or mixed_float16; `auto` times float32 and bfloat16 and takes the faster."""
    jit_compile: str = "auto"
    """Whether XLA compiles the step: `auto` (as Keras decides: not on a CPU), true or false."""
    strategy: str = "auto"
    """Over several devices of a machine: `auto`, none, mirrored (TensorFlow) or jax_data_parallel."""
    device: str = "auto"
    """`auto`, `cpu`, `gpu` or one GPU by its number, such as `gpu:1`."""
    limit_batches: int | None = None
    """Steps of each epoch and of each evaluation; null does them all. The schedule does not move."""
    mode: str = "fit"
    """`fit`; the debug modes are `overfit`, `lr_find` and `profile`, chosen with debug=NAME."""
    probe_steps: int = 100
    """Steps of `lr_find` and of `profile`."""
    train_sample: int = 2000
    """Training pictures that the final evaluation looks at."""

    def __post_init__(self) -> None:
        require(self.epochs >= 1, "trainer.epochs", "a whole number of at least 1", self.epochs)
        stop = self.stop_after
        expected = f"null or a whole number from 1 to trainer.epochs={self.epochs}"
        require(stop is None or 1 <= stop <= self.epochs, "trainer.stop_after", expected, stop)
        require(self.batch_size >= 1, "trainer.batch_size", "a whole number of at least 1", self.batch_size)
        for name in ("early_stopping", "limit_batches", "checkpoint_steps"):
            value = getattr(self, name)
            expected = "null or a whole number of at least 1"
            require(value is None or value >= 1, f"trainer.{name}", expected, value)
        require(self.ema is None or 0 < self.ema < 1, "trainer.ema", "null or a number between 0 and 1", self.ema)
        require(self.precise_norm >= 0, "trainer.precise_norm", "a whole number of at least 0", self.precise_norm)
        require(self.accumulate >= 1, "trainer.accumulate", "a whole number of at least 1", self.accumulate)
        sizes = self.image_sizes
        ok = sizes is None or (len(sizes) > 0 and min(sizes) >= 8)
        require(ok, "trainer.image_sizes", "null or a list of sides of at least 8 pixels", sizes)
        self.jit_compile = str(self.jit_compile).lower()
        one_of("trainer.mode", self.mode, MODES)
        require(self.probe_steps >= 10, "trainer.probe_steps", "a whole number of at least 10", self.probe_steps)
        one_of("trainer.jit_compile", self.jit_compile, JIT)
        one_of("trainer.strategy", self.strategy, STRATEGIES)
        one_of("trainer.precision", self.precision, PRECISIONS)
        kind, _, number = self.device.partition(":")
        ok = self.device in ("auto", "cpu", "gpu") or (kind == "gpu" and number.isdecimal())
        require(ok, "trainer.device", "auto, cpu, gpu or gpu:NUMBER", self.device)
        require(self.train_sample >= 1, "trainer.train_sample", "a whole number of at least 1", self.train_sample)

    @property
    def resized_after(self) -> list[int]:
        """Epochs after which the training pictures get their next size."""
        count = len(self.image_sizes or [])
        return [round(self.epochs * number / count) for number in range(1, count)]

    def image_size(self, epoch: int) -> int:
        """Side of the training pictures after `epoch` complete epochs; only with `image_sizes`."""
        sizes = self.image_sizes or []
        return sizes[sum(epoch >= cut for cut in self.resized_after)]

    @property
    def last_epoch(self) -> int:
        """The epoch after which training ends at the latest."""
        return self.stop_after or self.epochs
