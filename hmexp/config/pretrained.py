"""The options of `model` that take a network from elsewhere, with the rules that need no catalogue."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from omegaconf import MISSING

from hmexp.config.errors import invalid, require
from hmexp.config.fields import number, text
from hmexp.config.model import MAX_EPOCHS, FineTuning, ModelConfig

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
NETWORK_FILE = ".keras"
"""Ending of a file that Keras saves a network to."""


@dataclass
class PretrainedConfig(ModelConfig):
    """A pretrained network below a new head; the subclasses say where it is from."""

    sha256: str | None = text(None)
    """SHA-256 that the network's file or folder has to have; null takes it as it is and records what it has."""
    freeze_epochs: int | None = number(0, ge=0, le=MAX_EPOCHS)
    """First epochs, in which only the head learns; null is all of them."""
    rate: float = number(0.1, gt=0, le=1, noun="a factor")
    """Factor of the learning rate for pretrained weights after that (discriminative learning rates)."""
    freeze_share: float = number(0.0, ge=0, lt=1, noun="a share")
    """Share of the pretrained layers, from the input on, that never learn: they see edges and textures, and their
    gradients cost most on large pictures."""
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
        frozen = MAX_EPOCHS if self.freeze_epochs is None else self.freeze_epochs
        return FineTuning(frozen, self.rate, self.freeze_share)

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
        for name in ("freeze_epochs", "freeze_share"):
            value = getattr(self, name)
            require(value == 0 or self.has_weights, f"model.{name}", "0 without model.weights", value)

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
