"""What hmexp adds to a training step: its Trainer, callbacks, metrics and batches from a store, beside bare Keras.

Usage: python benchmarks/step.py [tensorflow] [jax] [torch] [--steps 100] [--epochs 10] [--rounds 5]

A network of one small convolution on 16-pixel pictures, whose step takes well under a millisecond, so that what is
measured is what surrounds it. Three fits of the same network in turns, in one process a backend: hmexp's, bare
`fit` from arrays with hmexp's metrics, and bare `fit` from arrays without any. Loss (cross-entropy from logits), Adam,
batch and one batch of val are the same. The time of an epoch is that from its beginning to val's; the first epoch
of each fit, which traces and compiles, is left out. The fastest of the others counts: short epochs, so that one of them
is undisturbed on a machine that others use.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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
MODES = ("streamed", "bare, the same metrics", "bare, no metrics")
console = Console()


def network(size: int) -> "keras.Model":
    """One convolution of four filters."""
    import keras

    from hmexp.config.model import CnnConfig
    from hmexp.models.build import build_model

    keras.utils.set_random_seed(0)
    return build_model(CnnConfig(widths=[4]), size, CLASSES)


def timer() -> "keras.callbacks.Callback":
    """A callback whose `seconds` are those of each epoch's training steps."""
    import keras

    class Timer(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.seconds: list[float] = []
            self.start = 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ANN401
            self.start = time.perf_counter()

        def on_test_begin(self, logs: Any = None) -> None:  # noqa: ANN401
            self.seconds.append(time.perf_counter() - self.start)

    return Timer()


def hmexp_fit(store: "Store", targets: np.ndarray, batch: int, epochs: int) -> list[float]:
    """Seconds of each epoch's steps through hmexp's Trainer."""
    import keras

    from hmexp.batches.augment import Augmentation
    from hmexp.batches.order import Order, Rows, num_batches
    from hmexp.config.augment import AugmentConfig
    from hmexp.config.loss import CrossEntropyConfig
    from hmexp.config.optimizer import AdamConfig
    from hmexp.config.training import TrainerConfig
    from hmexp.training.backends import backend_named
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
        trainer.fit(learner, loaders)
    return clock.seconds


def bare_fit(pictures: np.ndarray, targets: np.ndarray, batch: int, epochs: int, metrics: bool) -> list[float]:
    """Seconds of each epoch's steps of `fit` from arrays."""
    import keras

    from hmexp.metrics.streaming import streaming_metrics

    model, clock = network(pictures.shape[1]), timer()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss, metrics=streaming_metrics(CLASSES) if metrics else None)
    val = (pictures[:batch], targets[:batch])
    model.fit(pictures, targets, batch_size=batch, epochs=epochs, validation_data=val, verbose=0, callbacks=[clock])
    return clock.seconds


def measure(folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """Milliseconds a step of each mode, in the backend of this process."""
    num, batch, epochs = arguments.steps * arguments.batch, arguments.batch, arguments.epochs
    store = make_store(num, folder, arguments.size)
    targets = np.random.default_rng(0).integers(0, CLASSES, num)
    pictures = store.read(np.arange(num))
    fits: dict[str, Callable[[], list[float]]] = {
        MODES[0]: lambda: hmexp_fit(store, targets, batch, epochs),
        MODES[1]: lambda: bare_fit(pictures, targets, batch, epochs, metrics=True),
        MODES[2]: lambda: bare_fit(pictures, targets, batch, epochs, metrics=False),
    }
    taken: dict[str, list[float]] = {mode: [] for mode in fits}
    for _ in range(arguments.rounds):
        for mode, fit in fits.items():
            taken[mode] += fit()[1:]
    return {mode: 1000 * min(seconds) / arguments.steps for mode, seconds in taken.items()}


def table(figures: dict[str, dict[str, float]], arguments: argparse.Namespace) -> Table:
    """A row a backend."""
    size, batch = arguments.size, arguments.batch
    found = Table("backend", *MODES, "hmexp's own", "and metrics", title=f"ms a step, {size} pixels, batch {batch}")
    for backend, taken in figures.items():
        hmexp, same, none = (taken[mode] for mode in MODES)
        found.add_row(backend, *(f"{taken[mode]:.3f}" for mode in MODES), f"{hmexp - same:.3f}", f"{hmexp - none:.3f}")
    return found


def main() -> None:
    """Measure each backend in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backends", nargs="*", choices=[*BACKENDS, []], default=[])
    for name, default in (("steps", 100), ("epochs", 10), ("rounds", 5), ("batch", 32), ("size", 16)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--here", type=Path, help="measure in this process; pictures are in this folder")
    arguments = parser.parse_args()
    if arguments.here:
        for mode, milliseconds in measure(arguments.here, arguments).items():
            print(f"{mode}: {milliseconds}")
        return
    console.print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for backend in arguments.backends or BACKENDS:
            command = [sys.executable, *sys.argv, "--here", folder]
            env = os.environ | {"KERAS_BACKEND": backend}
            out = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
            lines = [line.rpartition(": ") for line in out.splitlines() if line.startswith(MODES)]
            figures[backend] = {mode: float(milliseconds) for mode, _, milliseconds in lines}
    console.print(table(figures, arguments))


if __name__ == "__main__":
    main()
