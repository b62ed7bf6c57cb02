"""Folders of runs, evaluations and sweeps as commands leave them, with made figures, for their pages."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from hmexp.jobs.table import FAILED, FINISHED, Job, JobTable

OBJECTIVE = "best/val/macro_f1"
CONFIG = "data: {{root: {root}, max_pixels: 1000000}}\ntrainer: {{monitor: val/macro_f1}}\nseed: 0\n"
STEPS = [
    {
        "name": "split: grouped",
        "text": "Stratified.",
        "before": 9,
        "after": 9,
        "changes": [],
        "warnings": ["Few of c0."],
    }
]


def make_run(folder: Path, num: int = 60, num_classes: int = 3, wrong: float = 0.3, noise: bool = False) -> Path:
    """A run's folder with `num` pictures in val and in test; its catalogue lies beside it."""
    rng = np.random.default_rng(0)
    classes = [f"c{number}" for number in range(num_classes)]
    make_pictures(folder.parent / "catalogue", noise)
    (folder / ".hydra").mkdir(parents=True)
    (folder / "config.yaml").write_text(CONFIG.format(root=folder.parent / "catalogue"))
    (folder / ".hydra" / "hydra.yaml").write_text(
        "command: python -m hmexp seed=0 'name=<b>' -m hydra.mode=RUN\nchoices: {}\n"
    )
    record = {"run_id": "a" * 32, "root": str(folder.parent), "status": "FINISHED", "name": "made"}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "metrics.json").write_text(json.dumps({"best/epoch": 2.0, OBJECTIVE: 0.6, "model/parameters": 1234.0}))
    make_history(folder, rng)
    tables = [predictions(split, num, classes, wrong, rng) for split in ("train", "val", "test")]
    pd.concat(tables, ignore_index=True).to_parquet(folder / "predictions.parquet", index=False)
    for split in ("val", "test"):
        intervals = [("macro_f1", 0.6, 0.5, 0.7), ("accuracy", 0.7, 0.6, 0.8)]
        pd.DataFrame(intervals, columns=["metric", "value", "low", "high"]).to_csv(folder / f"intervals_{split}.csv")
    counts = [{"label": name, "total": 3 * num, "train": num, "val": num, "test": 5} for name in classes]
    strategy = {"steps": STEPS, "counts": counts, "sibling_in_train": {"val": 0.0}}
    (folder / "strategy.json").write_text(json.dumps(strategy))
    slices = [("red", 30, 0.5, 0.3, 0.6, 0.4), ("blue", 30, 0.9, 0.8, 0.95, 0.8)]
    columns = ["value", "num", "accuracy", "low", "high", "macro_f1"]
    pd.DataFrame(slices, columns=columns).to_csv(folder / "slices_colour_test.csv", index=False)
    colours = pd.DataFrame(
        {"article_id": tables[2]["article_id"], "slice/colour": np.where(np.arange(num) % 2, "red", "blue")}
    )
    pd.concat([colours, colours]).to_parquet(folder / "slice_values.parquet", index=False)
    return folder


def make_history(folder: Path, rng: np.random.Generator) -> None:
    names = [f"{split}/{name}" for split in ("train", "val") for name in ("accuracy", "loss", "macro_f1")]
    history = pd.DataFrame({"epoch": [1, 2, 3], "seconds": 2.0, "images_per_second": 100.0})
    history.assign(**{name: rng.random(3) for name in names}).to_csv(folder / "history.csv", index=False)


def predictions(split: str, num: int, classes: list[str], wrong: float, rng: np.random.Generator) -> pd.DataFrame:
    """A table of predictions of which a share is wrong."""
    count = len(classes)
    targets = np.arange(num) % count
    seen = np.where(rng.random(num) < wrong, (targets + rng.integers(1, count, num)) % count, targets)
    probabilities = rng.random((num, count)) * 0.1
    probabilities[np.arange(num), seen] += rng.uniform(0.2, 3.0, num)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    names = np.array(classes, dtype=object)
    table = pd.DataFrame({"article_id": [f"0{number:09d}" for number in range(num)]})
    table["image"] = [f"images/0{number % 4}.png" for number in range(num)]
    table = table.assign(split=split, target=names[targets], predicted=names[probabilities.argmax(axis=1)])
    table["confidence"] = probabilities.max(axis=1)
    return table.join(pd.DataFrame(probabilities, columns=[f"p/{name}" for name in classes]))


def make_pictures(root: Path, noise: bool = False) -> None:
    """Four pictures; of noise, which hardly compresses, or each of one colour. The last cannot be read."""
    (root / "images").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(4):
        pixels = rng.integers(0, 256, (220, 150, 3)) if noise else np.full((220, 150, 3), 60 * number)
        Image.fromarray(pixels.astype(np.uint8)).save(root / "images" / f"0{number}.png")
    if not noise:
        (root / "images" / "03.png").write_bytes(b"no picture")


def make_sweep(folder: Path, repeated: bool = False) -> Path:
    """A sweep's folder of six jobs, the last of which failed."""
    folder.mkdir(parents=True)
    table = JobTable(folder)
    table.create()
    rng = np.random.default_rng(1)
    jobs = []
    for number in range(6):
        parameters = {
            "optimizer.learning_rate": f"{10.0 ** -(1 + number % 3):g}",
            "model.norm": ("none", "batch")[number % 2],
        }
        job = Job(number, number, parameters, status=FINISHED, seconds=10.0 + number, objective=0.5 + 0.01 * number)
        job.metrics = {OBJECTIVE: job.objective, "test/macro_f1": 0.5, "best/epoch": 2.0}
        (folder / str(number)).mkdir()
        make_history(folder / str(number), rng)
        (folder / str(number) / "report.html").write_text("the page of a job")
        jobs.append(job)
    jobs[5].status, jobs[5].objective, jobs[5].reason = FAILED, None, "<i>no luck</i>"
    intervals = pd.DataFrame([("macro_f1", 0.54, 0.49, 0.59)], columns=["metric", "value", "low", "high"])
    intervals.to_csv(folder / "4" / "intervals_val.csv", index=False)
    table.write(jobs, objective=OBJECTIVE, folds=1, command="python -m hmexp -m ...", begun=1.0, status="FINISHED")
    return folder
