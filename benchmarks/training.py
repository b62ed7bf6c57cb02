"""What options cost, how long training waits for input, and how long a full evaluation takes, on real pictures.

Usage: python benchmarks/training.py ROOT [options] [input] [evaluate] [--rounds 3]

ROOT is a folder of pictures a class under train/, validation/ and test/. options: seconds an epoch with
`deterministic=true` and with `trainer.precision=auto` against without, rounds interleaved, each run a process of its
own, the fastest epoch after the first of each. input: the table of `debug=profile`.
evaluate: the verb on 1,000 pictures with its full report, against a process that only imports what it imports.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
NETWORKS = {
    "cnn3 at 180": ["model=cnn3", "data.image_size=180"],
    "`fast` at 64": ["experiment=fast", "trainer.precision=float32", "trainer.image_sizes=null", "augment=none"],
    "`best` at 96": [
        *("experiment=best", "trainer.precision=float32", "trainer.image_sizes=null", "augment=none"),
        *("data.image_size=96", "trainer.ema=null"),
    ],
}
OPTIONS = {
    "deterministic=true": ["deterministic=true"],
    "trainer.precision=auto": ["trainer.precision=auto"],
}
EPOCHS = 3
IMPORTS = "import tensorflow, keras, mlflow, pandas, scipy.stats, matplotlib.pyplot, hydra, hmexp.cli"
console = Console()


def run(words: list[str], root: Path) -> Path:
    """One run in a folder of its own; gives the run's folder."""
    command = [sys.executable, "-m", "hmexp", "data=folder", "tracking=none", f"paths.root={root}", *words]
    subprocess.run(command, check=True, capture_output=True)
    return max((root / "mlruns" / "jobs").iterdir())


def epoch_seconds(pictures: Path, words: list[str]) -> float:
    """Seconds of the fastest epoch after the first."""
    with tempfile.TemporaryDirectory() as scratch:
        lengths = [f"trainer.epochs={EPOCHS}", "data.slices=[]"]
        job = run([f"data.root={pictures}", *words, *lengths], Path(scratch))
        return float(pd.read_csv(job / "history.csv")["seconds"].iloc[1:].min())


def options(pictures: Path, rounds: int) -> Table:
    """Seconds an epoch with each option, as a ratio to without."""
    table = Table("network", "option", "s", "without, s", "ratio", title=f"seconds an epoch, {rounds} rounds")
    for name, network in NETWORKS.items():
        seconds: dict[str, list[float]] = {option: [] for option in ("", *OPTIONS)}
        for _ in range(rounds):
            for option, times in seconds.items():
                words = network if not option else [*network, *OPTIONS[option]]
                times.append(epoch_seconds(pictures, _last_wins(words)))
        for option in OPTIONS:
            ratios = [a / b for a, b in zip(seconds[option], seconds[""], strict=True)]
            with_it, without = (statistics.median(seconds[key]) for key in (option, ""))
            spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            table.add_row(name, option, f"{with_it:.1f}", f"{without:.1f}", spread)
    return table


def waiting(pictures: Path) -> Table:
    """Where a step's time goes, for each network as its recipe trains it."""
    table = Table("training", "waiting for input", "computing", "callbacks", title="share of a step's time")
    trainings = {"cnn3 at 180": NETWORKS["cnn3 at 180"]}
    trainings |= {f"experiment={name}": [f"experiment={name}"] for name in ("fast_short", "fast", "best")}
    for name, words in trainings.items():
        with tempfile.TemporaryDirectory() as scratch:
            job = run([f"data.root={pictures}", *words, "debug=profile"], Path(scratch))
            shares = pd.read_csv(job / "profile.csv").set_index("part")["share"]
            columns = ("waiting for input", "computing", "callbacks")
            table.add_row(name, *(f"{shares[part]:.1%}" for part in columns))
    return table


def evaluation(pictures: Path, rounds: int) -> Table:
    """The verb `evaluate` on 1,000 pictures against the imports alone."""
    import_only, whole = [], []
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        _thousand(pictures, root / "pictures")
        run([f"data.root={root / 'pictures'}", "experiment=fast", "trainer.epochs=3", "schedule.warmup_epochs=0"], root)
        verb = [sys.executable, "-m", "hmexp", "evaluate", "run=latest", "split=test", f"paths.root={root}"]
        for _ in range(rounds):
            import_only.append(_seconds([sys.executable, "-c", IMPORTS]))
            whole.append(_seconds(verb))
    a, b = statistics.median(whole), statistics.median(import_only)
    table = Table("", "seconds", title=f"evaluate of 1,000 pictures with its full report, {rounds} rounds")
    table.add_row("the command", f"{a:.1f}")
    table.add_row("its imports alone", f"{b:.1f}")
    table.add_row("after import", f"{a - b:.1f}")
    return table


def _thousand(pictures: Path, out: Path) -> None:
    """Links: 1,000 pictures to test on, 300 to train on, 100 for val, each class in its share."""
    paths = pd.Series(sorted(path for path in pictures.glob("*/*/*") if path.is_file()))
    paths = paths.sample(1400, random_state=0).reset_index(drop=True)
    for place, path in paths.items():
        split = "test" if place < 1000 else "train" if place < 1300 else "val"
        link = out / split / path.parent.name / f"{place}{path.suffix}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.resolve())


def _last_wins(words: list[str]) -> list[str]:
    """Hydra takes a key once: the last word of each key."""
    return list({word.partition("=")[0]: word for word in words}.values())


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("what", nargs="*", choices=["options", "input", "evaluate", []], default=[])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    what = arguments.what or ["evaluate", "input", "options"]
    console.print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    if "evaluate" in what:
        console.print(evaluation(arguments.root, arguments.rounds))
    if "input" in what:
        console.print(waiting(arguments.root))
    if "options" in what:
        console.print(options(arguments.root, arguments.rounds))


if __name__ == "__main__":
    main()
