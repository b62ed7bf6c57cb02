"""The `model` section: what is built, with the rules that need no catalogue."""

from dataclasses import dataclass

from hmexp.config.errors import one_of, require

ACTIVATIONS = ("relu", "gelu", "silu", "elu", "leaky_relu", "tanh")


@dataclass
class ModelConfig:
    """A model; the subclasses say which. `hmexp.models.build_model` has a builder for each."""

    def check_input(self, image_size: int) -> None:
        """Raise `UserError` where pictures of `image_size` pixels do not fit the model."""


@dataclass
class CnnConfig(ModelConfig):
    """Blocks of convolution, norm, activation and pooling; then a head."""

    depth: int | None = None
    """Number of blocks; null takes it from `widths`, or 3."""
    widths: list[int] | None = None
    """Filters of each block; null doubles from 16."""
    kernel: int = 3
    """Height and width of every convolution, in pixels."""
    norm: str = "none"
    """`none`, `batch` or `layer`, between convolution and activation."""
    activation: str = "relu"
    """relu, gelu, silu, elu, leaky_relu or tanh."""
    pooling: str = "max"
    """`max` or `average`, 2x2, at the end of every block."""
    dropout: float = 0.0
    """Share of the features dropped before the logits, while training."""
    head: str = "flatten"
    """`flatten` or `gap` (global average pooling)."""
    dense: int = 128
    """Width of the dense layer before the logits; 0 leaves it out."""

    def __post_init__(self) -> None:
        depth, widths = self.depth, self.widths
        expected = "null or a whole number of at least 1"
        require(depth is None or depth >= 1, "model.depth", expected, depth)
        expected = "at least one width, each of at least 1"
        require(widths is None or (len(widths) > 0 and min(widths) >= 1), "model.widths", expected, widths)
        if depth is not None and widths is not None:
            expected = f"{len(widths)}, the number of model.widths (give one of the two)"
            require(depth == len(widths), "model.depth", expected, depth)
        require(self.kernel >= 1, "model.kernel", "a whole number of at least 1", self.kernel)
        one_of("model.norm", self.norm, ("none", "batch", "layer"))
        one_of("model.activation", self.activation, ACTIVATIONS)
        one_of("model.pooling", self.pooling, ("max", "average"))
        one_of("model.head", self.head, ("flatten", "gap"))
        require(0 <= self.dropout < 1, "model.dropout", "a share from 0 to below 1", self.dropout)
        require(self.dense >= 0, "model.dense", "a whole number of at least 0", self.dense)

    @property
    def block_widths(self) -> list[int]:
        """Filters of each block, with `depth` and `widths` reconciled."""
        return self.widths or [16 * 2**i for i in range(self.depth or 3)]

    def check_input(self, image_size: int) -> None:
        """Raise `UserError` where halving `image_size` at every block leaves nothing."""
        largest = image_size.bit_length() - 1
        depth = len(self.block_widths)
        expected = f"at most {largest} blocks for data.image_size={image_size}"
        require(depth <= largest, "model.depth", expected, depth)
