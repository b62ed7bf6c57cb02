"""The formats: one table, one entry each."""

from collections.abc import Sequence
from importlib.util import find_spec

from hmexp.config.errors import UserError
from hmexp.inference.formats import litert, onnx, savedmodel
from hmexp.inference.formats.protocol import Format

LITERT = {"ai_edge_litert": "ai-edge-litert"}
FLOAT32, FLOAT16, ANY = 1e-5, 1e-3, 1.0
"""Largest differences: of int8 it is the agreement that counts."""
TABLE = (
    Format(
        "savedmodel",
        savedmodel.write,
        savedmodel.open_model,
        savedmodel.random,
        file=".",
        packages={"tensorflow": "tensorflow"},
        difference=FLOAT32,
    ),
    Format(
        "onnx",
        onnx.write,
        onnx.open_model,
        onnx.random,
        file=onnx.FILE,
        packages={name: name for name in ("onnx", "tf2onnx", "onnxruntime")},
        difference=FLOAT32,
    ),
    Format("litert", litert.write, litert.open_model, litert.random, litert.FILE, LITERT, FLOAT32),
    Format(
        "litert_fp16",
        litert.write_fp16,
        litert.open_model,
        litert.random,
        file=litert.FILE,
        packages=LITERT,
        difference=FLOAT16,
        rounded=True,
    ),
    Format("litert_int8", litert.write_int8, litert.open_model, litert.random, litert.FILE, LITERT, ANY),
)
FORMATS = {each.name: each for each in TABLE}


def require_packages(names: Sequence[str]) -> None:
    """Raise `UserError` where what a format needs is not installed; imports nothing."""
    needed = {module: pip for name in names for module, pip in FORMATS[name].packages.items()}
    missing = [pip for module, pip in needed.items() if find_spec(module) is None]
    if missing:
        received = f"{', '.join(names)} without {', '.join(missing)}"
        raise UserError(
            f"formats: expected formats whose packages are installed, received {received} "
            f"(pip install 'hmexp[export]', or {' '.join(missing)})"
        )
