"""PyTorch: fed with arrays, on one device."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmexp.config.training import TrainerConfig
from hmexp.training.backends.choice import choose_gpus
from hmexp.training.backends.protocol import Backend, Batches, Device, Function, Fusion, Program

if TYPE_CHECKING:
    import keras

    from hmexp.batches.augment import Stage
    from hmexp.training.device_data import DeviceData


class Torch:
    """See `Backend`."""

    name = "torch"
    strategies: tuple[str, ...] = ()

    def set_up(self, cfg: TrainerConfig, deterministic: bool) -> Device:
        """One GPU at most, chosen by Keras's device scope."""
        import keras
        import torch

        chosen = choose_gpus(cfg.device, list(range(torch.cuda.device_count())), several=False)
        if deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True)
        words = f"cuda:{chosen[0]}" if chosen else "cpu"
        return Device(self, f"gpu:{chosen[0]}" if chosen else "cpu", lambda: keras.device(words))

    def keep_programs(self, cache: Path) -> None:
        """Nothing: it has no programs that another process could read."""

    def programs(self) -> list[Program]:
        """None."""
        return []

    def batches(self) -> Batches:
        """Arrays, read ahead by threads."""
        from hmexp.batches import arrays

        return arrays

    def device_data(self, deterministic: bool = True) -> "DeviceData":
        """Gathers before each step."""
        from hmexp.training.device_data.torch import TorchData

        return TorchData()

    def trace(self, folder: Path) -> AbstractContextManager[Any]:
        """For TensorBoard."""
        import torch

        write = torch.profiler.tensorboard_trace_handler(str(folder))
        profile: AbstractContextManager[Any] = torch.profiler.profile(on_trace_ready=write)
        return profile

    def gradient(self, score: Callable[[Any], Any], values: Any) -> Any:  # noqa: ANN401
        """By autograd, from a leaf of its own."""
        import torch

        with torch.enable_grad():
            leaf = values.detach().requires_grad_(True)
            return torch.autograd.grad(score(leaf), leaf)[0]

    def why_not_compiled(self, model: "keras.Model", deterministic: bool) -> str:
        """There is no XLA."""
        return "Keras leaves it off with torch"

    def compile_stage(self, stage: "Stage") -> "Stage":
        """The stage as it is."""
        return stage

    def one_program(self, function: Function) -> Function:
        """The function itself: operations are there already."""
        return function

    def fusion(self) -> Fusion | None:
        """None: Keras calls PyTorch's own batch norm."""
        return None

    def write_back(self, model: "keras.Model") -> None:
        """Nothing: a step assigns its variables."""

    def one_device(self, model: "keras.Model", batch: Any) -> Any:  # noqa: ANN401
        """The batch itself."""
        return batch


BACKEND: Backend = Torch()
