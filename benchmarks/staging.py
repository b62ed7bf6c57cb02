"""`stage` with `runner=local` beside `runner=ray`, here or at `RAY_ADDRESS`: whole commands.

    python benchmarks/staging.py [--num 2000] [--rounds 3] [--photographs FOLDER]

Both commands stage the same 1166x1750 JPEGs in turns, each into a cache of its own that is removed again. Seconds are
of the whole process; images/s are those that the command prints, with the start of Ray. The stores have to be
the same bytes, or the script fails.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from statistics import median

from input_pipeline import machine, make_pictures
from rich.console import Console
from rich.table import Table

RUNNERS = ("local", "ray")
RATE = re.compile(r"staged [\d,]+ pictures, ([\d,]+) images/s")
FILES = ("pictures.npy", "index.parquet", "quarantine.parquet")
console = Console()


@dataclass(frozen=True)
class Staged:
    """One command: its seconds, the images/s that it says, and a hash of its store."""

    seconds: float
    rate: float
    store: str


def stage(root: Path, cache: Path, runner: str) -> Staged:
    """Run the command into an empty cache."""
    words = ["stage", "data=folder", f"data.root={root}", "data/split=random", f"runner={runner}"]
    begun = time.perf_counter()
    environment = os.environ | {"HMEXP_CACHE": str(cache), "RAY_USAGE_STATS_ENABLED": "0"}
    line = [sys.executable, "-m", "hmexp", *words]
    done = subprocess.run(line, env=environment, cwd=root.parent, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    said = RATE.search(done.stdout)
    if done.returncode or said is None:
        raise SystemExit(f"exit {done.returncode}: {done.stdout}{done.stderr}")
    (store,) = (path for path in (cache / "stores").iterdir() if path.is_dir())
    content = blake2b(b"".join((store / name).read_bytes() for name in FILES)).hexdigest()
    shutil.rmtree(cache)
    return Staged(seconds, float(said[1].replace(",", "")), content)


def main(args: argparse.Namespace) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="hmexp-benchmark-") as folder:
        root = Path(folder) / "pictures"
        make_pictures(root, args.num, args.photographs)
        rounds = [
            {runner: stage(root, Path(folder) / "cache", runner) for runner in RUNNERS} for _ in range(args.rounds)
        ]
        if len({staged.store for staged in rounds[0].values()}) > 1:
            raise SystemExit("expected the same store of both runners, received two")
        table = Table(title=f"{args.num:,} pictures, {args.rounds} rounds\n{machine(root)}", title_justify="left")
        for column in ("runner", "command, s", "images/s that it says"):
            table.add_column(column)
        for runner in RUNNERS:
            seconds = median(staged[runner].seconds for staged in rounds)
            rate = median(staged[runner].rate for staged in rounds)
            table.add_row(runner, f"{seconds:.1f}", f"{rate:,.0f}")
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photographs", type=Path, help="folder of JPEGs to take instead of drawn ones")
    main(parser.parse_args())
