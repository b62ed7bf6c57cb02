"""JAX: fed with arrays, over several devices by `keras.distribution`."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmexp.config.training import TrainerConfig
from hmexp.training.backends.choice import check_batch, choose_gpus, choose_strategy
from hmexp.training.backends.protocol import Backend, Batches, Device, Fusion

if TYPE_CHECKING:
    import keras

    from hmexp.batches.augment import Stage
    from hmexp.training.device_data import DeviceData

SETTINGS = {
    "jax_enable_x64": False,
    "jax_numpy_dtype_promotion": "standard",
    "jax_default_prng_impl": "threefry2x32",
    "jax_default_matmul_precision": None,
    "jax_disable_jit": False,
}
"""What results depend on, and what a variable of the environment would move: JAX's own defaults."""


class Jax:
    """See `Backend`."""

    name = "jax"
    strategies: tuple[str, ...] = ("jax_data_parallel",)

    def set_up(self, cfg: TrainerConfig, deterministic: bool) -> Device:
        """Choose the platform and the default device, or tell Keras to share batches between several."""
        if deterministic:
            os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true".strip()
        import jax
        import keras

        for name, value in SETTINGS.items():
            jax.config.update(name, value)
        if cfg.device == "cpu":  # JAX_PLATFORMS was read when Keras imported JAX
            jax.config.update("jax_platforms", "cpu")
        devices = jax.devices()
        gpus = [device for device in devices if device.platform == "gpu"]
        strategy = choose_strategy(cfg, len(gpus), "jax_data_parallel")
        chosen = choose_gpus(cfg.device, gpus, several=strategy != "none")
        kind = "gpu" if chosen else devices[0].platform
        if strategy == "none":
            if chosen:
                jax.config.update("jax_default_device", chosen[0])
            return Device(self, f"gpu:{gpus.index(chosen[0])}" if chosen else kind)
        used = chosen or devices
        check_batch(cfg, len(used))
        from hmexp.compat.keras import share_any_batch

        share_any_batch(len(used))
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=[str(device) for device in used]))
        return Device(self, f"{strategy} over {len(used)} {kind}s", several=True)

    def batches(self) -> Batches:
        """Arrays, read ahead by threads."""
        from hmexp.batches import arrays

        return arrays

    def device_data(self, deterministic: bool = True) -> "DeviceData":
        """Many steps in one dispatch."""
        from hmexp.training.device_data.jax import JaxData

        return JaxData(deterministic)

    def trace(self, folder: Path) -> AbstractContextManager[Any]:
        """For Perfetto and TensorBoard."""
        import jax

        trace: AbstractContextManager[Any] = jax.profiler.trace(str(folder))
        return trace

    def gradient(self, score: Callable[[Any], Any], values: Any) -> Any:  # noqa: ANN401
        """By transformation."""
        import jax

        return jax.grad(score)(values)

    def why_not_compiled(self, model: "keras.Model", deterministic: bool) -> str:
        """Keras compiles on every device."""
        return "Keras leaves it off with jax"

    def compile_stage(self, stage: "Stage") -> "Stage":
        """The stage as it is: it is compiled with the step around it."""
        return stage

    def fusion(self) -> Fusion | None:
        """None: XLA fuses what Keras writes."""
        return None

    def write_back(self, model: "keras.Model") -> None:
        """A training keeps its state beside the variables between two steps."""
        from hmexp.compat.keras import sync_jax_state

        sync_jax_state(model)

    def one_device(self, model: "keras.Model", batch: Any) -> Any:  # noqa: ANN401
        """The batch itself: arrays are shared by their sharding."""
        return batch


BACKEND: Backend = Jax()
