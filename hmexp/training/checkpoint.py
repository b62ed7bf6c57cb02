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
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hmexp.config.errors import RunError

PARTIAL = ".partial"
STATE_FILE, ARRAYS_FILE = "state.json", "arrays.npz"
WATCHERS = ("best", "early_stopping", "plateau")
"""Callbacks that compare values of `trainer.monitor`."""
Variables = Mapping[str, Iterable[Any]]
"""Part of the training (`network`, `seeds`, `optimizer`, `metrics`) -> its Keras variables, in their order."""


@dataclass
class TrainingState:
    """Where a training is, without its arrays.

    Attributes:
        epoch: Epochs that are complete.
        step: Steps of the next epoch that are done.
        history: A row an epoch that is complete.
        callbacks: Callback -> what it has to remember.
        setup: What it was trained under: `optimizer`, `learning_rate`, `monitor`, `steps`. A resumed run has the same;
            where a fork has another, what depends on it begins anew.
        val_size: Side at which val was measured last, in pixels; None is the model's own.
    """

    epoch: int = 0
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    callbacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    setup: dict[str, Any] = field(default_factory=dict)
    val_size: int | None = None

    @property
    def epochs_waited(self) -> int:
        """Epochs that `trainer.early_stopping` has waited for a better monitor."""
        return int(self.callbacks.get("early_stopping", {}).get("wait", 0))

    def under(self, setup: dict[str, Any]) -> "TrainingState":
        """The same state for a training under `setup`: without what another monitor or other steps made of it."""
        callbacks, step = dict(self.callbacks), self.step
        if self.setup.get("monitor") != setup["monitor"]:
            callbacks = {name: state for name, state in callbacks.items() if name not in WATCHERS}
        if self.setup.get("steps") != setup["steps"]:
            callbacks.pop("history", None)
            step = 0
        return replace(self, step=step, callbacks=callbacks, setup=setup)


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

    def copy_newest(self, other: "CheckpointDir") -> None:
        """Give another run the newest checkpoint and the best weights that it names, the checkpoint last."""
        while (newest := self.newest()) is not None:
            other.folder.mkdir(parents=True, exist_ok=True)
            partial = other.folder / f"{newest.name}{PARTIAL}"
            try:
                for best in self.folder.glob("best-*.npz"):
                    shutil.copyfile(best, other.folder / best.name)
                shutil.copytree(newest, partial)
            except FileNotFoundError:  # the run is going on, and has swept it
                shutil.rmtree(other.folder)
                continue
            partial.rename(other.folder / newest.name)
            return

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
            wanted = list(several)
            if not _fits(arrays, part, wanted):
                raise RunError(f"{path}: expected the {part} of this run, received that of another one")
            for number, variable in enumerate(wanted):
                variable.assign(arrays[f"{part}/{number}"])


def fits(path: Path, part: str, variables: Iterable[Any]) -> bool:
    """Whether the file holds that part for variables of these numbers and shapes."""
    with np.load(path, allow_pickle=False) as arrays:
        return _fits(arrays, part, list(variables))


def _fits(arrays: Any, part: str, variables: list[Any]) -> bool:  # noqa: ANN401
    stored = sum(name.startswith(f"{part}/") for name in arrays.files)
    shapes = [tuple(arrays[f"{part}/{number}"].shape) for number in range(stored)]
    return shapes == [tuple(variable.shape) for variable in variables]


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
