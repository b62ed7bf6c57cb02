"""What classifies: the Keras model, or its ONNX file, which has to give the same."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmexp.config.errors import RunError
from hmexp.console import log, quiet_natives
from hmexp.inference.export_pictures import PicturePlan, shuffled
from hmexp.inference.formats import FORMATS, Run
from hmexp.metrics.calibration import with_temperature
from hmexp.serving.batcher import lengths

if TYPE_CHECKING:
    from hmexp.classifier import Classifier
    from hmexp.inference.articles import Articles

NUM_WARM_UP = 2
"""Calls of each length of a batch before the first request: the first traces, the second chooses kernels."""


def keras_engine(classifier: "Classifier") -> Run:
    """The Keras model itself, compiled."""

    def run(pictures: np.ndarray) -> np.ndarray:
        logits = np.asarray(classifier.model.predict_on_batch(pictures), np.float32)
        return with_temperature(logits, classifier.card.temperature)

    return run


def onnx_engine(classifier: "Classifier", articles: "Articles") -> Run:
    """The model's ONNX file, after it was compared with the Keras model on pictures of the catalogue.

    The file takes pictures of the model's size, unlike those of `export`: they are decoded to it anyway.

    Raises:
        RunError: It does not give what the Keras model gives.
        UserError: Not one picture can be read.
    """
    from hmexp.inference.export_check import refer
    from hmexp.inference.export_graph import ExportGraph, in_float32

    plan = PicturePlan(articles.name, articles.source, lambda: None, shuffled(articles.rows["image"].tolist()), [])
    pictures = replace(plan.read(classifier.card), open_whole=lambda: iter(()))
    graph = ExportGraph(in_float32(classifier.model), classifier.card, resizes=False)
    onnx = FORMATS["onnx"]
    with tempfile.TemporaryDirectory() as scratch, quiet_natives():
        folder = Path(scratch)
        onnx.write(graph, folder, pictures.calibration)
        check = refer(graph, pictures).check(onnx, folder)
        faults = check.faults(onnx)
        if faults:
            raise RunError(f"engine=onnx: expected what the Keras model gives, received {', '.join(faults)}")
        run = onnx.open(folder)
    speed = check.keras_latency_ms / check.latency_ms
    log.info(
        f"onnxruntime gives what Keras gives on {len(pictures.check):,} pictures (largest difference "
        f"{check.difference:.1e}); {speed:.1f} times as fast for one"
    )
    return run


def warm_up(run: Run, image_size: int, max_batch: int) -> None:
    """Compute a batch of each length that there will be."""
    for length in lengths(max_batch):
        for _ in range(NUM_WARM_UP):
            run(np.zeros((length, image_size, image_size, 3), np.uint8))
