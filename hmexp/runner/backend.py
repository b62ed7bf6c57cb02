"""Which library Keras computes with: checked before anything is paid, chosen before anything imports Keras."""

import importlib.util
import os
import sys
from pathlib import Path

from hmexp.config.errors import UserError
from hmexp.config.training import TrainerConfig
from hmexp.config.verbs import RunConfig
from hmexp.console import progress, quiet_natives
from hmexp.process import import_for_good
from hmexp.training.backends import Device, backend_named
from hmexp.training.backends.choice import check_gpu, check_strategy

KERAS_VARIABLES = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
"""What Keras reads once, when it is imported, and what would cut a training short or fail there."""


def start_backend(config: RunConfig) -> Device:
    """Let Keras take the configured backend, and set up the device.

    Raises:
        UserError: A backend that is not installed, a device or strategy that is not there, a `keras.json` that Keras
            refuses.
    """
    check_backend(config)
    start_keras(config.backend)
    with quiet_natives():
        from hmexp.training.device import set_up_device

        device = set_up_device(backend_named(config.backend), config.trainer, config.seed, config.deterministic)
        device.backend.keep_programs(config.paths.cache_path)
        return device


def start_inference(backend: str, device: str, cache: Path | None = None) -> Device:
    """Let Keras compute with a backend on one device, for a model that is used and not trained.

    Args:
        backend: `tensorflow`, `jax` or `torch`.
        device: `auto`, `cpu`, `gpu` or `gpu:NUMBER`.
        cache: `<paths.cache>`, where compiled programs are kept; None keeps none.

    Raises:
        UserError: See `start_backend`.
    """
    check_inference(backend, device)
    start_keras(backend)
    with quiet_natives():
        from hmexp.training.device import set_up_device

        cfg = TrainerConfig(device=device, strategy="none")
        chosen = set_up_device(backend_named(backend), cfg, seed=0, deterministic=False)
        if cache is not None:
            chosen.backend.keep_programs(cache)
        return chosen


def check_inference(backend: str, device: str) -> None:
    """Raise `UserError` where a backend or a device cannot be there; imports no backend."""
    _require_installed(backend)
    try:
        check_gpu(TrainerConfig(device=device).device)
    except UserError as error:
        raise UserError(str(error).removeprefix("trainer.")) from None


def start_keras(backend: str) -> None:
    """Let Keras compute with a backend, on whatever device that takes.

    Raises:
        UserError: A backend that is not installed, or not this process's; a `keras.json` that Keras refuses.
    """
    require_backend(backend)
    os.environ["KERAS_BACKEND"] = backend
    os.environ["KERAS_NNX_ENABLED"] = "false"
    for name in KERAS_VARIABLES:
        os.environ.pop(name, None)
    with quiet_natives():
        _import_keras()


def check_backend(config: RunConfig) -> None:
    """Raise `UserError` where a backend, its strategy or a GPU cannot be there; imports no backend."""
    _require_installed(config.backend)
    check_strategy(config.trainer, config.backend, backend_named(config.backend).strategies)
    check_gpu(config.trainer.device)


def require_backend(backend: str) -> None:
    """Raise `UserError` where a backend is not installed, or Keras runs on another one in this process."""
    _require_installed(backend)
    keras = sys.modules.get("keras")
    if keras is not None and keras.backend.backend() != backend:
        raise UserError(f"backend: expected {keras.backend.backend()}, which this process uses, received {backend}")


def _require_installed(backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        raise UserError(f"backend: expected an installed library, received {backend} (pip install 'hmexp[{backend}]')")


def _import_keras() -> None:
    """Import Keras, which reads its home file then."""
    if "keras" in sys.modules:
        return
    try:
        with progress(what := f"starting {os.environ['KERAS_BACKEND']}", sentence=what):
            import_for_good("keras")
    except ValueError as error:
        if "configuration" not in str(error):
            raise
        raise UserError(f"keras.json in KERAS_HOME: {' '.join(str(error).split())}") from None
