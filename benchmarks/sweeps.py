"""What sweeps cost and find.

Usage: python benchmarks/sweeps.py [speed] [search] [--rounds 3] [--seeds 20] [--trials 30]

speed: the same 8 short jobs as 8 commands one after another, as a sweep with one worker, and with two; interleaved
rounds. search: the best value that the oracles `random` and `bayesian` find in equal numbers of trials, through the
real sweeper, with jobs that compute a formula of four parameters instead of training.
"""

import argparse
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
console = Console()
SHORT = [
    *("model=cnn", "model.widths=[8,16]", "data.image_size=48", "data.limit=800", "trainer.epochs=4"),
    "tracking.system_metrics=false",
]
DROPOUTS = [f"0.{number}" for number in range(8)]
SPACE = [
    *("optimizer.learning_rate=tag(log,interval(1e-5,1e-1))", "model.dropout=interval(0.0,0.8)"),
    *("model.dense=interval(8,256)", "model.widths=[8],[8,16],[16,32],[32,64]"),
]


def seconds_of(root: Path, *words: str) -> float:
    """Seconds of one command; `-m` comes first, or argparse does not understand it."""
    begun = time.perf_counter()
    flags = [word for word in words if word == "-m"]
    command = [sys.executable, "-m", "hmexp", *flags, *SHORT, *(word for word in words if word != "-m")]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    return time.perf_counter() - begun


def speed(rounds: int) -> None:
    """8 jobs in three ways."""
    times: dict[str, list[float]] = {"8 commands": [], "1 worker": [], "2 workers": []}
    gaps: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        seconds_of(Path(scratch), "trainer.epochs=1")  # the sample, its store and the record are there from now on
        sweep = f"model.dropout={','.join(DROPOUTS)}"
        for _ in range(rounds):
            singles = [seconds_of(Path(scratch), f"model.dropout={dropout}") for dropout in DROPOUTS]
            times["8 commands"].append(sum(singles))
            for workers in (1, 2):
                words = ["-m", sweep, f"hydra.launcher.n_workers={workers}"]
                times[f"{workers} worker{'s' * (workers > 1)}"].append(seconds_of(Path(scratch), *words))
                if workers == 1:
                    gaps += gaps_between_jobs(Path(scratch))
    table = Table(title=f"8 short jobs, {os.cpu_count()} cores, {platform.processor() or platform.machine()}")
    for name in ("", "s, median", "to 8 commands", "to 1 worker"):
        table.add_column(name)
    for name, seconds in times.items():
        to_commands = statistics.median(a / b for a, b in zip(seconds, times["8 commands"], strict=True))
        to_one = statistics.median(a / b for a, b in zip(seconds, times["1 worker"], strict=True))
        table.add_row(name, f"{statistics.median(seconds):.1f}", f"{to_commands:.2f}", f"{to_one:.2f}")
    console.print(table)
    console.print(f"from the end of a job to the start of the next: {statistics.median(gaps):.2f} s, median")
    more = [(a - b) / 8 for a, b in zip(times["1 worker"], times["8 commands"], strict=True)]
    console.print(f"a job beyond a command: {statistics.median(more):+.2f} s, the sweep's own start and end included")


def gaps_between_jobs(root: Path) -> list[float]:
    """Seconds in which the only worker of the newest sweep had no process."""
    from hmexp.jobs.table import JobTable

    jobs = JobTable(max((root / "mlruns" / "sweeps").iterdir())).jobs()
    return [after.begun - before.begun - before.seconds for before, after in pairwise(jobs)]


def formula(cfg: object) -> float:
    """A smooth hill: the learning rate matters most, then the dropout; widths shift the best rate."""
    depth = len(cfg.model.widths)
    rate = math.log10(cfg.optimizer.learning_rate) + 2.6 + 0.3 * depth
    hill = 0.85 - 0.06 * rate**2 - 0.4 * (cfg.model.dropout - 0.35) ** 2
    return hill - 0.03 * math.log2(cfg.model.dense / 96) ** 2 - 0.02 * abs(cfg.model.widths[0] - 16) / 8


def job(cfg: object) -> float:
    """Leaves what a sweep looks at."""
    from hydra.core.hydra_config import HydraConfig

    folder, value = Path(HydraConfig.get().runtime.output_dir), formula(cfg)
    (folder / "metrics.json").write_text(json.dumps({"best/val/macro_f1": value}))
    record = {"run_id": folder.name, "root": str(Path.cwd()), "status": "FINISHED"}
    (folder / "run.json").write_text(json.dumps(record))
    return value


def search(seeds: int, trials: int) -> None:
    """The oracles on the same formula, seed by seed."""
    import hydra

    from hmexp.config.presets import shipped_dir
    from hmexp.config.schemas import register_schemas
    from hmexp.jobs.table import JobTable

    register_schemas()
    found: dict[str, list[float]] = {"random": [], "bayesian": []}
    small = ["hydra/launcher=basic", "tracking=none", "data.limit=60", "data.image_size=8", "model=cnn"]
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(seeds):
            for oracle, best in found.items():
                folder = Path(scratch) / f"{oracle}-{seed}"
                words = [*small, *SPACE, "hydra/sweeper=keras_tuner", "hydra.sweeper.batch_size=1"]
                words += [f"hydra.sweeper.oracle={oracle}", f"hydra.sweeper.seed={seed}"]
                words += [f"hydra.sweeper.max_trials={trials}", f"hydra.sweep.dir={folder}"]
                sys.argv = ["hmexp", "-m", *words]
                os.environ["HYDRA_FULL_ERROR"] = "1"
                hydra.main(version_base="1.3", config_path=str(shipped_dir("conf")), config_name="train")(job)()
                best.append(max(job.objective for job in JobTable(folder).jobs()))
                shutil.rmtree(folder)
            console.print(f"seed {seed}: " + ", ".join(f"{oracle} {best[-1]:.4f}" for oracle, best in found.items()))
    gain = np.subtract(found["bayesian"], found["random"])
    half = 1.96 * gain.std(ddof=1) / math.sqrt(len(gain))
    console.print(f"the best of {trials} trials, mean over {seeds} seeds (the hill is 0.85 high):")
    for oracle, best in found.items():
        console.print(f"  {oracle:<9} {np.mean(best):.4f}, median regret {0.85 - np.median(best):.4f}")
    console.print(
        f"  bayesian - random {gain.mean():+.4f} +- {half:.4f}; bayesian is better on {(gain > 0).sum()} seeds"
    )


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["speed", "search"], choices=["speed", "search"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=30)
    arguments = parser.parse_args()
    if "speed" in arguments.what:
        speed(arguments.rounds)
    if "search" in arguments.what:
        search(arguments.seeds, arguments.trials)


if __name__ == "__main__":
    main()
