"""The libraries that Keras computes with, behind one protocol: `backend_named` chooses one, and it is handed on."""

import importlib
from functools import cache

from hmexp.training.backends.protocol import Backend, Device

__all__ = ["Backend", "Device", "backend_named"]


@cache
def backend_named(name: str) -> Backend:
    """The backend `tensorflow`, `jax` or `torch`; neither the library nor Keras is imported by this."""
    backend: Backend = importlib.import_module(f"{__name__}.{name}").BACKEND
    return backend
