"""The rules of `trainer.device` and `trainer.strategy` that all backends share."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hmexp.config.errors import invalid, require
from hmexp.config.training import TrainerConfig

GPU_FILES = ("nvidia[0-9]*", "nvidiactl", "nvidia-uvm", "nvhost*", "nvgpu*", "nvmap", "dxg", "kfd")
"""In /dev, as drivers of NVIDIA (also Jetson's), Windows (WSL) and AMD make them."""
GPU_TOOLS = ("nvidia-smi", "rocm-smi", "rocminfo", "amd-smi")


def check_strategy(cfg: TrainerConfig, backend: str, possible: Sequence[str]) -> None:
    """Raise `UserError` where a backend does not have `trainer.strategy`."""
    valid = ["auto", "none", *possible]
    if cfg.strategy not in valid:
        raise invalid("trainer.strategy", f"one of {', '.join(valid)} with backend={backend}", cfg.strategy, valid)


def check_gpu(device: str) -> None:
    """Raise `UserError` where a GPU is asked for on a machine that cannot have one, before anything is imported."""
    if device.startswith("gpu") and not may_have_gpu():
        raise _no_such_device(device, 0)


def may_have_gpu(devices: Path = Path("/dev")) -> bool:
    """Whether a library could find a GPU: false only on Linux without any driver's files or tools."""
    if not sys.platform.startswith("linux"):
        return True
    return any(any(devices.glob(name)) for name in GPU_FILES) or any(map(shutil.which, GPU_TOOLS))


def choose_strategy(cfg: TrainerConfig, num_gpus: int, several: str) -> str:
    """The strategy to train by; `auto` takes several GPUs where nothing names one.

    Args:
        cfg: The `trainer` section.
        num_gpus: GPUs that the library sees.
        several: What `auto` means for several; `none` where the backend has no strategy.
    """
    if cfg.strategy != "auto":
        return cfg.strategy
    return several if num_gpus > 1 and cfg.device in ("auto", "gpu") else "none"


def choose_gpus(device: str, gpus: list[Any], several: bool) -> list[Any]:
    """The GPUs to use: all where training is spread over several, else one at most.

    Raises:
        UserError: One that is not there.
    """
    if device == "cpu":
        return []
    number = int(device.partition(":")[2] or 0)
    if device != "auto" and number >= len(gpus):
        raise _no_such_device(device, len(gpus))
    return gpus if several and ":" not in device else gpus[number : number + 1]


def check_batch(cfg: TrainerConfig, count: int) -> None:
    """Raise `UserError` where `count` devices do not divide a batch."""
    expected = f"a multiple of {count}, as so many devices share each batch"
    require(cfg.batch_size % count == 0, "trainer.batch_size", expected, cfg.batch_size)


def _no_such_device(device: str, num_gpus: int) -> Exception:
    valid = ["auto", "cpu", *(f"gpu:{number}" for number in range(num_gpus))]
    return invalid("trainer.device", f"one of {', '.join(valid)} on this machine", device, valid)
