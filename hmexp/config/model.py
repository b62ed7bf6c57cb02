"""The `model` section: what is built, with the rules that need no catalogue."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from omegaconf import MISSING

from hmexp.config.errors import invalid, require
from hmexp.config.fields import Section, choice, number, text

BACKBONES = (
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Large",
    "MobileNetV3Small",
    "NASNetLarge",
    "NASNetMobile",
    "ResNet101",
    "ResNet101V2",
    "ResNet152",
    "ResNet152V2",
    "ResNet50",
    "ResNet50V2",
    "VGG16",
    "VGG19",
    "Xception",
)
"""Networks of keras.applications (3.15)."""
STEMS = {"plain": 1, "stride": 2, "pool": 4, "patch": 4}
"""Stem of a residual network -> by how much it makes pictures smaller."""
INPUTS = ("rgb", "grey")
ACTIVATIONS = ("relu", "gelu", "silu", "elu", "leaky_relu", "tanh")
MAX_EPOCHS = 100_000
NETWORK_FILE = ".keras"
"""Ending of a file that Keras saves a network to."""


@dataclass(frozen=True)
class FineTuning:
    """How the layer named `backbone` learns.

    Attributes:
        freeze_epochs: First epochs in which it does not.
        rate: Factor of its learning rate after that.
    """

    freeze_epochs: int = number(0, ge=0, le=MAX_EPOCHS)
    rate: float = number(1.0, gt=0, le=1, noun="a factor")


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


@dataclass
class PretrainedConfig(ModelConfig):
    """A pretrained network below a new head; the subclasses say where it is from."""

    sha256: str | None = text(None)
    """SHA-256 that the network's file or folder has to have; null takes it as it is and records what it has."""
    freeze_epochs: int | None = number(0, ge=0, le=MAX_EPOCHS)
    """First epochs, in which only the head learns; null is all of them."""
    rate: float = number(0.1, gt=0, le=1, noun="a factor")
    """Factor of the learning rate for pretrained weights after that (discriminative learning rates)."""
    dense: int = number(0, ge=0, le=1_000_000)
    """Width of a dense layer with ReLU before the logits; 0 leaves it out."""
    dropout: float = number(0.2, ge=0, lt=1, noun="a share")
    """Share of the features dropped before the logits, while training."""

    @property
    def source(self) -> str:
        """What it is called where it is from."""
        raise NotImplementedError

    @property
    def has_weights(self) -> bool:
        """Whether the network below the head has learned already."""
        return True

    @property
    def fine_tuning(self) -> FineTuning:
        """Frozen first, then slower; only where there are weights to preserve."""
        if not self.has_weights:
            return FineTuning()
        return FineTuning(MAX_EPOCHS if self.freeze_epochs is None else self.freeze_epochs, self.rate)

    @property
    def any_size(self) -> bool:
        """It ends in a mean over places; one that takes pictures of one size alone says so when it is read."""
        return True


@dataclass
class BackboneConfig(PretrainedConfig):
    """A network of `keras.applications`, or one in a file of Keras's, below a new head."""

    name: str = text("EfficientNetV2B0", is_path=True)
    """Its name in keras.applications, or a file that Keras saved, such as network.keras: its classifier is cut off."""
    weights: str | None = text(None, is_path=True)
    """For keras.applications: null trains from scratch; a weights file without the top; or `imagenet`, which is
    downloaded. A network in a file has its own, and stays as it is with null and with `imagenet`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.is_file:
            ok = self.weights in (None, "imagenet")
            require(ok, "model.weights", "null beside a network in a file, which has its own", self.weights)
            self.weights = None
        elif self.name not in BACKBONES:
            expected = f"a network of keras.applications, or a file NAME{NETWORK_FILE}"
            raise invalid("model.name", expected, self.name, BACKBONES)
        if self.weights is not None and self.weights != "imagenet":
            path = Path(self.weights).expanduser()
            require(path.is_file(), "model.weights", "null, imagenet, or a file that is there", path)
        ok = self.freeze_epochs == 0 or self.has_weights
        require(ok, "model.freeze_epochs", "0 without model.weights", self.freeze_epochs)

    @property
    def source(self) -> str:
        """Its name or its file."""
        return self.name

    @property
    def is_file(self) -> bool:
        """Whether it is a network in a file."""
        return Path(self.name).suffix.lower() == NETWORK_FILE

    @property
    def has_weights(self) -> bool:
        """Whether it starts from weights that have learned already."""
        return self.is_file or self.weights is not None

    def check_input(self, image_size: int) -> None:
        """Raise `UserError` where the file is not there and nothing says which one it was."""
        path = Path(self.name).expanduser()
        there = not self.is_file or self.sha256 is not None or path.is_file()
        require(there, "model.name", "a network of keras.applications, or a file that is there", path)


@dataclass
class HubConfig(PretrainedConfig):
    """An image backbone of keras-hub below a new head: ViT, DINOv2, SigLIP, ResNet, ..."""

    preset: str = text(MISSING, is_path=True)
    """Name of a preset, which is downloaded, or a folder that holds one."""

    @property
    def source(self) -> str:
        """The preset's name or folder."""
        return self.preset

    @property
    def name(self) -> str:
        """The last part of the preset's name."""
        return Path(self.preset).name

    @property
    def is_folder(self) -> bool:
        """Whether the preset lies in a folder here."""
        return Path(self.preset).expanduser().is_dir()

    def check_input(self, image_size: int) -> None:
        """Raise `UserError` where keras-hub is not installed."""
        there = importlib.util.find_spec("keras_hub") is not None
        require(there, "model", "keras-hub for model=hub (pip install 'hmexp[hub]')", "an environment without it")


@dataclass
class SavedConfig(ModelConfig):
    """A network in a file of Keras's: uint8 pictures in, logits out."""

    file: str = text(MISSING, is_path=True)
    """The file, such as network.keras; it is loaded in Keras's safe mode."""

    def __post_init__(self) -> None:
        super().__post_init__()
        path = Path(self.file).expanduser()
        require(path.is_file(), "model.file", "a file that is there", path)


def _check_depth(depth: int | None, widths: list[int] | None) -> None:
    require(widths is None or len(widths) > 0, "model.widths", "null or at least one width", widths)
    if depth is not None and widths is not None:
        expected = f"{len(widths)}, the number of model.widths (give one of the two)"
        require(depth == len(widths), "model.depth", expected, depth)
