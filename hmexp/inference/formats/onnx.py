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
    import tf2onnx

    from hmexp.inference.export_graph import CLASSES, LABEL, PROBABILITIES, SIGNATURE

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    converted, _ = tf2onnx.convert.from_function(graph.function(named=True), input_signature=[SIGNATURE], opset=OPSET)
    # tf2onnx gives outputs names of its own, in the order of the alphabet.
    _rename_outputs(converted.graph, sorted((CLASSES, LABEL, PROBABILITIES)))
    for value in (*converted.graph.input, *converted.graph.output):
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if not dimension.HasField("dim_value"):
                dimension.dim_param = DIMENSIONS[axis]
    card = graph.card
    about = {"classes": json.dumps(card.classes, ensure_ascii=False), "image_size": str(card.image_size)}
    onnx.helper.set_model_props(converted, about | {"resize": card.resize, "source_sha256": card.sha256})
    onnx.checker.check_model(converted, full_check=True)
    (folder / FILE).write_bytes(converted.SerializeToString())


def open_model(folder: Path) -> Run:
    """Open it with onnxruntime, on the CPU and all its cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_cores()
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


def _rename_outputs(graph: Any, names: list[str]) -> None:  # noqa: ANN401
    """Give the outputs of a graph names, and where they are computed too."""
    renamed = {value.name: name for value, name in zip(graph.output, names, strict=True)}
    for value in graph.output:
        value.name = renamed[value.name]
    for node in graph.node:
        for values in (node.input, node.output):
            values[:] = [renamed.get(name, name) for name in values]
