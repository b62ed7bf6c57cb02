"""Keras's state in this process: what results depend on is set here, whatever a home file or a variable says."""

import keras

from hmexp.config.training import TrainerConfig
from hmexp.training.backends import Backend, Device

EPSILON = 1e-7


def set_up_device(backend: Backend, cfg: TrainerConfig, seed: int, deterministic: bool) -> Device:
    """Choose the device of Keras's backend and set formats, seeds and determinism for this process.

    Must come before the backend touches a GPU.

    Raises:
        UserError: A GPU or a strategy that is not there.
    """
    keras.backend.clear_session()
    pin_keras()
    device = backend.set_up(cfg, deterministic)
    keras.utils.set_random_seed(seed)
    return device


def pin_keras() -> None:
    """Set what `keras.json` and the variables `KERAS_...` may have moved to Keras's own defaults."""
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    keras.config.set_epsilon(EPSILON)
    keras.config.set_image_data_format("channels_last")
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)


def fresh_session() -> None:
    """Keras's `clear_session`, which also forgets how work is shared between devices; that stays."""
    distribution = keras.distribution.distribution()
    keras.backend.clear_session()
    keras.distribution.set_distribution(distribution)
