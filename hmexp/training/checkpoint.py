"""Checkpoints of a training: everything that the next step depends on, and a file that is there is whole.

A checkpoint is a folder `epoch-0003-step-000000` with `state.json` and `arrays.npz`. It is written beside its
place, synced to the disk and renamed; only then is the one before removed. Keras's own weights files are not
used: they leave out the states of random layers and of metrics, and reading an optimizer's back takes half a
minute for cnn3 (Keras 3.15).
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hmexp.config.errors import RunError

PARTIAL = ".partial"
STATE_FILE, ARRAYS_FILE = "state.json", "arrays.npz"
Variables = Mapping[str, Iterable[Any]]
"""Part of the training (`network`, `optimizer`, `metrics`) -> its Keras variables, in their order."""


@dataclass
class TrainingState:
    """Where a training is, without its arrays.

    Attributes:
        epoch: Epochs that are complete.
        step: Steps of the next epoch that are done.
        history: A row an epoch that is complete.
        callbacks: Callback -> what it has to remember.
    """

    epoch: int = 0
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    callbacks: dict[str, dict[str, Any]] = field(default_factory=dict)


class CheckpointDir:
    """The checkpoints of one run; all but the newest, and what a crash left, are swept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def newest(self) -> Path | None:
        """The newest checkpoint, or None."""
        found = [path for path in self.folder.glob("epoch-*-step-*") if path.suffix != PARTIAL]
        return max(found, default=None)

    def save(self, state: TrainingState, variables: Variables) -> Path:
        """Write a checkpoint; those before it go when it is safe."""
        final = self.folder / f"epoch-{state.epoch:04d}-step-{state.step:06d}"
        partial = final.with_name(final.name + PARTIAL)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        write_arrays(partial / ARRAYS_FILE, variables)
        write_synced(partial / STATE_FILE, json.dumps(asdict(state)).encode())
        sync_dir(partial)
        if final.exists():  # replayed after a crash: the same state again
            shutil.rmtree(partial)
            return final
        partial.rename(final)
        sync_dir(self.folder)
        self.sweep(keep=final)
        return final

    def sweep(self, keep: Path) -> None:
        """Remove every checkpoint but `keep`, whole or not."""
        for path in self.folder.glob("epoch-*-step-*"):
            if path != keep:
                shutil.rmtree(path, ignore_errors=True)


def read_state(checkpoint: Path) -> TrainingState:
    """Read where the training was."""
    return TrainingState(**json.loads((checkpoint / STATE_FILE).read_text(encoding="utf-8")))


def write_arrays(path: Path, variables: Variables) -> None:
    """Write variables as `part/number`, synced to the disk."""
    import keras  # imported here: where a checkpoint lies can be asked before a backend is chosen

    arrays = {
        f"{part}/{number}": keras.ops.convert_to_numpy(variable)
        for part, several in variables.items()
        for number, variable in enumerate(several)
    }
    with path.open("wb") as stream:
        np.savez(stream, **arrays)
        stream.flush()
        os.fsync(stream.fileno())


def read_arrays(path: Path, variables: Variables) -> None:
    """Give variables the values that were written.

    Raises:
        RunError: The file holds variables of other numbers or shapes: another model or optimizer.
    """
    with np.load(path, allow_pickle=False) as arrays:
        for part, several in variables.items():
            stored = sum(name.startswith(f"{part}/") for name in arrays.files)
            wanted = list(several)
            shapes = [tuple(arrays[f"{part}/{i}"].shape) for i in range(stored)]
            expected = [tuple(variable.shape) for variable in wanted]
            if shapes != expected:
                raise RunError(f"{path}: expected the {part} of this run, received that of another one")
            for number, variable in enumerate(wanted):
                variable.assign(arrays[f"{part}/{number}"])


def write_synced(path: Path, content: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def sync_dir(folder: Path) -> None:
    """Wait until renames in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
