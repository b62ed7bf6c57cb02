"""Where the training pictures are while a model trains: on the device, or streamed from the store."""

from dataclasses import dataclass

import psutil
from rich.filesize import decimal

from hmexp.config.errors import invalid
from hmexp.config.training import TrainerConfig
from hmexp.training.backends import Device

SHARE = 0.5
"""Of the memory that is free, on the device and here: the rest is for the model, its gradients and activations."""


@dataclass(frozen=True)
class Placement:
    """Where the training pictures are.

    Attributes:
        on_device: Whether the device holds them.
        why: A reason in words.
    """

    on_device: bool
    why: str

    @property
    def words(self) -> str:
        """Such as `streamed from the store (trainer.data_on_device=false)`."""
        return f"{'on the device' if self.on_device else 'streamed from the store'} ({self.why})"


def place_pictures(cfg: TrainerConfig, device: Device, num_bytes: int) -> Placement:
    """Decide where the training pictures shall be.

    Args:
        cfg: The `trainer` section.
        device: What computes.
        num_bytes: Of the pictures.

    Raises:
        UserError: `trainer.data_on_device=true` where they cannot be there.
    """
    if cfg.data_on_device == "false":
        return Placement(False, "trainer.data_on_device=false")
    obstacle = _obstacle(cfg, device, num_bytes)
    if cfg.data_on_device == "true":
        if obstacle:
            raise invalid("trainer.data_on_device", "auto or false", f"true, but {obstacle}")
        return Placement(True, f"{decimal(num_bytes)}, trainer.data_on_device=true")
    if device.words == "cpu":
        return Placement(False, "trainer.data_on_device=auto on a cpu")
    return Placement(not obstacle, obstacle or f"{decimal(num_bytes)}, which fit")


def _obstacle(cfg: TrainerConfig, device: Device, num_bytes: int) -> str:
    """Why the device cannot hold the pictures; empty where it can."""
    if cfg.cache_features:
        return "trainer.cache_features trains on features in their place"
    if device.several:
        return "several devices share each batch"
    if device.backend.name == "jax" and cfg.jit_compile == "false":
        return "trainer.jit_compile=false"
    free = device.backend.device_data().free_bytes(device.words)
    if free is None:
        return f"{device.words} does not say how much of its memory is free"
    here = psutil.virtual_memory().available  # they pass through this machine's memory
    for memory, place in ((free, device.words), (here, "this machine")):
        if num_bytes > SHARE * memory:
            return f"{decimal(num_bytes)} are more than {SHARE:.0%} of the {decimal(memory)} that are free on {place}"
    return ""
