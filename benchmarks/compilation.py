"""What compiling costs on JAX before the first step, and what a second process, or a sweep's second job, still pays.

Usage: python benchmarks/compilation.py [start] [sweep] [ahead] [traces] [--rounds 3]

start: from the command, and from the beginning of the training, to the end of its first step, by a process that finds
no compiled programs and one that finds all of them, interleaved. sweep: the first epochs of two jobs that differ by
their seed, and the programs that each adds. ahead: whether it wins to compile the next size of growing pictures while
the present one trains. traces: what TensorFlow traces in two epochs, for comparison.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

TRAININGS = {
    "`cnn3` at 180": ["model=cnn3"],
    "`fast`": ["experiment=fast", "trainer.precision=float32"],
}
SHARED = ["data=sample", "backend=jax", "tracking=none"]
MARKED = """
import sys, time, json, os
start = float(sys.argv.pop(1))
os.environ["KERAS_BACKEND"] = "jax"
import hmexp.cli, hmexp.training.trainer as t, hmexp.training.callbacks as c
marks = {}
fit = t.Trainer.fit
def began(self, *words, **named):
    marks["fit"] = time.time()
    return fit(self, *words, **named)
def stepped(self, batch, logs=None):
    import jax
    jax.block_until_ready(logs)
    now = time.time()
    print("MARKS", json.dumps([now - start, now - marks["fit"]]), flush=True)
    os._exit(0)
t.Trainer.fit, c.FiniteLoss.on_train_batch_end = began, stepped
hmexp.cli.main(sys.argv[1:])
"""
TRACED = """
import os, sys, time, json
from tensorflow.python.eager.polymorphic_function import tracing_compilation as tracing
os.environ["KERAS_BACKEND"] = "tensorflow"
rows, depth, create = [], [0], tracing._create_concrete_function
def timed(*words, **named):
    start = time.perf_counter(); depth[0] += 1
    try: made = create(*words, **named)
    finally: depth[0] -= 1
    if depth[0] == 0: rows.append((time.perf_counter() - start, str(made.name)))
    return made
tracing._create_concrete_function = timed
import hmexp.cli, hmexp.training.trainer as t
fit = t.Trainer.fit
def fitted(self, *words, **named):
    del rows[:]
    result = fit(self, *words, **named)
    print("TRACES", json.dumps(rows), flush=True)
    return result
