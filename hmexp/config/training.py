"""The `trainer` section: how long, in what batches, how exactly, on what."""

from dataclasses import dataclass

from hmexp.config.errors import one_of, require
from hmexp.config.fields import Section, number

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16", "auto")
STRATEGIES = ("auto", "none", "mirrored", "jax_data_parallel")
MODES = ("fit", "overfit", "lr_find", "profile")
JIT = ("auto", "true", "false")
ON_DEVICE = ("auto", "true", "false")


@dataclass
class TrainerConfig(Section, key="trainer"):
    """How long, in what batches, on what device, and which epoch is kept."""

    epochs: int = number(5, ge=1, le=100_000)
    """Passes over the training split; the learning-rate schedule is laid over them."""
    stop_after: int | None = number(None, ge=1, le=100_000)
    """Epochs after which the run ends, without moving the schedule; null runs them all."""
    batch_size: int = number(32, ge=1, le=65_536)
    """Pictures a step."""
    monitor: str = "val/macro_f1"
    """Metric that decides which epoch is the best one."""
    early_stopping: int | None = number(None, ge=1, le=100_000)
    """Epochs without a better `monitor` after which the run ends; null never ends early."""
    ema: float | None = number(None, gt=0, lt=1)
    """Decay of a moving average of the weights, such as 0.99, that is evaluated and kept; null keeps none."""
    precise_norm: int = number(0, ge=0, le=1_000_000)
    """Batches of training pictures as they are over which batch norms are measured anew before each evaluation, for
    what is evaluated and kept; 0 keeps the running statistics of training."""
    accumulate: int = number(1, ge=1, le=65_536)
    """Steps whose gradients are averaged before the weights move."""
    image_sizes: list[int] | None = number(None, ge=8, le=2048, noun="a side")
    """Sides of the training pictures, in pixels, one after another in equal parts of the epochs (progressive
    resizing); val and test always have `data.image_size`. null trains at that size throughout."""
    checkpoint_steps: int | None = number(None, ge=1, le=1_000_000_000)
    """Steps from one checkpoint to the next inside an epoch; null writes one at the end of every epoch."""
    precision: str = "float32"
    """float32, mixed_bfloat16 or mixed_float16; `auto` times float32 and bfloat16 and takes the faster."""
    jit_compile: str = "auto"
    """Whether XLA compiles the step: `auto` (as Keras decides: not on a CPU), true or false."""
    strategy: str = "auto"
    """Over several devices of a machine: `auto`, none, mirrored (TensorFlow) or jax_data_parallel."""
    device: str = "auto"
    """`auto`, `cpu`, `gpu` or one GPU by its number, such as `gpu:1`."""
    data_on_device: str = "auto"
    """Whether the training pictures live on the device, where a step gathers its batch: `auto` (on a GPU that has the
    memory), true or false."""
    limit_batches: int | None = number(None, ge=1, le=1_000_000_000)
    """Steps of each epoch and of each evaluation; null does them all. The schedule does not move."""
    mode: str = "fit"
    """`fit`; the debug modes are `overfit`, `lr_find` and `profile`, chosen with debug=NAME."""
    probe_steps: int = number(100, ge=10, le=1_000_000)
    """Steps of `lr_find` and of `profile`."""
    train_sample: int = number(2000, ge=1, le=1_000_000_000)
    """Training pictures that the final evaluation looks at."""

    def __post_init__(self) -> None:
        super().__post_init__()
        stop = self.stop_after
        expected = f"null or a whole number from 1 to trainer.epochs={self.epochs}"
        require(stop is None or 1 <= stop <= self.epochs, "trainer.stop_after", expected, stop)
        sizes = self.image_sizes
        require(sizes is None or len(sizes) > 0, "trainer.image_sizes", "null or a list of sides in pixels", sizes)
        self.jit_compile = str(self.jit_compile).lower()
        self.data_on_device = str(self.data_on_device).lower()
        one_of("trainer.mode", self.mode, MODES)
        one_of("trainer.jit_compile", self.jit_compile, JIT)
        one_of("trainer.data_on_device", self.data_on_device, ON_DEVICE)
        one_of("trainer.strategy", self.strategy, STRATEGIES)
        one_of("trainer.precision", self.precision, PRECISIONS)
        kind, _, index = self.device.partition(":")
        ok = self.device in ("auto", "cpu", "gpu") or (kind == "gpu" and index.isdecimal() and len(index) < 4)
        require(ok, "trainer.device", "auto, cpu, gpu or gpu:NUMBER", self.device)

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
