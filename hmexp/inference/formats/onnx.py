"""ONNX, for onnxruntime and whatever else reads opset 18."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmexp.inference.formats.protocol import Run
from hmexp.process import num_cores

if TYPE_CHECKING:
    from hmexp.inference.export_graph import ExportGraph

FILE = "model.onnx"
OPSET = 18
"""13 to 18 are right, 21 is not (tf2onnx 1.17)."""
DIMENSIONS = ("batch", "height", "width")


def write(graph: "ExportGraph", folder: Path, pictures: np.ndarray) -> None:
    """Write `model.onnx` into a folder; class names are in it, as an output and as metadata."""
    import onnx

    converted = _converted(graph)
    for value in (*converted.graph.input, *converted.graph.output):
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if not dimension.HasField("dim_value"):
                dimension.dim_param = DIMENSIONS[axis]
    card = graph.card
    about = {"classes": json.dumps(card.classes, ensure_ascii=False), "image_size": str(card.image_size)}
    onnx.helper.set_model_props(converted, about | {"resize": card.resize, "source_sha256": card.sha256})
    onnx.checker.check_model(converted, full_check=True)
    (folder / FILE).write_bytes(converted.SerializeToString())


def _converted(graph: "ExportGraph") -> Any:  # noqa: ANN401
    """The graph as an `onnx.ModelProto`."""
    import tensorflow as tf
    import tf2onnx

    from hmexp.inference.export_graph import INPUT

    for name in ("tf2onnx", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    eager = tf.config.functions_run_eagerly()
    # Keras puts grouped convolutions into functions for XLA, which tf2onnx does not look into: they are traced inline.
    tf.config.run_functions_eagerly(True)
    try:
        function = graph.function(named=True).get_concrete_function()
    finally:
        tf.config.run_functions_eagerly(eager)
    # Not `tf2onnx.convert.from_function`, which takes constants of Keras's Normalization for inputs.
    inputs = {f"{INPUT}:0": INPUT}
    outputs = {tensor.name: name for name, tensor in function.structured_outputs.items()}
    frozen = tf2onnx.tf_loader.from_function(function, list(inputs), list(outputs))
    converted, _ = tf2onnx.convert.from_graph_def(
        frozen,
        input_names=list(inputs),
        output_names=list(outputs),
        tensors_to_rename=inputs | outputs,
        opset=OPSET,
        custom_op_handlers={"Erfc": (_convert_erfc, [])},
    )
    return converted


def _convert_erfc(context: Any, node: Any, name: str, arguments: Any) -> Any:  # noqa: ANN401
    """Erfc(x), of which the exact GELU is made, as 1 - Erf(x): neither tf2onnx nor ONNX has it."""
    one = context.make_const(f"{name}_one", np.ones((), np.float32)).output[0]
    erf = context.make_node("Erf", [node.input[0]], name=f"{name}_erf").output[0]
    shapes, dtypes = node.output_shapes, node.output_dtypes
    context.remove_node(name)
    return context.make_node("Sub", [one, erf], outputs=node.output, name=name, shapes=shapes, dtypes=dtypes)


def open_model(folder: Path) -> Run:
    """Open it with onnxruntime, on the CPU and all its cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_cores()
    # Threads that spin between two calls take the cores from whatever else decodes and computes in this process.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(folder / FILE), options, providers=["CPUExecutionProvider"])

    def run(pictures: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = session.run(["probabilities"], {"pictures": pictures})[0]
        return probabilities

    return run


def random(graph: "ExportGraph", folder: Path) -> list[str]:
    """Types of the random operations in the file."""
    import onnx

    types = {node.op_type for node in _nodes(onnx.load(str(folder / FILE)).graph)}
    return sorted(kind for kind in types if kind.startswith("Random") or kind in ("Bernoulli", "Multinomial"))


def _nodes(graph: Any) -> Iterator[Any]:  # noqa: ANN401
    """All nodes, of the graphs inside of nodes too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)
