"""Callbacks that the configuration names: a builder for the dataclass of each schema."""

from functools import singledispatch
from pathlib import Path

import keras

from hmexp.config.callbacks import CallbackConfig, TensorBoardConfig
from hmexp.config.errors import UserError


@singledispatch
def build_callback(cfg: CallbackConfig, job_dir: Path) -> keras.callbacks.Callback:
    """Build a callback.

    A callback of your own is a dataclass below `CallbackConfig` and a function registered for it here. A run that
    goes on builds it anew. It sees an epoch after hmexp's own callbacks, and before the epoch's checkpoint is written.

    Args:
        cfg: Its part of the section `callbacks`.
        job_dir: The run's folder; what it writes goes below that.
    """
    raise TypeError(f"expected a callback that is registered, received {type(cfg).__name__}")


@build_callback.register
def _(cfg: TensorBoardConfig, job_dir: Path) -> keras.callbacks.Callback:
    try:
        return keras.callbacks.TensorBoard(str(job_dir / "tensorboard"), histogram_freq=cfg.histogram_freq)
    except ImportError:  # Keras writes them by TensorFlow, whatever it computes with
        raise UserError("callbacks: expected TensorFlow for tensorboard, received an environment without it") from None
