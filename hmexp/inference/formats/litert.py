"""LiteRT (TensorFlow Lite): float32, float16 weights, and int8 calibrated with real pictures."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmexp.inference.formats.protocol import Run
from hmexp.process import num_cores

if TYPE_CHECKING:
    from hmexp.inference.export_graph import ExportGraph

FILE = "model.tflite"
LABELS_FILE = "labels.txt"


def write(graph: "ExportGraph", folder: Path, pictures: np.ndarray) -> None:
    """Write `model.tflite` and `labels.txt`, a class a line, into a folder."""
    _save(graph, folder, _converter(graph).convert())


def write_fp16(graph: "ExportGraph", folder: Path, pictures: np.ndarray) -> None:
    """Write the same with weights in float16, in half of the bytes."""
    import tensorflow as tf

    converter = _converter(graph)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    _save(graph, folder, converter.convert())


def write_int8(graph: "ExportGraph", folder: Path, pictures: np.ndarray) -> None:
    """Write the same with the network's weights and activations in int8, in a quarter of the bytes.

    The resize, the last layer and the softmax stay in float32: in int8 the first left an agreement of 0.32, the second
    cost 0 to 3 points of it. TensorFlow's debugger of quantisation is the one place that takes the names of what stays.
    """
    import tensorflow as tf

    def calibration() -> Iterator[dict[str, np.ndarray]]:
        for picture in pictures:
            yield {"pictures": picture[None]}

    converter = _converter(graph)
    kept = _kept_in_float(graph, converter.convert())
    converter = _converter(graph)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_nodes=kept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a tf.lite.Interpreter, which the debugger makes
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter, debug_dataset=calibration, debug_options=options
        )
        content = debugger.get_nondebug_quantized_model()
    _save(graph, folder, content)


def open_model(folder: Path) -> Run:
    """Open it with LiteRT, on all cores."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(folder / FILE), num_threads=num_cores())
    runner = interpreter.get_signature_runner()

    def run(pictures: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = runner(pictures=pictures)["probabilities"]
        return probabilities

    return run


def random(graph: "ExportGraph", folder: Path) -> list[str]:
    """Types of the random operations in the graph that the file was converted from."""
    from hmexp.inference.export_graph import random_operations

    return random_operations(graph.function(named=False).get_concrete_function().graph)


def _converter(graph: "ExportGraph") -> Any:  # noqa: ANN401
    import tensorflow as tf

    function = graph.function(named=False).get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([function], graph.module())


def _kept_in_float(graph: "ExportGraph", content: bytes) -> list[str]:
    """Names of the operations of a converted file that are not the network's, and of the network's last layer."""
    from ai_edge_litert.interpreter import Interpreter

    from hmexp.inference.export_graph import SCOPE

    names = {str(tensor["name"]) for tensor in Interpreter(model_content=content).get_tensor_details()}
    last = f"/{graph.model.layers[-1].name}"
    return sorted(name for name in names if name.startswith(f"{SCOPE}/") or "/" not in name or last in name)


def _save(graph: "ExportGraph", folder: Path, content: bytes) -> None:
    (folder / FILE).write_bytes(content)
    (folder / LABELS_FILE).write_text("".join(f"{name}\n" for name in graph.card.classes), encoding="utf-8")
