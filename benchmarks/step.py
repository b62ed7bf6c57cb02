"""What hmexp adds to a training step: its Trainer, callbacks, metrics and batches from a store, beside bare Keras.

Usage: python benchmarks/step.py [tensorflow] [jax] [torch] [--steps 60] [--epochs 20] [--rounds 4]

A network of one small convolution on 16-pixel pictures, whose step takes well under a millisecond, so that what is
measured is what surrounds it. Fits of the same network in turns, in one process a backend: hmexp's, with pictures from
the store and with pictures on the device, bare `fit` from arrays with hmexp's metrics, and bare `fit` without any.
Loss (cross-entropy from logits), Adam, batch and one batch of val are the same. The time of an epoch is that from its
beginning to val's; the first epoch of each fit, which traces and compiles, is left out. The fastest of the others
counts: short epochs, so that one of them is undisturbed on a machine that others use.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from overhead import make_store
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import keras

    from hmexp.store import Store

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
BACKENDS = ("tensorflow", "jax", "torch")
CLASSES = 9
MODES = ("streamed", "on the device", "bare, the same metrics", "bare, no metrics")
Seconds = list[tuple[float, float]]
console = Console()


def network(size: int) -> "keras.Model":
    """One convolution of four filters."""
    import keras

    from hmexp.config.model import CnnConfig
    from hmexp.models.build import build_model

    keras.utils.set_random_seed(0)
    return build_model(CnnConfig(widths=[4]), size, CLASSES)


def timer() -> "keras.callbacks.Callback":
    """A callback whose `seconds` are those of each epoch's training steps: on the clock, and of all threads' CPU."""
    import keras

    class Timer(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.seconds: list[tuple[float, float]] = []
            self.start = 0.0, 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ANN401
            self.start = time.perf_counter(), time.process_time()

        def on_test_begin(self, logs: Any = None) -> None:  # noqa: ANN401
            clock, cpu = self.start
            self.seconds.append((time.perf_counter() - clock, time.process_time() - cpu))

    return Timer()


def hmexp_fit(store: "Store", targets: np.ndarray, batch: int, epochs: int, placed: bool = False) -> Seconds:
    """Seconds of each epoch's steps through hmexp's Trainer."""
    import keras

    from hmexp.batches.augment import Augmentation
    from hmexp.batches.order import Order, Rows, num_batches
    from hmexp.config.augment import AugmentConfig
    from hmexp.config.loss import CrossEntropyConfig
    from hmexp.config.optimizer import AdamConfig
    from hmexp.config.training import TrainerConfig
    from hmexp.training.backends import backend_named
    from hmexp.training.device_data import PlacedPictures
    from hmexp.training.learner import Learner
    from hmexp.training.loaders import DataLoaders
    from hmexp.training.loss import build_loss
    from hmexp.training.recorder import NoRecorder
    from hmexp.training.trainer import Trainer

    backend = backend_named(keras.backend.backend())
    part = Rows(np.arange(len(targets)), targets)
    few = Rows(part.rows[:batch], targets[:batch])
    steps = num_batches(len(part), batch)
    augmentation, loss = Augmentation(AugmentConfig(), CLASSES), build_loss(CrossEntropyConfig())
    learner = Learner(network(store.spec.image_size), augmentation, loss, backend)
    feeds, clock = backend.batches(), timer()
    with tempfile.TemporaryDirectory() as job:
        cfg = TrainerConfig(epochs=epochs, batch_size=batch)
        trainer = Trainer(cfg, AdamConfig(), Path(job), NoRecorder(), callbacks=[clock])
        loaders = DataLoaders(
            train=lambda first, step, last: feeds.train_batches(store, part, Order(batch, 0, first, last, None, step)),
            val=feeds.ordered_batches(store, few, batch),
            steps_per_epoch=steps,
            whole_epoch=steps,
            val_steps=1,
        )
        if placed:
            data = backend.device_data(deterministic=False)
            loaders = replace(
                loaders,
                train=lambda first, step, last: data.batches(part, Order(batch, 0, first, last, None, step), None),
                placed=PlacedPictures(data.place(store.read(part.rows)), data),
            )
        trainer.fit(learner, loaders)
    return clock.seconds


def bare_fit(pictures: np.ndarray, targets: np.ndarray, batch: int, epochs: int, metrics: bool) -> Seconds:
    """Seconds of each epoch's steps of `fit` from arrays."""
    import keras

    from hmexp.metrics.streaming import streaming_metrics

    model, clock = network(pictures.shape[1]), timer()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss, metrics=streaming_metrics(CLASSES) if metrics else None)
    val = (pictures[:batch], targets[:batch])
    model.fit(pictures, targets, batch_size=batch, epochs=epochs, validation_data=val, verbose=0, callbacks=[clock])
    return clock.seconds


