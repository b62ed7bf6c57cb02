"""Which device computes, and how it treats its memory."""

import keras
import tensorflow as tf

from hmexp.config.errors import invalid
from hmexp.config.training import TrainerConfig


def set_up_device(cfg: TrainerConfig, seed: int, deterministic: bool) -> str:
    """Choose the device, let GPU memory grow, set precision, seeds and determinism for this process.

    Must come before TensorFlow touches a GPU.

    Returns:
        The device in words, such as `cpu` or `gpu:0`.

    Raises:
        UserError: A GPU that is not there.
    """
    gpus = tf.config.list_physical_devices("GPU")
    chosen = _choose(cfg.device, gpus)
    tf.config.set_visible_devices(chosen, "GPU")
    for gpu in chosen:
        tf.config.experimental.set_memory_growth(gpu, True)
    keras.backend.clear_session()
    keras.config.set_dtype_policy(cfg.precision)
    keras.utils.set_random_seed(seed)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    return f"gpu:{gpus.index(chosen[0])}" if chosen else "cpu"


def _choose(device: str, gpus: list[tf.config.PhysicalDevice]) -> list[tf.config.PhysicalDevice]:
    """The GPUs to use: one at most, since training on several is not asked for here."""
    if device == "cpu":
        return []
    number = int(device.partition(":")[2] or 0)
    if device != "auto" and number >= len(gpus):
        valid = ["auto", "cpu", *(f"gpu:{i}" for i in range(len(gpus)))]
        raise invalid("trainer.device", f"one of {', '.join(valid)} on this machine", device, valid)
    return gpus[number : number + 1]
