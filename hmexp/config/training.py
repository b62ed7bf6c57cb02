"""The `trainer` section: how long, in what batches, how exactly, on what."""

from dataclasses import dataclass, replace

from hmexp.config.errors import one_of, require
from hmexp.config.fields import Section, choice, number

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16", "auto")
STRATEGIES = ("auto", "none", "mirrored", "jax_data_parallel")
MODES = ("fit", "overfit", "lr_find", "profile")
JIT = ("auto", "true", "false")
ON_DEVICE = ("auto", "true", "false")


@dataclass(frozen=True)
class Phase:
    """Epochs that train at one size.

    Attributes:
        first: Epochs that are complete before it.
        size: Side of its training pictures, in pixels; None is the model's own.
        val_size: Side of val's pictures alike; None in the last phase, which is the one that is used.
    """

    first: int
    size: int | None = None
    val_size: int | None = None


@dataclass
class TrainerConfig(Section, key="trainer"):
    """How long, in what batches, on what device, and which epoch is kept."""

    epochs: int = number(5, ge=1, le=100_000)
    """Passes over the training split; the learning-rate schedule is laid over them."""
    max_steps: int | None = number(None, ge=1, le=1_000_000_000)
    """Steps of all epochs together, at most: of a large catalogue there are fewer epochs then, one at least, and the
    schedule is laid over those. null has them all."""
    minutes: float | None = number(None, gt=0, le=1_000_000)
    """Minutes for training in place of `epochs` and `max_steps`: the first steps are timed, and the schedule is laid
    over the epochs that fit, one at least. null trains for `epochs`."""
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
    resizing). Val has the size of the training, in the last phase `data.image_size`, as the final evaluation always
    has. null trains at that size throughout."""
    cache_features: bool = False
    """Train the head of a frozen backbone on the features of plain pictures, which are computed once and kept in
    `paths.cache` for every run on the same pictures and weights (linear probing)."""
    checkpoint_steps: int | None = number(None, ge=1, le=1_000_000_000)
    """Steps from one checkpoint to the next inside an epoch; null writes one at the end of every epoch."""
    precision: str = choice("float32", PRECISIONS)
    """float32, mixed_bfloat16 or mixed_float16; `auto` times float32 and bfloat16 and takes the faster."""
    jit_compile: str = "auto"
    """Whether XLA compiles the step: `auto` (as Keras decides: not on a CPU), true or false."""
    strategy: str = choice("auto", STRATEGIES)
    """Over several devices of a machine: `auto`, none, mirrored (TensorFlow) or jax_data_parallel."""
    device: str = "auto"
    """`auto`, `cpu`, `gpu` or one GPU by its number, such as `gpu:1`."""
    data_on_device: str = "auto"
    """Whether the training pictures live on the device, where a step gathers its batch: `auto` (on a GPU that has the
    memory), true or false."""
    limit_batches: int | None = number(None, ge=1, le=1_000_000_000)
    """Steps of each epoch and of each evaluation; null does them all. The schedule does not move."""
    mode: str = choice("fit", MODES)
    """`fit`; the debug modes are `overfit`, `lr_find` and `profile`, chosen with debug=NAME."""
    probe_steps: int = number(100, ge=10, le=1_000_000)
    """Steps of `lr_find` and of `profile`."""
    train_sample: int = number(2000, ge=1, le=1_000_000_000)
    """Training pictures that the final evaluation looks at."""

    def __post_init__(self) -> None:
        super().__post_init__()
        stop = self.stop_after
        expected = f"null or a whole number from 1 to trainer.epochs={self.epochs}"
        fits = stop is None or self.minutes is not None or 1 <= stop <= self.epochs
        require(fits, "trainer.stop_after", expected, stop)
        sizes = self.image_sizes
        require(sizes is None or len(sizes) > 0, "trainer.image_sizes", "null or a list of sides in pixels", sizes)
        self.jit_compile = str(self.jit_compile).lower()
        self.data_on_device = str(self.data_on_device).lower()
        one_of("trainer.jit_compile", self.jit_compile, JIT)
        one_of("trainer.data_on_device", self.data_on_device, ON_DEVICE)
        kind, _, index = self.device.partition(":")
        ok = self.device in ("auto", "cpu", "gpu") or (kind == "gpu" and index.isdecimal() and len(index) < 4)
        require(ok, "trainer.device", "auto, cpu, gpu or gpu:NUMBER", self.device)

    @property
    def phases(self) -> list[Phase]:
        """The epochs in the order of their sizes; one phase where `image_sizes` is null."""
        sizes: list[int | None] = [*self.image_sizes] if self.image_sizes else [None]
        # Where there are fewer epochs than sizes, the last size of an epoch has it.
        size_after = {round(self.epochs * place / len(sizes)): size for place, size in enumerate(sizes)}
        begun: list[tuple[int, int | None]] = []
        for first, size in size_after.items():
            if first < self.epochs and (not begun or begun[-1][1] != size):
                begun.append((first, size))
        return [Phase(first, size, size if first < begun[-1][0] else None) for first, size in begun]

    def phase(self, epoch: int) -> Phase:
        """The phase of the epoch that follows `epoch` complete ones."""
        return [phase for phase in self.phases if phase.first <= epoch][-1]

    def of_length(self, epochs: int) -> "TrainerConfig":
        """The same training laid over so many epochs, whatever said how many before."""
        stop = None if self.stop_after is None else min(self.stop_after, epochs)
        return replace(self, epochs=epochs, stop_after=stop, max_steps=None, minutes=None)

    @property
    def last_epoch(self) -> int:
        """The epoch after which training ends at the latest."""
        return self.stop_after or self.epochs
