"""submission.csv in the competition's format, checked against its rules before it takes its place."""

from pathlib import Path

import polars as pl

from hmexp.catalogue.read import ID_DIGITS
from hmexp.config.errors import RunError
from hmexp.config.recommend import LONGEST_LIST

SUBMISSION_FILE = "submission.csv"
HEADER = ["customer_id", "prediction"]


def write_submission(table: Path, customers: pl.DataFrame, out: Path) -> None:
    """Write what a table of recommendations holds as `customer_id,prediction`; whole and checked, or not at all.

    Args:
        table: As `hmexp.recommend.recommendations` has it.
        customers: `customer_id` of all who have to be in it.
        out: The file.

    Raises:
        RunError: A rule of the competition does not hold; the file that was there stays.
    """
    partial = out.with_name(f"{out.name}.partial")
    rows = pl.scan_parquet(table).select("customer_id", pl.col("articles").list.join(" ").alias("prediction"))
    rows.sink_csv(partial, engine="streaming")
    check_submission(partial, customers)
    partial.replace(out)


def check_submission(path: Path, customers: pl.DataFrame) -> None:
    """Hold a file against the rules: every customer once, twelve different ids of ten digits each.

    Args:
        path: The file.
        customers: `customer_id` of all who have to be in it.

    Raises:
        RunError: The first rule that does not hold, with a row.
    """
    rows = pl.scan_csv(path, infer_schema=False)
    names = rows.collect_schema().names()
    if names != HEADER:
        raise RunError(f"submission: expected the columns {', '.join(HEADER)}, received {', '.join(names)}")
    ids = pl.col("prediction").fill_null("").str.split(" ")
    well_formed = ids.list.len() == LONGEST_LIST
    digits = pl.col("prediction").str.contains(rf"^\d{{{ID_DIGITS}}}( \d{{{ID_DIGITS}}})*$").fill_null(False)
    rules = {
        f"{LONGEST_LIST} articles for each customer": well_formed,
        f"article ids of {ID_DIGITS} digits with single spaces": digits,
        "different articles for each customer": ids.list.n_unique() == ids.list.len(),
    }
    for rule, holds in rules.items():
        wrong = rows.filter(~holds).head(1).collect()
        if len(wrong):
            raise RunError(f"submission: expected {rule}, received {', '.join(map(str, wrong.row(0)))}")
    _check_customers(rows.select("customer_id").collect(engine="streaming"), customers.select("customer_id"))


def _check_customers(there: pl.DataFrame, wanted: pl.DataFrame) -> None:
    twice = there.filter(pl.col("customer_id").is_duplicated())
    lacking = wanted.join(there, on="customer_id", how="anti")
    unknown = there.join(wanted, on="customer_id", how="anti")
    for rule, wrong in (("once", twice), ("of the list", lacking), ("of the list alone", unknown)):
        if len(wrong):
            received = {"once": "one twice", "of the list": "none of"}.get(rule, "another")
            raise RunError(f"submission: expected each customer {rule}, received {received}: {wrong[0, 0]}")
