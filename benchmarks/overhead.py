"""What hmexp costs beside a bare Keras script: an epoch, the way to the first step, and memory.

Usage: python benchmarks/overhead.py [epoch] [start] [memory] [--pairs 7] [--pictures 15000]

epoch: an epoch of hmexp (store, tf.data, callbacks, record) against bare `model.fit` of the same model on the
same pictures as arrays in memory, interleaved pairs. start: from the command to the first step, against a
script that imports Keras and fits. memory: resident memory of an epoch on stores of 2,000 and 20,000 pictures.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
SIZE = 180
CLASSES = 9
BATCH = 32
console = Console()


def make_store(num: int, cache: Path, size: int = SIZE) -> "object":
    """A store of `num` small drawn pictures of `size` pixels, staged by hmexp where `cache` has none."""
    from PIL import Image

    from hmexp.catalogue.pictures import DirectoryPictures
    from hmexp.store import StoreSpec, stage

    root = cache / f"pictures-{num}-{size}"
    rng = np.random.default_rng(0)
    base = [Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).resize((size, size)) for _ in range(64)]
    if not root.exists():
        root.mkdir(parents=True)
        for i in range(num):
            base[i % 64].rotate(i % 360).save(root / f"{i:06d}.jpg", quality=80)
    source = DirectoryPictures(root)
    return stage(source, [p.path for p in source.list()], StoreSpec(size, "stretch", 10**8), cache)


def compiled_model() -> "object":
    """cnn3 as the reference has it."""
    import keras

    from hmexp.config.model import CnnConfig
    from hmexp.models.build import build_model

    keras.utils.set_random_seed(0)
    return build_model(CnnConfig(widths=[16, 32, 64]), SIZE, CLASSES)


def hmexp_epoch(store: "object", targets: np.ndarray, job: Path) -> float:
    """Seconds of one epoch through hmexp's Trainer, with val as small as it gets."""
    from hmexp.batches.augment import Augmentation
    from hmexp.batches.order import Order, Rows, num_batches
    from hmexp.batches.tensorflow import ordered_batches, train_batches
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

    part = Rows(np.arange(len(targets)), targets)
    few = Rows(part.rows[:BATCH], targets[:BATCH])
    steps = num_batches(len(part), BATCH)
    augmentation, loss = Augmentation(AugmentConfig(), CLASSES), build_loss(CrossEntropyConfig())
    learner = Learner(compiled_model(), augmentation, loss, backend_named("tensorflow"))
    job.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(TrainerConfig(epochs=1, batch_size=BATCH), AdamConfig(), job, NoRecorder())
    loaders = DataLoaders(
        train=lambda first, step, last: train_batches(store, part, Order(BATCH, 0, first, last, first_step=step)),
        val=ordered_batches(store, few, BATCH),
        steps_per_epoch=steps,
        whole_epoch=steps,
        val_steps=1,
    )
    return trainer.fit(learner, loaders).seconds


def bare_epoch(pictures: np.ndarray, targets: np.ndarray) -> float:
    """Seconds of one epoch of `model.fit` on arrays, with the same tiny val."""
    import keras

    model = compiled_model()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss, metrics=["accuracy"])
    start = time.perf_counter()
    val = (pictures[:BATCH], targets[:BATCH])
    model.fit(pictures, targets, batch_size=BATCH, epochs=1, validation_data=val, verbose=0)
    return time.perf_counter() - start


def epoch(pairs: int, num: int) -> Table:
    """Interleaved pairs of an epoch."""
    table = Table("pair", "hmexp s", "bare s", "ratio", title=f"an epoch of {num:,} pictures, batch {BATCH}")
    with tempfile.TemporaryDirectory() as scratch:
        store = make_store(num, Path(scratch))
        targets = np.random.default_rng(0).integers(0, CLASSES, num)
        pictures = store.read(np.arange(num))
        ratios = []
        for i in range(pairs):
            order = (0, 1) if i % 2 == 0 else (1, 0)
            runs = {
                0: lambda i=i: hmexp_epoch(store, targets, Path(scratch) / f"job{i}"),
                1: lambda: bare_epoch(pictures, targets),
            }
            seconds = {which: runs[which]() for which in order}
            ratios.append(seconds[0] / seconds[1])
            table.add_row(str(i + 1), f"{seconds[0]:.1f}", f"{seconds[1]:.1f}", f"{ratios[-1]:.3f}")
        table.add_row("median", "", "", f"{statistics.median(ratios):.3f}")
    return table


