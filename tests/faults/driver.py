"""Kills trainings and resumes them, each in a process of its own; prints what became of them as JSON lines.

TensorFlow is imported once and every run is a fork of this process, so that a kill costs seconds, not a minute.

Usage: driver.py FOLDER BACKEND POINT...     POINT: `none`, a number (durable write before which the run is killed), or
`after:SECONDS` (SIGKILL so long after the training has begun).
"""

import hashlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

TRAINING = [
    *("data=folder", "data.image_size=16", "data/split=stratified", "data.split.fractions.train=0.6"),
    *("data.split.fractions.val=0.2", "data.split.fractions.test=0.2"),
    *("model=cnn", "model.widths=[4,8]", "model.norm=batch", "model.dropout=0.4", "model.dense=8"),
    *("augment=strong", "augment.mixup=0.2", "augment.cutmix=1", "loss.label_smoothing=0.1", "schedule=plateau"),
    *("schedule.patience=1", "trainer.ema=0.9", "trainer.early_stopping=3", "trainer.epochs=4", "trainer.batch_size=8"),
    *(
        "trainer.checkpoint_steps=3",
        "trainer.accumulate=2",
        "trainer.precise_norm=2",
        "optimizer=adamw",
        "deterministic=true",
    ),
    *("tracking.system_metrics=false",),
]


def count_durable_writes(kill_at: int | None) -> list[str]:
    """Notes every call that makes something durable; kills the process before number `kill_at`."""
    done: list[str] = []

    def counted(name, function):
        def call(*arguments, **keywords):
            if kill_at == len(done):
                os.kill(os.getpid(), signal.SIGKILL)
            done.append(name)
            return function(*arguments, **keywords)

        return call

    for name in ("replace", "rename", "fsync", "mkdir", "rmdir", "unlink"):
        setattr(os, name, counted(name, getattr(os, name)))
    from hmexp.tracking.recorder import MlflowRecorder

    for name in ("epoch", "history", "result", "model", "artifacts"):
        setattr(MlflowRecorder, name, counted(name, getattr(MlflowRecorder, name)))
    return done


def fork(words: list[str], kill_at: int | None, after: float | None) -> tuple[int, list[str]]:
    """Runs a command in a fork; gives its exit status (negative: signal) and its durable writes while it trained."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        if os.environ.get("FAULTS_QUIET", "1") == "1":
            os.dup2(quiet, 2)
        from hmexp import cli

        done = count_durable_writes(kill_at)
        if after is not None:
            threading.Thread(target=_kill_after, args=(after,), daemon=True).start()
        code = cli.main(words)
        os.write(write, json.dumps(done).encode())
        os._exit(code)
    os.close(write)
    chunks = []
    while chunk := os.read(read, 65536):
        chunks.append(chunk)
    os.close(read)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), json.loads(b"".join(chunks) or b"[]")


def _kill_after(seconds: float) -> None:
    while not list(Path("mlruns/jobs").glob("*/checkpoints")) and not list(
        Path("mlruns/jobs").glob("*/manifest.parquet")
    ):
        time.sleep(0.01)
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def outcome(root: Path) -> dict[str, object]:
    """What the run left: a hash of the best and of the last weights, its history, its series in MLflow."""
    import numpy as np
    import pandas as pd
    from mlflow import MlflowClient

    [job] = (path.parent for path in (root / "mlruns" / "jobs").glob("*/run.json"))
    digest = hashlib.sha256()
    files = [
        *sorted((job / "checkpoints").glob("best-*.npz")),
        *sorted((job / "checkpoints").glob("epoch-*/arrays.npz")),
    ]
    for path in files:
        with np.load(path) as arrays:
            for name in sorted(arrays.files):
                digest.update(name.encode() + arrays[name].tobytes())
    history = pd.read_csv(job / "history.csv").drop(columns=["seconds", "images_per_second"])
    client = MlflowClient(f"sqlite:///{root / 'mlruns' / 'mlflow.db'}")
    run = client.get_run(json.loads((job / "run.json").read_text())["run_id"])
    series = {
        name: [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]
        for name in sorted(run.data.metrics)
    }
    return {
        "files": [path.relative_to(job).as_posix() for path in files],
        "weights": digest.hexdigest(),
        "history": history.to_csv(index=False),
        "series": hashlib.sha256(json.dumps(series).encode()).hexdigest(),
        "points": {name: len(points) for name, points in series.items()},
        "status": run.info.status,
        "metrics": json.loads((job / "metrics.json").read_text()),
    }


def main() -> None:
    """One line a point."""
    folder, backend, *points = sys.argv[1:]
    os.environ["KERAS_BACKEND"] = backend
    __import__(backend)
    import mlflow.keras  # noqa: F401

    import hmexp.runner.session
    import hmexp.tracking.recorder
    import hmexp.training.device  # noqa: F401

    training = [f"data.root={folder}/pictures", f"backend={backend}", *TRAINING]
    for number, point in enumerate(points, start=len(list(Path(folder).iterdir()))):
        root = Path(folder) / f"{number}_{point.replace(':', '_')}"
        root.mkdir()
        os.chdir(root)
        kill_at = int(point) if point.isdecimal() else None
        after = float(point.partition(":")[2]) if point.startswith("after:") else None
        start = time.perf_counter()
        code, writes = fork(training, kill_at, after)
        codes = [code]
        while codes[-1] == -signal.SIGKILL and len(codes) < 4:
            begun = any(Path("mlruns/jobs").glob("*/run.json"))
            words = ["resume=latest"] if begun else training
            codes.append(fork(words, None, None)[0])
        found = outcome(root) if codes[-1] == 0 else {}
        seconds = time.perf_counter() - start
        print(json.dumps({"point": point, "codes": codes, "writes": writes, "seconds": seconds, **found}), flush=True)


if __name__ == "__main__":
    main()
