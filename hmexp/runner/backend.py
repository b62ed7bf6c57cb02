"""Which library Keras computes with: chosen before anything imports Keras."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hmexp.config.errors import UserError
from hmexp.config.verbs import RunConfig
from hmexp.console import quiet_natives

if TYPE_CHECKING:
    from hmexp.training.device import Device


def start_backend(config: RunConfig) -> "Device":
    """Let Keras take the configured backend, and set up the device.

    Raises:
        UserError: A backend that is not installed, a device or strategy that is not there.
    """
    require_backend(config.backend)
    require_device(config.trainer.device)
    os.environ["KERAS_BACKEND"] = config.backend
    with quiet_natives():
        from hmexp.training.device import set_up_device

        return set_up_device(config.trainer, config.seed, config.deterministic)


def require_device(device: str) -> None:
    """Raise `UserError` where a GPU is asked for on a machine that plainly has none, before a backend is imported."""
    if not device.startswith("gpu") or sys.platform != "linux":
        return
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in ("", "-1")
    kinds = ("nvidia*", "kfd", "dxg", "accel*", "dri")  # NVIDIA, ROCm, WSL, TPUs, Intel
    if hidden or not any(found for kind in kinds for found in Path("/dev").glob(kind)):
        where = "with CUDA_VISIBLE_DEVICES empty" if hidden else "on this machine"
        raise UserError(f"trainer.device: expected auto or cpu {where}, received {device}")


def require_backend(backend: str) -> None:
    """Raise `UserError` where a backend is not installed, or Keras runs on another one in this process."""
    if importlib.util.find_spec(backend) is None:
        raise UserError(f"backend: expected an installed library, received {backend} (pip install 'hmexp[{backend}]')")
    keras = sys.modules.get("keras")
    if keras is not None and keras.backend.backend() != backend:
        raise UserError(f"backend: expected {keras.backend.backend()}, which this process uses, received {backend}")
