"""Whether a recipe's limit of steps holds on a larger catalogue: macro-F1 with all of its epochs and with fewer.

Usage: python benchmarks/lengths.py OUT [words of the command] [--num 20000] [--recipe fast] [--limits null,4000,2000]

Draws `num` articles as the sample's are drawn, in H&M's layout, into OUT/catalogue, trains the recipe once for each
limit of `trainer.max_steps`, one after another, and prints a row as each is done.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from hmexp.catalogue.sample import generate, tables
from hmexp.catalogue.sample.types import GROUP_COUNTS


def draw(num: int, root: Path) -> None:
    """A catalogue of about `num` articles, with the sample's share of each class."""
    if (root / "articles.csv").is_file():
        return
    rng = np.random.default_rng(num)
    codes = iter(rng.choice(np.arange(108_775, 960_000), num, replace=False))
    rows: list[dict[str, object]] = []
    for group, count in GROUP_COUNTS.items():
        wanted = len(rows) + round(num * count / sum(GROUP_COUNTS.values()))
        while len(rows) < wanted:
            rows += tables._product(rng, group, int(next(codes)), wanted - len(rows))
    for folder in {str(row["article_id"])[:3] for row in rows}:
        (root / "images" / folder).mkdir(parents=True, exist_ok=True)

    def picture(row: dict[str, object]) -> None:
        name = str(row["article_id"])
        generate.draw_picture(row, root / "images" / name[:3] / f"{name}.jpg")

    with ThreadPoolExecutor() as pool:
        list(pool.map(picture, rows))
    pd.DataFrame(rows).to_csv(root / "articles.csv", index=False)


def train(recipe: str, limit: str, out: Path, words: list[str]) -> tuple[float, pd.DataFrame]:
    """Macro-F1 on test and the history of one run."""
    folder = out / f"{recipe}_{limit}"
    command = [sys.executable, "-m", "hmexp", f"experiment={recipe}", "data=hm", f"data.root={out / 'catalogue'}"]
    command += [f"trainer.max_steps={limit}", "tracking=none", f"paths.root={folder}", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    job = max((folder / "mlruns" / "jobs").iterdir())
    return json.loads((job / "metrics.json").read_text())["test/macro_f1"], pd.read_csv(job / "history.csv")


def main() -> None:
    """Draw, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--num", type=int, default=20_000)
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--limits", default="null,4000,2000")
    arguments = parser.parse_args()
    draw(arguments.num, arguments.out / "catalogue")
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; {arguments.num:,} drawn articles")
    print("| `trainer.max_steps` | epochs | training, s | test macro-F1 |\n| --- | --- | --- | --- |", flush=True)
    for limit in arguments.limits.split(","):
        score, history = train(arguments.recipe, limit, arguments.out, arguments.words)
        print(f"| {limit} | {len(history)} | {history['seconds'].sum():.0f} | {score:.3f} |", flush=True)


if __name__ == "__main__":
    main()
