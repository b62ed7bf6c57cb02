"""The recipes against the reference's network and training, on a folder of pictures with its own split.

Usage: python benchmarks/recipes.py ROOT [words of the command] [--recipes reference,fast_short,fast,best] [--seeds 3]
                                    [--out FOLDER]
       python benchmarks/recipes.py ROOT --recipes reference,probe,finetune --network NETWORK.keras
       python benchmarks/recipes.py ROOT --recipes fast,best --backends tensorflow,jax

ROOT is a folder of pictures a class under train/, validation/ and test/. Every recipe is a preset, trained once a
seed in a process of its own; all choices were made on val, test is scored once a run. Training time is the sum of
the epochs (validation and tracing included), as history.csv has it; times are of this machine, so ratios count, each
to the first row. `probe` and `finetune` start from the network in a file; the features that `probe` needs are computed
once, outside of its training time, and the seconds of that are in its log. With --out, what an earlier call finished
is taken from there, and what it began goes on.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

REFERENCE = ["model=cnn3", "data.image_size=180", "trainer.epochs=5"]
PRETRAINED = ("probe", "finetune")
METRICS = ("best/val/macro_f1", "test/macro_f1", "test/accuracy")


def train(arguments: argparse.Namespace, recipe: str, backend: str, seed: int, out: Path) -> dict[str, float]:
    """One run, or what is left of it in `out`: its metrics and its training time."""
    words = REFERENCE if recipe == "reference" else [f"experiment={recipe}"]
    if recipe in PRETRAINED and arguments.network:
        words = [*words, f"model.name={arguments.network}"]
    folder = out / f"{recipe}_{backend}_{seed}"
    given = ["data=folder", f"data.root={arguments.root}", f"backend={backend}", f"seed={seed}", "tracking=none"]
    jobs = list(folder.glob("mlruns/jobs/*"))
    if not jobs or not (jobs[0] / "metrics.json").is_file():
        words = ["resume=latest"] if jobs else [*given, *words, *arguments.words]
        command = [sys.executable, "-m", "hmexp", f"paths.root={folder}", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (job,) = folder.glob("mlruns/jobs/*")
    metrics = json.loads((job / "metrics.json").read_text())
    seconds = pd.read_csv(job / "history.csv")["seconds"].sum()
    return {name: metrics[name] for name in METRICS} | {"seconds": seconds, "best epoch": metrics["best/epoch"]}


def interval(values: list[float]) -> str:
    """Mean and half the width of its 95 % interval (Student's t)."""
    if len(values) == 1:
        return f"{values[0]:.3f}"
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    return f"{np.mean(values):.3f} ± {half:.3f}"


def main() -> None:
    """Train, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--recipes", default="reference,fast_short,fast,best")
    parser.add_argument("--backends", default="tensorflow")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--network", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    out = arguments.out or Path(tempfile.mkdtemp())
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}; {arguments.seeds} seeds; {arguments.root}")
    print("| recipe | backend | training, s | ratio | val macro-F1 | test macro-F1 | test accuracy |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    reference = None
    # Seeds in the outer loop would interleave the recipes; here one after another, so that a table grows early.
    for recipe, backend in product(arguments.recipes.split(","), arguments.backends.split(",")):
        runs = pd.DataFrame([train(arguments, recipe, backend, seed, out) for seed in range(arguments.seeds)])
        seconds = runs["seconds"].median()
        reference = seconds if reference is None else reference
        scores = " | ".join(interval(runs[name].tolist()) for name in METRICS)
        print(f"| `{recipe}` | {backend} | {seconds:.0f} | {seconds / reference:.2f} | {scores} |", flush=True)


if __name__ == "__main__":
    main()
