"""hmexp: image-classification experiments on product catalogues.

What is public is in `__all__`, and comes when it is asked for: importing hmexp imports neither TensorFlow nor MLflow.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hmexp.api import Trainer, build_model, load, run
    from hmexp.classifier import Classifier
    from hmexp.config.errors import RunError, UserError
    from hmexp.datamodule import DataModule
    from hmexp.runner.train import RunResult

__version__: str
__all__ = [
    "Classifier",
    "DataModule",
    "RunError",
    "RunResult",
    "Trainer",
    "UserError",
    "__version__",
    "build_model",
    "load",
    "run",
]
_HOMES = {
    "Classifier": "hmexp.classifier",
    "DataModule": "hmexp.datamodule",
    "RunError": "hmexp.config.errors",
    "RunResult": "hmexp.runner.train",
    "Trainer": "hmexp.api",
    "UserError": "hmexp.config.errors",
    "build_model": "hmexp.api",
    "load": "hmexp.api",
    "run": "hmexp.api",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("hmexp")
    if name not in _HOMES:
        raise AttributeError(f"module 'hmexp' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