t.Trainer.fit = fitted
hmexp.cli.main(sys.argv[1:])
"""
console = Console()


def marked(script: str, words: list[str], cache: Path, word: str, *before: str) -> Any:  # noqa: ANN401
    """What a script prints behind `word`, as JSON."""
    with tempfile.TemporaryDirectory() as root:
        command = [sys.executable, "-c", script, *before, *words, f"paths.root={root}", f"paths.cache={cache}"]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    line = next(line for line in out.splitlines() if line.startswith(word))
    return json.loads(line.removeprefix(word))


def start(rounds: int) -> Table:
    """From the command to the end of the first step, without and with the programs of a process before."""
    table = Table("training", "from", "without, s", "with, s", "ratio", title=f"to the first step, {rounds} rounds")
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch)
        subprocess.run([sys.executable, "-m", "hmexp", "stage", "data=sample", f"paths.cache={cache}"], check=True)
        subprocess.run(
            [sys.executable, "-m", "hmexp", "stage", "data=sample", "data.image_size=64", f"paths.cache={cache}"],
            check=True,
        )
        for name, words in TRAININGS.items():
            pairs = []
            for _ in range(rounds):
                shutil.rmtree(cache / "programs", ignore_errors=True)
                pairs.append([marked(MARKED, [*SHARED, *words], cache, "MARKS", str(time.time())) for _ in range(2)])
            for place, since in enumerate(("the command", "the training")):
                first, second = ([pair[which][place] for pair in pairs] for which in (0, 1))
                ratio = statistics.median(b / a for a, b in zip(first, second, strict=True))
                medians = [f"{statistics.median(values):.1f}" for values in (first, second)]
                table.add_row(name, since, *medians, f"{ratio:.2f}")
    return table


def sweep() -> Table:
    """First epochs of the two jobs of a sweep over seeds, one after another, and the programs that are kept then."""
    table = Table(
        "job", "first epoch, s", "programs kept since", title="a sweep of two seeds of `fast`, one job at a time"
    )
    little = ["trainer.stop_after=2", "trainer.limit_batches=5"]
    with tempfile.TemporaryDirectory() as scratch:
        before = 0
        for seeds in ("0", "0,1"):
            root, cache = Path(scratch, seeds), Path(scratch, f"cache-{seeds}")
            words = ["-m", *SHARED, *TRAININGS["`fast`"], *little, f"seed={seeds}"]
            places = [f"paths.root={root}", f"paths.cache={cache}"]
            subprocess.run([sys.executable, "-m", "hmexp", *words, *places], check=True, capture_output=True)
            kept = len(list(cache.rglob("*.program")))
            job = sorted(root.glob("mlruns/sweeps/*/*/history.csv"))[-1]
            first = pd.read_csv(job)["seconds"].iloc[0]
            table.add_row(job.parent.name, f"{first:.1f}", str(kept - before))
            before = kept
    return table


def ahead(rounds: int) -> Table:
    """Steps at 48 pixels, then the first one at 64, against the first one at 64 in a thread beside those steps."""
    os.environ["KERAS_BACKEND"] = "jax"
    rng = np.random.default_rng(0)
    table = Table("", "seconds", title=f"compiling the next size of `fast`, {rounds} rounds")
    seconds: dict[str, list[float]] = {"after": [], "beside": []}
    for number in range(2 * rounds):
        which = list(seconds)[number % 2]
        learners = {size: _learner(size) for size in (48, 64)}
        batches = {size: _batch(rng, size) for size in learners}
        for _ in range(3):
            learners[48].train_on_batch(*batches[48])
        begin = time.perf_counter()
        thread = threading.Thread(target=learners[64].train_on_batch, args=batches[64])
        if which == "beside":
            thread.start()
        for _ in range(60):
            learners[48].train_on_batch(*batches[48])
        if which == "after":
            thread.start()
        thread.join()
        seconds[which].append(time.perf_counter() - begin)
    for which, values in seconds.items():
        table.add_row(which, f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})")
    return table


def _learner(size: int) -> Any:  # noqa: ANN401
    """The network of `fast`, compiled as its recipe has it."""
    import keras

    from hmexp.config.model import ResnetConfig
    from hmexp.models.build import build_model
    from hmexp.training.muon import Muon

    keras.utils.set_random_seed(0)
    model = build_model(ResnetConfig(widths=[32, 64, 128, 256], blocks=[1], stem="pool"), size, 9)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Muon(learning_rate=0.02, adam_ratio=0.3, momentum=0.9), loss)
    return model


def _batch(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 256, (64, size, size, 3)).astype(np.uint8), rng.integers(0, 9, 64)


def traces() -> Table:
    """Functions that TensorFlow traces in two epochs of `fast`, and their seconds."""
    table = Table("function", "traces", "seconds", title="TensorFlow, two epochs of `fast`")
    with tempfile.TemporaryDirectory() as cache:
        words = ["data=sample", "backend=tensorflow", "tracking=none", *TRAININGS["`fast`"], "trainer.stop_after=2"]
        rows = pd.DataFrame(marked(TRACED, words, Path(cache), "TRACES"), columns=["seconds", "name"])
        names = rows["name"].str.extract(r"__inference_(.*?)_\d+")[0]
        for name, group in rows.groupby(names):
            table.add_row(str(name), str(len(group)), f"{group['seconds'].sum():.2f}")
    return table


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["start", "sweep", "ahead", "traces", []], default=[])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    what = arguments.what or ["start", "sweep", "ahead", "traces"]
    load = f", {os.getloadavg()[0]:.0f} processes waiting" if os.getloadavg()[0] > os.cpu_count() else ""
    console.print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores{load}")
    if "start" in what:
        console.print(start(arguments.rounds))
    if "sweep" in what:
        console.print(sweep())
    if "ahead" in what:
        console.print(ahead(arguments.rounds))
    if "traces" in what:
        console.print(traces())


if __name__ == "__main__":
    main()
