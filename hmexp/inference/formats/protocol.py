"""What a format offers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hmexp.inference.export_graph import ExportGraph

Run = Callable[[np.ndarray], np.ndarray]
"""uint8 `[batch, height, width, 3]` -> probabilities, float32 `[batch, classes]`."""


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: As `formats` has it.
        write: Writes a graph into an empty folder; the third argument are real pictures, uint8 `[pictures, image_size,
            image_size, 3]`, for formats that are calibrated.
        open: Opens what lies in the folder with the runtime that it is for.
        random: Types of the operations in it that draw random numbers.
        file: What of the folder a runtime opens; `.` is the folder.
        packages: Importable names of what writing and checking need -> their names for pip.
        difference: Largest difference of a probability from the Keras model's that is let pass.
        agreement: Share of the pictures whose likeliest class has to be the Keras model's.
        rounded: Whether its weights are float16, so that more may be let pass: see `Reference.bars`.
    """

    name: str
    write: Callable[["ExportGraph", Path, np.ndarray], None]
    open: Callable[[Path], Run]
    random: Callable[["ExportGraph", Path], list[str]]
    file: str
    packages: dict[str, str]
    difference: float
    agreement: float = 0.98
    rounded: bool = False
