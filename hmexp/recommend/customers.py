"""Customers by number, with their age."""

from pathlib import Path

import polars as pl

from hmexp.config.errors import UserError
from hmexp.recommend.transactions import scan_table, scan_transactions

AGE_BOUNDS = (20, 25, 30, 40, 50, 60)
"""The youngest age of each group but the first."""
UNKNOWN_AGE = 0
OLDEST = 120


def read_customers(path: Path | None, transactions: Path) -> pl.DataFrame:
    """The customers that get recommendations.

    Args:
        path: customers.csv (`customer_id`, and `age` where it is known) or sample_submission.csv; None takes the
            customers of the transactions.
        transactions: Of these.

    Returns:
        `customer_id, customer, age`: sorted by id, numbered from 0 (uint32), with the age in years (uint8, 0 where it
        is not known).

    Raises:
        UserError: No table, no column `customer_id`, an id that is empty or there twice.
    """
    if path is None:
        rows = scan_transactions(transactions).select("customer_id", age=pl.lit(None, pl.Float32)).unique()
    else:
        rows = scan_table(path, "customers")
        names = rows.collect_schema().names()
        if "customer_id" not in names:
            raise UserError(f"customers: expected a column customer_id in {path}, received {', '.join(names[:20])}")
        age = pl.col("age").cast(pl.Float32, strict=False) if "age" in names else pl.lit(None, pl.Float32)
        rows = rows.select(pl.col("customer_id").cast(pl.String), age=age)
    table = rows.sort("customer_id").collect(engine="streaming")
    _check(table, path or transactions)
    known = pl.col("age").is_between(1, OLDEST)
    years = pl.when(known).then(pl.col("age")).otherwise(UNKNOWN_AGE).fill_null(UNKNOWN_AGE).cast(pl.UInt8)
    numbered = table.with_row_index("customer").with_columns(pl.col("customer").cast(pl.UInt32), age=years)
    return numbered.select("customer_id", "customer", "age")


def age_group() -> pl.Expr:
    """The group of a column `age`: 0 where it is not known, else from 1, the youngest, on (uint8)."""
    group = pl.lit(1)
    for bound in AGE_BOUNDS:
        group = group + (pl.col("age") >= bound)
    return pl.when(pl.col("age") == UNKNOWN_AGE).then(0).otherwise(group).cast(pl.UInt8).alias("group")


def _check(table: pl.DataFrame, path: Path) -> None:
    ids = table["customer_id"]
    if not len(ids):
        raise UserError(f"customers: expected customers in {path}, received none")
    if ids.null_count() or ids[0].strip() == "":
        raise UserError(f"customers: expected ids in {path}, received one that is empty")
    twice = table.filter(pl.col("customer_id").is_duplicated())
    if len(twice):
        raise UserError(f"customers: expected each customer_id once in {path}, received {twice[0, 0]} twice")
