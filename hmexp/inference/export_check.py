"""An exported file beside the Keras model that it comes from: on real pictures, in its own runtime."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.table import Table

from hmexp.evaluation.tables import frame_table
from hmexp.inference.export_pictures import CheckPictures, whole_reference
from hmexp.inference.formats import Format, Run

if TYPE_CHECKING:
    from hmexp.inference.export_graph import ExportGraph

BATCH_SIZE = 64
ROUNDS, WARM_UP = 40, 5
"""Calls that are timed, and those before them that are not."""
ROUNDINGS = 4.0
"""How many times what rounding its own weights changes in the Keras model a file of rounded weights may differ from it:
a converter rounds them after it has folded batch normalisation into its neighbours (0.7 to 2.0 times, of five)."""


@dataclass(frozen=True)
class Check:
    """What a file gave.

    Attributes:
        difference: Largest difference of a probability from the Keras model's, from the same pixels.
        agreement: Share of the pictures with the same likeliest class.
        own_size_difference: As `difference`, of pictures at their own size, which the file resizes itself and Pillow
            for the Keras model.
        own_size_agreement: As `agreement`, of these.
        latency_ms: Median milliseconds for one picture of the model's size.
        keras_latency_ms: Of the Keras model's compiled `predict_on_batch`, in turn with the file.
        size_bytes: Of the file, or of all files of its folder.
        random: Types of operations that draw random numbers.
    """

    difference: float
    agreement: float
    own_size_difference: float
    own_size_agreement: float
    latency_ms: float
    keras_latency_ms: float
    size_bytes: int
    random: tuple[str, ...] = ()

    def faults(self, bars: Format) -> list[str]:
        """What is not as it has to be, in words, each with by how much."""
        found = []
        if not self.difference <= bars.difference:  # NaN is a fault too
            found.append(f"largest difference {self.difference:.2g}, more than {bars.difference:g}")
        for name, value in (("agreement", self.agreement), ("agreement at their own size", self.own_size_agreement)):
            if not value >= bars.agreement:
                found.append(f"{name} {value:.4f}, less than {bars.agreement:g}")
        if self.random:
            found.append(f"operations that draw random numbers: {', '.join(self.random)}")
        return found

    def metrics(self) -> dict[str, float]:
        """The figures by name."""
        return {name: value for name, value in vars(self).items() if name != "random"}


@dataclass(frozen=True)
class Reference:
    """The Keras model's answers.

    Attributes:
        graph: Holds the model.
        pictures: What it was asked.
        probabilities: float32 `[pictures, classes]`, of `pictures.check`.
        whole: Of `pictures.open_whole()`, resized by Pillow.
    """

    graph: "ExportGraph"
    pictures: CheckPictures
    probabilities: np.ndarray
    whole: np.ndarray

    def check(self, each: Format, folder: Path) -> Check:
        """Run a file of a format and compare."""
        run = each.open(folder)
        got = in_batches(run, self.pictures.check)
        rows = [run(picture[None]) for picture in self.pictures.open_whole()]
        whole = np.concatenate([np.zeros((0, got.shape[1]), np.float32), *rows])
        latency, keras_latency = _latencies([run, self.graph.model.predict_on_batch], self.pictures.check[:1])
        return Check(
            *_compared(got, self.probabilities),
            *_compared(whole, self.whole),
            latency_ms=latency,
            keras_latency_ms=keras_latency,
            size_bytes=size_of(folder),
            random=tuple(each.random(self.graph, folder)),
        )

    def bars(self, each: Format) -> Format:
        """The format with the largest difference that is let pass of a file of this model.

        Rounding to float16 moves a probability by 0.0008 in one network and by 0.017 in another, so that no one
        number tells a wrong file from a right one: the Keras model's own weights, rounded, say how far this one moves.
        """
        if not each.rounded:
            return each
        return replace(each, difference=max(each.difference, ROUNDINGS * self._change_by_rounding()))

    def _change_by_rounding(self) -> float:
        """Largest change of a probability of the Keras model where its weights are rounded to float16."""
        weights = self.graph.model.get_weights()
        try:
            self.graph.model.set_weights([_rounded(weight) for weight in weights])
            return _compared(in_batches(self.graph.classify, self.pictures.check), self.probabilities)[0]
        finally:
            self.graph.model.set_weights(weights)


def refer(graph: "ExportGraph", pictures: CheckPictures) -> Reference:
    """Let the Keras model classify the pictures."""
    resized = [whole_reference(picture, graph.card) for picture in pictures.open_whole()]
    size = graph.card.image_size
    whole = np.concatenate([np.zeros((0, size, size, 3), np.uint8), *(picture[None] for picture in resized)])
    return Reference(graph, pictures, in_batches(graph.classify, pictures.check), in_batches(graph.classify, whole))


def in_batches(run: Run, pictures: np.ndarray) -> np.ndarray:
    """Probabilities of pictures of one size, a batch at a time."""
    parts = [run(pictures[first : first + BATCH_SIZE]) for first in range(0, len(pictures), BATCH_SIZE)]
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def checks_frame(checks: dict[str, Check]) -> pd.DataFrame:
    """A row a format."""
    return pd.DataFrame([{"format": name, **check.metrics()} for name, check in checks.items()])


def checks_table(checks: dict[str, Check], num: int) -> Table:
    """The table that the command prints."""
    rows = [
        {
            "format": name,
            "difference": f"{check.difference:.1e}",
            "agreement": f"{check.agreement:.2%}",
            "own size": f"{check.own_size_difference:.1e}",
            "agreement ": f"{check.own_size_agreement:.2%}",
            "ms": f"{check.latency_ms:.2f}",
            "speed": f"{check.keras_latency_ms / check.latency_ms:.1f}",
            "MB": f"{check.size_bytes / 1e6:.2f}",
        }
        for name, check in checks.items()
    ]
    return frame_table(
        pd.DataFrame(rows), f"Beside the Keras model, on {num:,} picture{'s' * (num > 1)}; speed in times Keras's"
    )


def _compared(got: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """Largest difference and agreement; 0 and 1 of no pictures."""
    if not len(wanted):
        return 0.0, 1.0
    return float(np.abs(got - wanted).max()), float((got.argmax(axis=1) == wanted.argmax(axis=1)).mean())


def _rounded(weight: np.ndarray) -> np.ndarray:
    """A weight as float16 holds it; what counts or draws is not a weight, and stays."""
    return weight.astype(np.float16).astype(weight.dtype) if np.issubdtype(weight.dtype, np.floating) else weight


def _latencies(runs: Sequence[Callable[[np.ndarray], object]], picture: np.ndarray) -> list[float]:
    """Median milliseconds of each, called in turn, so that a busy machine is one to all of them."""
    times: list[list[float]] = [[] for _ in runs]
    for number in range(WARM_UP + ROUNDS):
        for run, own in zip(runs, times, strict=True):
            begun = time.perf_counter()
            run(picture)
            if number >= WARM_UP:
                own.append(1000 * (time.perf_counter() - begun))
    return [float(np.median(own)) for own in times]