def measure(folder: Path, arguments: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Milliseconds a step of each mode, on the clock and of CPU, in the backend of this process."""
    num, batch, epochs = arguments.steps * arguments.batch, arguments.batch, arguments.epochs
    store = make_store(num, folder, arguments.size)
    targets = np.random.default_rng(0).integers(0, CLASSES, num)
    pictures = store.read(np.arange(num))
    fits: dict[str, Callable[[], Seconds]] = {
        MODES[0]: lambda: hmexp_fit(store, targets, batch, epochs),
        MODES[1]: lambda: hmexp_fit(store, targets, batch, epochs, placed=True),
        MODES[2]: lambda: bare_fit(pictures, targets, batch, epochs, metrics=True),
        MODES[3]: lambda: bare_fit(pictures, targets, batch, epochs, metrics=False),
    }
    taken: dict[str, Seconds] = {mode: [] for mode in fits}
    for _ in range(arguments.rounds):
        for mode, fit in fits.items():
            taken[mode] += fit()[1:]
    each = 1000 / arguments.steps
    return {
        mode: (each * min(clock for clock, _ in seconds), each * min(cpu for _, cpu in seconds))
        for mode, seconds in taken.items()
    }


def table(figures: dict[str, dict[str, float]], what: str, arguments: argparse.Namespace) -> Table:
    """A row a backend."""
    size, batch = arguments.size, arguments.batch
    title = f"ms a step by {what}: {size} pixels, batch {batch}"
    found = Table("backend", *MODES, "hmexp's own", "with metrics", title=title)
    for backend, taken in figures.items():
        hmexp, _, same, none = (taken[mode] for mode in MODES)
        found.add_row(backend, *(f"{taken[mode]:.3f}" for mode in MODES), f"{hmexp - same:.3f}", f"{hmexp - none:.3f}")
    return found


def main() -> None:
    """Measure each backend in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backends", nargs="*", choices=[*BACKENDS, []], default=[])
    for name, default in (("steps", 60), ("epochs", 20), ("rounds", 4), ("batch", 32), ("size", 16)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--here", type=Path, help="measure in this process; pictures are in this folder")
    arguments = parser.parse_args()
    if arguments.here:
        for mode, (clock, cpu) in measure(arguments.here, arguments).items():
            print(f"{mode}: {clock} {cpu}")
        return
    console.print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    figures: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for backend in arguments.backends or BACKENDS:
            command = [sys.executable, *sys.argv, "--here", folder]
            env = os.environ | {"KERAS_BACKEND": backend}
            out = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
            lines = [line.rpartition(": ") for line in out.splitlines() if line.startswith(MODES)]
            figures[backend] = {mode: [float(part) for part in both.split()] for mode, _, both in lines}
    for place, what in enumerate(("the clock", "CPU, all threads")):
        chosen = {name: {mode: both[place] for mode, both in taken.items()} for name, taken in figures.items()}
        console.print(table(chosen, what, arguments))


if __name__ == "__main__":
    main()
