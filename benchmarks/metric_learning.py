"""Features that find an article's other colours, against those of a classifier and what needs no training.

    python benchmarks/metric_learning.py [--data WORDS] [--seeds 3] [--words WORDS] [--pretrained FILE] [--out FOLDER]

WORDS are those of the command line, such as "data=table data.csv=CATALOGUE/articles.csv data.image_column=file
data.label=kind data.group_column=product" for a catalogue of `benchmarks/recoloured.py`. Each seed trains, on the
same split:

    class        the network and the epochs of `experiment=metric`, classes alone, in colour
    class, grey  the same with its grey input and its augmentation, still without the contrastive term
    metric       `experiment=metric`

and `embed evaluate=true` compares them on the test split, whole products that none of them has seen, with
intervals over products; FILE is a pretrained network in Keras's format. The figures are means over the seeds.
With --out, what an earlier call finished is taken from there.
"""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

COLOURED = "model.input=rgb augment.blend=0 augment.gamma=1 augment.invert=0"
TRAININGS = {
    "class": f"loss=cross_entropy trainer.monitor=val/macro_f1 {COLOURED}",
    "class, grey": "loss=cross_entropy trainer.monitor=val/macro_f1",
    "metric": "",
}
METRICS = ("variant/recall@1", "variant/hit@12", "variant/map@r")
PIXELS = 128
"""Side of the pictures that the pretrained network sees; those of `benchmarks/recoloured.py` have no more."""


def hmexp(words: list[str], folder: Path) -> None:
    """Run a command whose runs lie in a folder."""
    command = [sys.executable, "-m", "hmexp", *words, f"paths.root={folder}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def train(folder: Path, words: list[str]) -> dict[str, float]:
    """One run, unless it is there: its seconds and its accuracy on test."""
    if not list(folder.glob("mlruns/jobs/*/metrics.json")):
        hmexp(["experiment=metric", *words, "tracking=none"], folder)
    (job,) = folder.glob("mlruns/jobs/*")
    seconds = pd.read_csv(job / "history.csv")["seconds"].sum()
    return {"seconds": seconds, "accuracy": json.loads((job / "metrics.json").read_text())["test/accuracy"]}


def compare(folders: dict[str, Path], data: list[str], pretrained: Path | None, out: Path) -> pd.DataFrame:
    """What each finds among the articles of test: `features, metric, value, low, high, gain, ...`."""
    jobs = {next(folder.glob("mlruns/jobs/*")): name for name, folder in folders.items()}
    table = out / "retrieval.csv"
    if not table.is_file():
        first, *others = [str(job / "model") for job in jobs]
        words = ["embed", *data, "evaluate=true", f"out={table}"]
        if pretrained is None:
            hmexp([*words, f"run={first}", f"against=[{','.join(others)}]"], out)
        else:
            model = ["model=saved", f"model.file={pretrained}", f"data.image_size={PIXELS}"]
            hmexp([*words, *model, f"against=[{','.join([first, *others])}]"], out)
    found = pd.read_csv(table)
    names = {
        name: next((n for job, n in jobs.items() if job.name in name), name) for name in found["features"].unique()
    }
    return found.assign(features=found["features"].map(names))


def main() -> None:
    """Train, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data=sample")
    parser.add_argument("--words", default="")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pretrained", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    out = arguments.out or Path(tempfile.mkdtemp())
    data, tables, costs = shlex.split(arguments.data), [], []
    for seed in range(arguments.seeds):
        folders = {name: out / f"{name.replace(', ', '_')}_{seed}" for name in TRAININGS}
        for name, folder in folders.items():
            words = [*data, *shlex.split(TRAININGS[name]), *shlex.split(arguments.words), f"seed={seed}"]
            costs.append({"features": name} | train(folder, words))
        (out / str(seed)).mkdir(exist_ok=True)
        tables.append(compare(folders, data, arguments.pretrained, out / str(seed)))
    found = pd.concat(tables)
    found = found[found["metric"].isin(METRICS)]
    numbers = found.columns.drop(["features", "metric", "held_out"])
    means = found.groupby(["metric", "features"], sort=False)[list(numbers)].mean()
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}; {arguments.seeds} seeds; {int(found['articles'].iloc[0]):,} articles held out; {arguments.data}")
    print(pd.DataFrame(costs).groupby("features", sort=False).mean().round(3).to_string())
    print(
        "| metric | features | value | 95 % over products | over standardised grey |\n| --- | --- | --- | --- | --- |"
    )
    for (metric, name), row in means.iterrows():
        gain = f"{row['gain']:+.3f} ({row['gain_low']:+.3f} to {row['gain_high']:+.3f})"
        print(f"| {metric} | {name} | {row['value']:.3f} | {row['low']:.3f} to {row['high']:.3f} | {gain} |")


if __name__ == "__main__":
    main()
