"""`explore` on a large catalogue with a warm store: each part of it, and the whole command.

    python benchmarks/explore.py [--num 20000] [--to 100000] [--folder FOLDER]

Draws a catalogue of `--num` pictures as the sample's are, each another one, in H&M's layout, stages it at 180 x 180
pixels, and then measures the whole command in a process of its own and, in this process, its parts, by the clock and
by the processor, which another program's load does not move as much. The last column is what a part would take of
`--to` articles: by the number of pictures, and for comparing every hash with every other by its square. `--folder`
keeps the drawn catalogue for the next time.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from input_pipeline import machine
from rich.console import Console
from rich.table import Table

from hmexp.catalogue.sample import sample_articles
from hmexp.catalogue.sample.generate import draw_picture
from hmexp.config.compose import compose_words
from hmexp.config.explore import ExploreConfig
from hmexp.config.schemas import to_config
from hmexp.datamodule import DataModule
from hmexp.exploration.alike import alike_by_look
from hmexp.exploration.copies import find_copies
from hmexp.exploration.findings import find
from hmexp.exploration.headers import read_headers
from hmexp.exploration.looks import look_at
from hmexp.exploration.page import page_of
from hmexp.exploration.survey import Pictures, Survey

T = TypeVar("T")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
console = Console()


def make_catalogue(root: Path, num: int) -> None:
    """articles.csv and pictures of `num` articles: the sample's rows again and again under ids of their own."""
    rows = sample_articles()
    table = pd.concat([rows] * -(-num // len(rows)), ignore_index=True).head(num)
    round_ = np.arange(num) // len(rows)
    code = table["product_code"].astype(int) + 1_000 * (round_ * 7919 % 800)
    table["product_code"] = code.astype(str)
    table["article_id"] = [f"{number:010d}" for number in 100_000_000 + np.arange(num) * 7]
    root.mkdir(parents=True, exist_ok=True)
    table.to_csv(root / "articles.csv", index=False)
    records = table.to_dict("records")
    with ProcessPoolExecutor() as pool:
        list(pool.map(draw, records, [root] * num, chunksize=64))


def draw(article: dict, root: Path) -> None:
    """Draw one picture, unless it is there."""
    path = root / "images" / article["article_id"][:3] / f"{article['article_id']}.jpg"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_picture(article, path)


class Stopwatch:
    """Seconds, and seconds of the processor, of each part, in their order."""

    def __init__(self) -> None:
        self.parts: dict[str, tuple[float, float]] = {}

    def __call__(self, name: str, work: Callable[[], T]) -> T:
        """Do a part of the work, and note how long it takes."""
        begun, before = time.perf_counter(), time.process_time()
        result = work()
        self.parts[name] = (time.perf_counter() - begun, time.process_time() - before)
        return result


def measure(words: list[str]) -> tuple[dict[str, tuple[float, float]], int]:
    """The parts of `explore` in this process, and how many pictures there are."""
    config = to_config(compose_words(words, "explore").tree, ExploreConfig)
    watch = Stopwatch()
    data = watch("table, listing, plan", lambda: DataModule(config.data, config.paths, trains=False))
    store = watch("opening the store", data.prepare)
    watch("plan with digests", data.setup)
    images = data.images
    headers = watch("headers", lambda: read_headers(data.catalogue.source, images))
    looks = watch("looks: store, hashes, colours", lambda: look_at(store, images))
    copies = watch("all pairs of hashes", lambda: find_copies(looks, store.digests(images), config.max_distance))
    places = pd.Series(range(len(images)), index=images)
    rows = data.catalogue.rows.assign(look=data.catalogue.rows["image"].map(places))
    alike = watch("similar classes", lambda: alike_by_look(rows, looks.thumbnails[rows["look"].to_numpy()]))
    pictures = Pictures(store, headers, looks, copies, alike, rows, data.quarantine)
    survey = Survey(config.data, data.catalogue, data.manifest, data.report, pictures)
    findings = watch("columns, findings", lambda: find(survey))
    page = watch("page", lambda: page_of(survey, findings, config, "hmexp explore"))
    console.print(f"the page has {len(page) / 2**20:.1f} MiB")
    return watch.parts, len(images)


def main(args: argparse.Namespace) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="hmexp-benchmark-") as temporary:
        folder = args.folder or Path(temporary)
        root = folder / f"catalogue-{args.num}"
        make_catalogue(root, args.num)
        words = ["data=hm", f"data.root={root}", f"paths.cache={folder / 'cache'}", f"paths.root={folder}"]
        line = [sys.executable, "-m", "hmexp"]
        subprocess.run([*line, "stage", *words], check=True, cwd=folder)
        begun = time.perf_counter()
        before = os.times()
        subprocess.run([*line, "explore", *words], check=True, cwd=folder)
        whole, after = time.perf_counter() - begun, os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        parts, num = measure(words)
        about = machine(next((root / "images").iterdir()))
    times = args.to / num
    table = Table(title=f"explore, {num:,} pictures, warm store\n{about}", title_justify="left")
    for column in ("part", "s", "processor s", f"processor s of {args.to:,}"):
        table.add_column(column)
    parts["all of these"] = tuple(map(sum, zip(*parts.values(), strict=True)))
    ahead = {name: cpu * (times**2 if "pairs" in name else times) for name, (_, cpu) in parts.items()}
    ahead["all of these"] = sum(ahead.values()) - ahead["all of these"]
    for name, (seconds, processor) in parts.items():
        table.add_row(name, f"{seconds:.2f}", f"{processor:.2f}", f"{ahead[name]:.1f}")
    table.add_row("the command", f"{whole:.1f}", f"{cpu:.1f}", "")
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=20_000)
    parser.add_argument("--to", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="keeps the drawn catalogue and its store")
    main(parser.parse_args())
