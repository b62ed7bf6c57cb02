"""TensorFlow: fed by tf.data, over several GPUs by `MirroredStrategy`."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmexp.config.training import TrainerConfig
from hmexp.training.backends.choice import check_batch, choose_gpus, choose_strategy
from hmexp.training.backends.protocol import Backend, Batches, Device, Function, Fusion, Program

if TYPE_CHECKING:
    import keras

    from hmexp.batches.augment import Stage
    from hmexp.training.device_data import DeviceData


class TensorFlow:
    """See `Backend`."""

    name = "tensorflow"
    strategies: tuple[str, ...] = ("mirrored",)

    def set_up(self, cfg: TrainerConfig, deterministic: bool) -> Device:
        """Hide the other devices, let memory grow, and make a mirrored strategy where there are several."""
        import tensorflow as tf

        tf.get_logger().addFilter(_is_no_retracing)
        gpus = tf.config.list_physical_devices("GPU")
        strategy = choose_strategy(cfg, len(gpus), "mirrored")
        chosen = choose_gpus(cfg.device, gpus, several=strategy != "none")
        if tf.config.get_visible_devices("GPU") != chosen:  # a process that computes already cannot change them
            tf.config.set_visible_devices(chosen, "GPU")
        for gpu in chosen:
            if not tf.config.experimental.get_memory_growth(gpu):
                tf.config.experimental.set_memory_growth(gpu, True)
        if deterministic:
            tf.config.experimental.enable_op_determinism()
        kind = "gpu" if chosen else "cpu"
        if strategy == "none":
            return Device(self, f"gpu:{gpus.index(chosen[0])}" if chosen else "cpu")
        names = [device.name for device in tf.config.list_logical_devices(kind.upper())]
        check_batch(cfg, len(names))
        distribution = tf.distribute.MirroredStrategy(names)
        words = f"{strategy} over {distribution.num_replicas_in_sync} {kind}s"
        return Device(self, words, distribution.scope, several=True)

    def keep_programs(self, cache: Path) -> None:
        """Nothing: it has no programs that another process could read."""

    def programs(self) -> list[Program]:
        """None."""
        return []

    def batches(self) -> Batches:
        """tf.data."""
        from hmexp.batches import tensorflow

        return tensorflow

    def device_data(self, deterministic: bool = True) -> "DeviceData":
        """Gathers in the step's graph."""
        from hmexp.training.device_data.tensorflow import TensorFlowData

        return TensorFlowData()

    def trace(self, folder: Path) -> AbstractContextManager[Any]:
        """For TensorBoard."""
        import tensorflow as tf

        profile: AbstractContextManager[Any] = tf.profiler.experimental.Profile(str(folder))
        return profile

    def gradient(self, score: Callable[[Any], Any], values: Any) -> Any:  # noqa: ANN401
        """By a tape."""
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(values)
            total = score(values)
        return tape.gradient(total, values)

    def why_not_compiled(self, model: "keras.Model", deterministic: bool) -> str:
        """Keras leaves it off on a CPU, over several devices, and where operations have to be deterministic."""
        if deterministic:
            return "TensorFlow has no XLA under deterministic=true"
        several = model.distribute_strategy.num_replicas_in_sync > 1
        return f"Keras leaves it off {'under tf.distribute' if several else 'on a CPU'}"

    def compile_stage(self, stage: "Stage") -> "Stage":
        """XLA: TensorFlow's own kernels are 2 to 8 times as slow on a CPU."""
        import tensorflow as tf

        function: Stage = tf.function(stage, jit_compile=True, autograph=False)
        return function

    def one_program(self, function: Function) -> Function:
        """The function itself: operations are there already."""
        return function

    def fusion(self) -> Fusion | None:
        """TensorFlow's own kernel for batch norm."""
        from hmexp.training.fused import fused_norm

        return fused_norm

    def write_back(self, model: "keras.Model") -> None:
        """Nothing: a step assigns its variables."""

    def one_device(self, model: "keras.Model", batch: Any) -> Any:  # noqa: ANN401
        """What `MirroredStrategy` gave the first device."""
        import keras

        strategy = model.distribute_strategy
        return keras.tree.map_structure(lambda part: strategy.experimental_local_results(part)[0], batch)


BACKEND: Backend = TensorFlow()


def _is_no_retracing(record: logging.LogRecord) -> bool:
    """Not the warning that takes several networks, each traced once, for one that is traced again and again."""
    return "triggered tf.function retracing" not in record.getMessage()
