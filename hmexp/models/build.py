"""Networks: a builder for the dataclass of each schema. uint8 pictures in, logits out, a layer named `features`."""

from functools import singledispatch

import keras

from hmexp.config.model import CnnConfig, ModelConfig, ResnetConfig
from hmexp.config.pretrained import BackboneConfig, HubConfig, SavedConfig
from hmexp.models.backbone import build_backbone, open_file
from hmexp.models.cnn import build_cnn
from hmexp.models.headless import Headless
from hmexp.models.hub import Tower, build_hub, open_preset
from hmexp.models.resnet import build_resnet
from hmexp.models.saved import build_saved


@singledispatch
def build_model(cfg: ModelConfig, image_size: int, num_classes: int) -> keras.Model:
    """Build a network.

    A model of your own is a dataclass below `ModelConfig` and a function registered for it here.

    Args:
        cfg: The `model` section.
        image_size: Height and width of the pictures, in pixels.
        num_classes: Width of the logits.

    Returns:
        A functional model: uint8 `[batch, image_size, image_size, 3]` -> float32 logits `[batch, num_classes]`.
    """
    raise TypeError(f"expected a model that is registered, received {type(cfg).__name__}")


build_model.register(CnnConfig, build_cnn)
build_model.register(ResnetConfig, build_resnet)
build_model.register(BackboneConfig, build_backbone)
build_model.register(HubConfig, build_hub)
build_model.register(SavedConfig, build_saved)


def opened(cfg: ModelConfig, image_size: int) -> Headless | Tower | None:
    """The network that a model starts from, where it is read from a file or a preset; see its builder."""
    if isinstance(cfg, HubConfig):
        return open_preset(cfg, image_size)
    return open_file(cfg, image_size) if isinstance(cfg, BackboneConfig) and cfg.is_file else None
