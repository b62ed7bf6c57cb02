"""`recommend` at H&M's size: how long it takes and how much memory, over generated purchases.

    python benchmarks/recommending.py make FOLDER [--rows 31_000_000] [--customers 100_000] [--articles 105_000]
    python benchmarks/recommending.py run FOLDER [KEY=VALUE ...]

`make` writes articles.csv, customers.csv, transactions_train.csv (3 GB for 31 million rows over two years) and a table
of neighbours. `run` times the whole command, from the CSV file to submission.csv, and reads its peak of resident memory
from the kernel. The purchases are generated: the table is about time and memory, and its MAP@12 is no shop's.
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from rich.console import Console
from rich.table import Table

from hmexp.catalogue.sample.drawing import COLOURS, PATTERNS
from hmexp.catalogue.sample.purchases import purchases
from hmexp.catalogue.sample.shop import Season
from hmexp.catalogue.sample.tables import SEED, customers_table
from hmexp.catalogue.sample.types import TYPES
from hmexp.process import num_cores

DAYS = 730
NUM_NEIGHBOURS = 10


def make_articles(num: int) -> pd.DataFrame:
    """Articles with the columns that recommendations read; about 2.2 colours a product, as at H&M."""
    rng = np.random.default_rng(SEED)
    product = np.repeat(np.arange(num), rng.geometric(0.45, num))[:num]
    kind = rng.integers(0, len(TYPES), num)[product]
    range_ = rng.integers(0, 5, num)[product]
    first = np.r_[True, product[1:] != product[:-1]]
    variant = np.arange(num) - np.maximum.accumulate(np.where(first, np.arange(num), 0)) + 1
    names = np.array([each.name for each in TYPES])[kind]
    return pd.DataFrame(
        {
            "article_id": [f"{108_775 + code:07d}{number:03d}" for code, number in zip(product, variant, strict=True)],
            "product_code": 108_775 + product,
            "prod_name": [f"{name} {code}" for name, code in zip(names, product, strict=True)],
            "product_type_name": names,
            "product_group_name": np.array([each.group for each in TYPES])[kind],
            "graphical_appearance_name": np.array(PATTERNS)[rng.integers(0, len(PATTERNS), num)[product]],
            "colour_group_name": np.array(list(COLOURS))[rng.integers(0, len(COLOURS), num)],
            "department_name": [f"Department {number}" for number in rng.integers(0, 250, num)[product]],
            "index_name": [f"Range {number}" for number in range_],
            "section_name": [f"Section {number}" for number in rng.integers(0, 57, num)[product]],
            "garment_group_name": np.array([each.group for each in TYPES])[kind],
        }
    )


def make_neighbours(articles: pd.DataFrame) -> pl.DataFrame:
    """Neighbours at random: they cost what real ones cost."""
    rng = np.random.default_rng(SEED)
    ids = articles["article_id"].to_numpy()
    others = ids[rng.integers(0, len(ids), (len(ids), NUM_NEIGHBOURS))]
    return pl.DataFrame(
        {
            "article_id": np.repeat(ids, NUM_NEIGHBOURS),
            "neighbour": others.ravel(),
            "score": rng.random(others.size),
        }
    )


def make(folder: Path, rows: int, num_customers: int, num_articles: int) -> None:
    """Write the files; the purchases day by day."""
    folder.mkdir(parents=True, exist_ok=True)
    articles, customers = make_articles(num_articles), customers_table(num_customers)
    articles.to_csv(folder / "articles.csv", index=False)
    customers.to_csv(folder / "customers.csv", index=False)
    make_neighbours(articles).write_parquet(folder / "neighbours.parquet")
    ids, buyers = pl.Series(articles["article_id"].to_list()), pl.Series(customers["customer_id"].to_list())
    season = Season(num_customers, DAYS, rows)
    with (folder / "transactions_train.csv").open("wb") as file:
        for number, day in enumerate(purchases(articles, customers["age"].to_numpy(), season)):
            frame = pl.DataFrame(
                {
                    "t_dat": pl.repeat(day.date.date().isoformat(), len(day.article), eager=True),
                    "customer_id": buyers.gather(day.customer),
                    "article_id": ids.gather(day.article),
                    "price": np.round(day.price, 6),
                    "sales_channel_id": day.channel,
                }
            )
            frame.write_csv(file, include_header=number == 0)


def run(folder: Path, words: list[str]) -> None:
    """Time the command and print the table."""
    console = Console()
    out = folder / "recommendations"
    given = [f"data.root={folder}", f"neighbours={folder / 'neighbours.parquet'}", f"out={out}", *words]
    command = [sys.executable, "-m", "hmexp", "recommend", "data=hm", *given]
    begun = time.perf_counter()
    subprocess.run(command, check=True, env=os.environ | {"COLUMNS": "120"})
    seconds = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    table = Table("rows", "customers", "s", "CPU s", "peak, GB", title=f"{platform.node()}, {num_cores()} cores")
    rows = pl.scan_csv(folder / "transactions_train.csv", infer_schema=False).select(pl.len()).collect()[0, 0]
    customers = pl.scan_csv(folder / "customers.csv", infer_schema=False).select(pl.len()).collect()[0, 0]
    cpu, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6
    table.add_row(f"{rows:,}", f"{customers:,}", f"{seconds:,.0f}", f"{cpu:,.0f}", f"{peak:.2f}")
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--rows", type=int, default=31_000_000)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--articles", type=int, default=105_000)
    args = parser.parse_args()
    if args.what == "make":
        make(args.folder.absolute(), args.rows, args.customers, args.articles)
    else:
        run(args.folder.absolute(), args.words)
