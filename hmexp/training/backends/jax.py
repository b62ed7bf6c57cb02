"""JAX: fed with arrays, over several devices by `keras.distribution`."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmexp.compat.jax import keep_programs
from hmexp.config.training import TrainerConfig
from hmexp.console import log
from hmexp.training.backends.choice import check_batch, choose_gpus, choose_strategy
from hmexp.training.backends.programs import ProgramCache, private_folder
from hmexp.training.backends.protocol import Backend, Batches, Device, Function, Fusion, Program

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

CACHING = {
    "jax_persistent_cache_min_compile_time_secs": 0.0,
    "jax_persistent_cache_min_entry_size_bytes": 0,
    "jax_persistent_cache_enable_xla_caches": "xla_gpu_per_fusion_autotune_cache_dir",
}
"""Every program is kept: a first epoch compiles many small ones, which together take as long as the step."""


class Heard:
    """Listens to JAX's events of compilation."""

    def __init__(self) -> None:
        self.programs: list[Program] = []
        self.listens = self.hit = False

    def listen(self) -> None:
        """From now on; once in a process, as JAX has no way back."""
        import jax

        self.programs.clear()
        if not self.listens:
            jax.monitoring.register_event_listener(self._on_event)
            jax.monitoring.register_event_duration_secs_listener(self._on_duration)
        self.listens = True

    def _on_event(self, event: str, **kwargs: Any) -> None:  # noqa: ANN401
        self.hit = self.hit or event == "/jax/compilation_cache/cache_hits"

    def _on_duration(self, event: str, duration: float, **kwargs: Any) -> None:  # noqa: ANN401
        if event == "/jax/core/compile/backend_compile_duration":  # ends after the event of a hit
            name = str(kwargs.get("fun_name", "")).removeprefix("jit(").removesuffix(")")
            self.programs.append(Program(name, duration, self.hit))
            self.hit = False


HEARD = Heard()


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

        HEARD.listen()
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

    def keep_programs(self, cache: Path) -> None:
        """Its persistent compilation cache, with what autotuning has found on a GPU."""
        import jax

        if jax.config.jax_compilation_cache_dir or not _programs_can_be_read():
            return  # the user has one elsewhere, or this process has asked before
        folder = private_folder(cache, self.name)
        if folder is not None:
            for name, value in CACHING.items():
                jax.config.update(name, value)
            keep_programs(folder, ProgramCache(folder))

    def programs(self) -> list[Program]:
        """As JAX's own events tell of them."""
        return list(HEARD.programs)

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
        """One program, for where no step is around it."""
        return self.one_program(stage)

    def one_program(self, function: Function) -> Function:
        """Compiled, for each shape that it gets."""
        import jax

        compiled: Function = jax.jit(function)
        return compiled

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


def _programs_can_be_read() -> bool:
    """Whether a program of this process's processor could be read back.

    XLA writes processors' preferences into a program and takes them for features when it reads it, so that on some
    (AVX-512 of Intel) it refuses each of its own programs with lines of its own (openxla/xla#44565, jax 0.10).
    """
    import jax
    from jax.experimental import serialize_executable

    if jax.default_backend() != "cpu":
        return True

    def one_more(value: Any) -> Any:  # noqa: ANN401
        return value + 1

    try:
        compiled = jax.jit(one_more).lower(jax.ShapeDtypeStruct((), "float32")).compile()
        serialize_executable.deserialize_and_load(*serialize_executable.serialize(compiled))
    except Exception as error:
        log.info(f"JAX cannot read what it compiles here, so nothing is kept: {str(error).splitlines()[0][:200]}")
        return False
    return True