BARE = """
import time; start = time.perf_counter()
import keras, numpy as np
model = keras.Sequential([keras.Input((180, 180, 3)), keras.layers.Rescaling(1 / 255),
    *[layer for w in (16, 32, 64) for layer in (keras.layers.Conv2D(w, 3, padding="same", activation="relu"),
      keras.layers.MaxPooling2D())], keras.layers.Flatten(), keras.layers.Dense(128, activation="relu"),
    keras.layers.Dense(9)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
x = np.zeros((64, 180, 180, 3), "uint8"); y = np.zeros(64, "int64")
class First(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 0: print("first step")
model.fit(x, y, verbose=0, callbacks=[First()])
"""
TRACED = """
import sys, time
start = float(sys.argv.pop(1)); marks = []
import hmexp.cli, hmexp.runner.assemble as a
import hmexp.runner.train as t, hmexp.runner.session as s, hmexp.training.callbacks as c
def mark(owner, name, label, after=True):
    old = getattr(owner, name)
    def new(*a, **k):
        if not after: marks.append((label, time.time() - start))
        out = old(*a, **k)
        if after: marks.append((label, time.time() - start))
        return out
    setattr(owner, name, new)
mark(t, "check", "config and catalogue checked"); mark(t, "_make_recorder", "MLflow run open")
mark(s.Session, "_prepare", "store open, manifest saved"); mark(a, "build_model", "model built")
def first(self, batch, logs=None):
    marks.append(("first step", time.time() - start))
    import json, os; print("MARKS", json.dumps(marks), flush=True); os._exit(0)
c.FiniteLoss.on_train_batch_end = first
hmexp.cli.main(sys.argv[1:])
"""


def start(rounds: int = 5) -> Table:
    """From the command to the first step, a run on a staged sample against a bare script, interleaved."""
    hmexp, bare, marks = [], [], ""
    with tempfile.TemporaryDirectory() as scratch:
        env = os.environ | {"HMEXP_CACHE": f"{scratch}/cache"}
        subprocess.run([sys.executable, "-m", "hmexp", "stage"], env=env, cwd=scratch, check=True, capture_output=True)
        for _ in range(rounds + 1):
            begin = time.time()
            command = [sys.executable, "-c", TRACED, str(begin)]
            out = subprocess.run(command, env=env, cwd=scratch, check=True, capture_output=True, text=True).stdout
            hmexp.append(time.time() - begin)
            marks = next(line for line in out.splitlines() if line.startswith("MARKS"))
            begin = time.time()
            subprocess.run([sys.executable, "-c", BARE], env=env, check=True, capture_output=True)
            bare.append(time.time() - begin)
    table = Table("", "seconds", title=f"from the command to the first step, median of {rounds} interleaved rounds")
    a, b = statistics.median(hmexp[1:]), statistics.median(bare[1:])
    table.add_row("hmexp", f"{a:.1f}")
    table.add_row("bare script", f"{b:.1f}")
    table.add_row("difference", f"{a - b:.1f}")
    for label, seconds in json.loads(marks.removeprefix("MARKS ")):
        table.add_row(f"  {label}", f"{seconds:.1f}")
    return table


MEMORY = """
import sys; sys.path.insert(0, sys.argv[1]); import numpy as np, psutil, pathlib, overhead
store = overhead.make_store(int(sys.argv[3]), pathlib.Path(sys.argv[2]))
targets = np.random.default_rng(0).integers(0, overhead.CLASSES, store.num_pictures)
import tensorflow as tf
from hmexp.batches.order import Order, Rows
from hmexp.batches.tensorflow import train_batches
part = Rows(np.arange(len(targets)), targets)
model = overhead.compiled_model()
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(train_batches(store, part, Order(32, 0, 1, 1, 20)), steps_per_epoch=20, verbose=0)
for _ in train_batches(store, part, Order(32, 0, 1, 1)): pass
print("RSS", psutil.Process().memory_info().rss)
"""


def memory() -> Table:
    """Resident memory after training steps and a whole epoch of reading, on a small and a large store."""
    table = Table("pictures", "resident MB", title="memory of a run")
    for num in (2_000, 20_000):
        with tempfile.TemporaryDirectory() as scratch:
            here = str(Path(__file__).resolve().parent)
            command = [sys.executable, "-c", MEMORY, here, scratch, str(num)]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rss = int(out.rsplit("RSS ", 1)[1])
        table.add_row(f"{num:,}", f"{rss / 1e6:.0f}")
    return table


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["epoch", "start", "memory", []], default=[])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--pictures", type=int, default=15_000)
    arguments = parser.parse_args()
    what = arguments.what or ["start", "memory", "epoch"]
    console.print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    if "start" in what:
        console.print(start())
    if "memory" in what:
        console.print(memory())
    if "epoch" in what:
        console.print(epoch(arguments.pairs, arguments.pictures))


if __name__ == "__main__":
    main()
