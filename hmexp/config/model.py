"""The `model` section: what is built, with the rules that need no catalogue."""

from dataclasses import dataclass

from hmexp.config.errors import require
from hmexp.config.fields import Section, choice, number

STEMS = {"plain": 1, "stride": 2, "pool": 4, "patch": 4}
"""Stem of a residual network -> by how much it makes pictures smaller."""
INPUTS = ("rgb", "grey")
ACTIVATIONS = ("relu", "gelu", "silu", "elu", "leaky_relu", "tanh")
MAX_EPOCHS = 100_000


@dataclass(frozen=True)
class FineTuning:
    """How the layer named `backbone` learns.

    Attributes:
        freeze_epochs: First epochs in which it does not.
        rate: Factor of its learning rate after that.
        freeze_share: Share of its layers, from its input on, that never learn.
    """

    freeze_epochs: int = number(0, ge=0, le=MAX_EPOCHS)
    rate: float = number(1.0, gt=0, le=1, noun="a factor")
    freeze_share: float = number(0.0, ge=0, lt=1, noun="a share")


@dataclass
class ModelConfig(Section, key="model"):
    """A model; the subclasses say which. `hmexp.models.build_model` has a builder for each."""

    @property
    def fine_tuning(self) -> FineTuning:
        """How pretrained parts are treated; a model without any learns as a whole."""
        return FineTuning()

    @property
    def any_size(self) -> bool:
        """Whether its weights fit pictures of any size, as `trainer.image_sizes` needs."""
        return False

    def check_input(self, image_size: int) -> None:
        """Raise `UserError` where pictures of `image_size` pixels do not fit the model."""


@dataclass
class CnnConfig(ModelConfig):
    """Blocks of convolution, norm, activation and pooling; then a head."""

    depth: int | None = number(None, ge=1, le=64)
    """Number of blocks; null takes it from `widths`, or 3."""
    widths: list[int] | None = number(None, ge=1, le=16_384)
    """Filters of each block; null doubles from 16."""
    input: str = choice("rgb", INPUTS)
    """What the network sees: `rgb`, or `grey`, pictures without colours, each with mean 0 and standard deviation 1."""
    kernel: int = number(3, ge=1, le=255)
    """Height and width of every convolution, in pixels."""
    norm: str = choice("none", ("none", "batch", "layer"))
    """`none`, `batch` or `layer`, between convolution and activation."""
    norm_momentum: float = number(0.9, gt=0, lt=1, noun="a share")
    """Of batch norm's running statistics; Keras's 0.99 needs thousands of steps."""
    activation: str = choice("relu", ACTIVATIONS)
    """relu, gelu, silu, elu, leaky_relu or tanh."""
    pooling: str = choice("max", ("max", "average"))
    """`max` or `average`, 2x2, at the end of every block."""
    dropout: float = number(0.0, ge=0, lt=1, noun="a share")
    """Share of the features dropped before the logits, while training."""
    head: str = choice("flatten", ("flatten", "gap"))
    """`flatten` or `gap` (global average pooling)."""
    dense: int = number(128, ge=0, le=1_000_000)
    """Width of the dense layer before the logits; 0 leaves it out."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_depth(self.depth, self.widths)

    @property
    def block_widths(self) -> list[int]:
        """Filters of each block, with `depth` and `widths` reconciled."""
        return self.widths or [16 * 2**i for i in range(self.depth or 3)]

    @property
    def any_size(self) -> bool:
        """A mean over places does not ask for a size."""
        return self.head == "gap"

    def check_input(self, image_size: int) -> None:
        """Raise `UserError` where halving `image_size` at every block leaves nothing."""
        largest = image_size.bit_length() - 1
        depth = len(self.block_widths)
        expected = f"at most {largest} blocks for data.image_size={image_size}"
        require(depth <= largest, "model.depth", expected, depth)


@dataclass
class ResnetConfig(ModelConfig):
    """A small residual network: stem, stages at half the size each, mean over places."""

    depth: int | None = number(None, ge=1, le=64)
    """Number of stages; null takes it from `widths`, or 4."""
    widths: list[int] | None = number(None, ge=1, le=16_384)
    """Channels of each stage; null doubles from 32."""
    blocks: list[int] | None = number(None, ge=1, le=1000)
    """Residual blocks of each stage; one number holds for all, null is 2."""
    input: str = choice("rgb", INPUTS)
    """What the network sees: `rgb`, or `grey`, pictures without colours, each with mean 0 and standard deviation 1."""
    stem: str = choice("plain", tuple(STEMS))
    """First layers: `plain` 3x3, `stride` 3x3 by 2, `pool` the same and 3x3 pooling by 2, `patch` 4x4 by 4."""
    norm: str = choice("batch", ("batch", "group", "layer"))
    """`batch`, `group` or `layer`, after every convolution."""
    norm_momentum: float = number(0.9, gt=0, lt=1, noun="a share")
    """Of batch norm's running statistics; Keras's 0.99 needs thousands of steps."""
    activation: str = choice("relu", ACTIVATIONS)
    """relu, gelu, silu, elu, leaky_relu or tanh."""
    squeeze: bool = False
    """Squeeze and excitation in every block."""
    stochastic_depth: float = number(0.0, ge=0, lt=1, noun="a share")
    """Share of the pictures that skip the last block while training; earlier blocks less, in proportion."""
    dropout: float = number(0.0, ge=0, lt=1, noun="a share")
    """Share of the features dropped before the logits, while training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_depth(self.depth, self.widths)
        blocks, depth = self.blocks, len(self.stage_widths)
        ok = blocks is None or len(blocks) in (1, depth)
        require(ok, "model.blocks", f"null, one number, or {depth} (one a stage)", blocks)

    @property
    def stage_widths(self) -> list[int]:
        """Channels of each stage, with `depth` and `widths` reconciled."""
        return self.widths or [32 * 2**i for i in range(self.depth or 4)]

    @property
    def stage_blocks(self) -> list[int]:
        """Blocks of each stage."""
        blocks = self.blocks or [2]
        return blocks * len(self.stage_widths) if len(blocks) == 1 else blocks

    @property
    def drop_rates(self) -> list[float]:
        """Stochastic depth's rate of each block, from 0 at the first up to `stochastic_depth` at the last."""
        total = sum(self.stage_blocks)
        return [self.stochastic_depth * i / max(1, total - 1) for i in range(total)]

    @property
    def any_size(self) -> bool:
        """It ends in a mean over places."""
        return True

    def check_input(self, image_size: int) -> None:
        """Raise `UserError` where halving `image_size` at every stage leaves less than a pixel."""
        largest = (image_size // STEMS[self.stem]).bit_length()
        depth = len(self.stage_widths)
        expected = f"at most {largest} stages for data.image_size={image_size} and model.stem={self.stem}"
        require(depth <= largest, "model.depth", expected, depth)


def _check_depth(depth: int | None, widths: list[int] | None) -> None:
    require(widths is None or len(widths) > 0, "model.widths", "null or at least one width", widths)
    if depth is not None and widths is not None:
        expected = f"{len(widths)}, the number of model.widths (give one of the two)"
        require(depth == len(widths), "model.depth", expected, depth)
