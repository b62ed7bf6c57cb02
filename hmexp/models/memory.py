"""What a training will hold in memory, estimated before anything is built."""

import math
from dataclasses import dataclass, replace

import keras

from hmexp.compat.keras import all_layers, inbound_nodes
from hmexp.config.model import ModelConfig
from hmexp.config.pretrained import BackboneConfig, HubConfig, SavedConfig
from hmexp.models.build import build_model

FLOAT = 4
"""Bytes of a number, as if everything were float32."""
COPIES = 4
"""Of each weight: itself, its gradient, and Adam's two moments."""
SLACK = 1.5
"""Measured on TensorFlow on a CPU: a training holds 0.8 to 1.9 times the sum of weights and activations (cnn3 at 180
pixels, a resnet, wide and batch-normalised networks)."""


@dataclass(frozen=True)
class Size:
    """How large a network is.

    Attributes:
        parameters: Its weights.
        activations: Numbers that its layers give for one picture.
    """

    parameters: int
    activations: int

    def training_bytes(self, batch_size: int) -> int:
        """What a training holds, roughly."""
        return round(SLACK * FLOAT * (COPIES * self.parameters + batch_size * self.activations))


def size_of(network: keras.Model) -> Size:
    """Measure a network that is there, built or only outlined."""
    calls = (call for layer in all_layers(network) for call in inbound_nodes(layer))
    shapes = (tensor.shape[1:] for call in calls for tensor in call.output_tensors)
    return Size(network.count_params(), sum(math.prod(side or 1 for side in shape) for shape in shapes))


def size_of_config(cfg: ModelConfig, image_size: int, num_classes: int) -> Size | None:
    """Measure a network that is not built: its layers are outlined, and no weight is made.

    One in a file or a preset is read for it. Leaves Keras with names of layers that are taken: begin a fresh session
    after this.

    Returns:
        None for `model=saved`.

    Raises:
        RunError: It cannot be built for pictures of this size.
    """
    if isinstance(cfg, SavedConfig):
        return None
    if isinstance(cfg, HubConfig) or (isinstance(cfg, BackboneConfig) and cfg.is_file):
        return size_of(build_model(cfg, image_size, num_classes))
    if isinstance(cfg, BackboneConfig):
        cfg = replace(cfg, weights=None, freeze_epochs=0)
    with keras.StatelessScope(initialize_variables=False):
        return size_of(build_model(cfg, image_size, num_classes))
