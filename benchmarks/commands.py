"""What a command costs besides its work: help beside importing Hydra, the leaderboard of many runs, a small training.

Usage: python benchmarks/commands.py [--pairs 7] [--runs 100]

Each is a whole process, in interleaved pairs. `runs` is put beside a process that imports what it imports and ends, the
training beside itself where the garbage collector walks what TensorFlow and MLflow have imported.
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
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

HELP = [sys.executable, "-m", "hmexp", "--help"]
HYDRA = [sys.executable, "-c", "import hydra"]
RUNS = [sys.executable, "-m", "hmexp", "runs"]
IMPORTS = [sys.executable, "-c", "import hmexp.cli, hydra, pandas, mlflow, mlflow.store.tracking.sqlalchemy_store"]
SMALL = ["model=cnn", "model.widths=[4]", "data.image_size=16", "trainer.epochs=2", "tracking.system_metrics=false"]
TRAIN = [sys.executable, "-m", "hmexp", *SMALL]
WALKED = """
import importlib, sys, hmexp.process
hmexp.process.import_for_good = importlib.import_module
from hmexp.__main__ import run
sys.exit(run())
"""
TRAIN_WALKED = [sys.executable, "-c", WALKED, *SMALL]


def seconds(command: list[str], cwd: Path) -> float:
    """Wall-clock time of a process."""
    start = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
    return time.perf_counter() - start


def medians(pairs: int, first: list[str], second: list[str], cwd: Path) -> tuple[float, float]:
    """Median times of two commands that take turns."""
    times = [(seconds(first, cwd), seconds(second, cwd)) for _ in range(pairs)]
    return statistics.median(one for one, _ in times), statistics.median(other for _, other in times)


def record_runs(root: Path, count: int) -> None:
    """Train once, and give the folder and its record `count - 1` copies."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    words = ["debug=fast", "data.image_size=16", "model=cnn", "model.widths=[4]", "tracking.system_metrics=false"]
    subprocess.run([sys.executable, "-m", "hmexp", *words], cwd=root, check=True, capture_output=True)
    [job_dir] = (root / "mlruns" / "jobs").iterdir()
    client = MlflowClient(f"sqlite:///{root / 'mlruns' / 'mlflow.db'}")
    record = json.loads((job_dir / "run.json").read_text())
    first = client.get_run(record["run_id"])
    for number in range(1, count):
        copy = job_dir.with_name(f"{job_dir.name}-{number}")
        shutil.copytree(job_dir, copy)
        tags = first.data.tags | {"hmexp.job_dir": str(copy)}
        run_id = client.create_run(first.info.experiment_id, tags=tags).info.run_id
        metrics = [Metric(name, value, 0, 0) for name, value in first.data.metrics.items()]
        client.log_batch(run_id, metrics=metrics)
        client.set_terminated(run_id)
        (copy / "run.json").write_text(json.dumps(record | {"run_id": run_id}))


def main(pairs: int, runs: int) -> None:
    """Print the table."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    table = Table("command", "median, s", "beside", "median, s", "more, s", title=f"{platform.node()}, {pairs} pairs")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        record_runs(root, runs)
        rows = {
            ("hmexp --help", "import hydra"): (HELP, HYDRA),
            (f"hmexp runs, {runs} runs", "imports"): (RUNS, IMPORTS),
            ("hmexp, a small training", "the same, its imports walked"): (TRAIN, TRAIN_WALKED),
        }
        for names, commands in rows.items():
            one, other = medians(pairs, *commands, root)
            table.add_row(names[0], f"{one:.2f}", names[1], f"{other:.2f}", f"{one - other:.2f}")
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--runs", type=int, default=100)
    main(**vars(parser.parse_args()))
