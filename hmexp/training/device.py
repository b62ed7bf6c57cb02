"""Which device computes, how it treats its memory, and what runs on several: one function a backend."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras

from hmexp.config.errors import invalid, require
from hmexp.config.training import TrainerConfig


@dataclass(frozen=True)
class Device:
    """What computes.

    Attributes:
        words: Such as `cpu`, `gpu:0` or `mirrored over 2 gpus`.
        scope: A model has to be made and trained inside this context.
    """

    words: str
    scope: Callable[[], AbstractContextManager[Any]] = nullcontext


def set_up_device(cfg: TrainerConfig, seed: int, deterministic: bool) -> Device:
    """Choose the device of Keras's backend and set precision, seeds and determinism for this process.

    Must come before the backend touches a GPU.

    Raises:
        UserError: A GPU or a strategy that is not there.
    """
    set_up_keras()
    set_up = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()]
    device = set_up(cfg, deterministic)
    keras.utils.set_random_seed(seed)
    return device


def set_up_keras() -> None:
    """Set all of Keras's that a result depends on, whatever the user's `keras.json` and variables say."""
    keras.backend.clear_session()
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")


def fresh_session() -> None:
    """Keras's `clear_session`, which also forgets how work is shared between devices; that stays."""
    distribution = keras.distribution.distribution()
    keras.backend.clear_session()
    keras.distribution.set_distribution(distribution)


def _tensorflow(cfg: TrainerConfig, deterministic: bool) -> Device:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    strategy = _strategy(cfg, len(gpus), {"mirrored"}, "mirrored")
    chosen = _choose(cfg.device, gpus, several=strategy != "none")
    if tf.config.get_visible_devices("GPU") != chosen:  # a process that computes already cannot change them
        tf.config.set_visible_devices(chosen, "GPU")
    for gpu in chosen:
        if not tf.config.experimental.get_memory_growth(gpu):
            tf.config.experimental.set_memory_growth(gpu, True)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    kind = "gpu" if chosen else "cpu"
    if strategy == "none":
        return Device(f"gpu:{gpus.index(chosen[0])}" if chosen else "cpu")
    names = [device.name for device in tf.config.list_logical_devices(kind.upper())]
    _check_batch(cfg, len(names))
    distribution = tf.distribute.MirroredStrategy(names)
    return Device(f"{strategy} over {distribution.num_replicas_in_sync} {kind}s", distribution.scope)


def _jax(cfg: TrainerConfig, deterministic: bool) -> Device:
    if deterministic:
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true".strip()
    import jax

    if cfg.device == "cpu":  # JAX_PLATFORMS was read when Keras imported JAX
        jax.config.update("jax_platforms", "cpu")
    devices = jax.devices()
    gpus = [device for device in devices if device.platform == "gpu"]
    strategy = _strategy(cfg, len(gpus), {"jax_data_parallel"}, "jax_data_parallel")
    chosen = _choose(cfg.device, gpus, several=strategy != "none")
    kind = "gpu" if chosen else devices[0].platform
    if strategy == "none":
        if chosen:
            jax.config.update("jax_default_device", chosen[0])
        return Device(f"gpu:{gpus.index(chosen[0])}" if chosen else kind)
    used = chosen or devices
    _check_batch(cfg, len(used))
    _share_any_batch(len(used))
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=[str(device) for device in used]))
    return Device(f"{strategy} over {len(used)} {kind}s")


def _check_batch(cfg: TrainerConfig, count: int) -> None:
    expected = f"a multiple of {count}, as so many devices share each batch"
    require(cfg.batch_size % count == 0, "trainer.batch_size", expected, cfg.batch_size)


def _share_any_batch(count: int) -> None:
    """Let every device compute the whole of a batch that cannot be shared evenly, such as the last one of val.

    Keras 3.15 splits every batch as it splits the first, and JAX refuses a batch that the devices do not divide.
    """
    from functools import wraps

    import jax
    from keras.src.backend.jax import distribution_lib

    split = distribution_lib.distribute_data_input

    @wraps(split)
    def share(batch: Any, layout: Any, batch_dim_name: str) -> Any:  # noqa: ANN401
        if batch.shape[0] % count == 0:
            return split(batch, layout, batch_dim_name)
        sharding = getattr(layout, "backend_layout", layout)
        whole = jax.sharding.NamedSharding(sharding.mesh, jax.sharding.PartitionSpec())
        return jax.device_put(batch, whole)

    distribution_lib.distribute_data_input = share


def _torch(cfg: TrainerConfig, deterministic: bool) -> Device:
    import torch

    gpus = list(range(torch.cuda.device_count()))
    _strategy(cfg, 0, set(), "none")
    chosen = _choose(cfg.device, gpus, several=False)
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    words = f"cuda:{chosen[0]}" if chosen else "cpu"
    return Device(f"gpu:{chosen[0]}" if chosen else "cpu", lambda: keras.device(words))


def _strategy(cfg: TrainerConfig, num_gpus: int, possible: set[str], several: str) -> str:
    """`trainer.strategy` as this backend has it; `auto` takes several GPUs where nothing names one."""
    if cfg.strategy == "auto":
        return several if num_gpus > 1 and cfg.device in ("auto", "gpu") else "none"
    if cfg.strategy != "none" and cfg.strategy not in possible:
        valid = ["auto", "none", *sorted(possible)]
        raise invalid("trainer.strategy", f"one of {', '.join(valid)} with backend={_backend()}", cfg.strategy, valid)
    return cfg.strategy


def _backend() -> str:
    return str(keras.backend.backend())


def _choose(device: str, gpus: list[Any], several: bool) -> list[Any]:
    """The GPUs to use: all where training is spread over several, else one at most."""
    if device == "cpu":
        return []
    number = int(device.partition(":")[2] or 0)
    if device != "auto" and number >= len(gpus):
        valid = ["auto", "cpu", *(f"gpu:{i}" for i in range(len(gpus)))]
        raise invalid("trainer.device", f"one of {', '.join(valid)} on this machine", device, valid)
    return gpus if several and ":" not in device else gpus[number : number + 1]
