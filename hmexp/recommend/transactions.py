"""transactions_train.csv -> the purchases by number, sorted by customer and day, in memory that the rows bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hmexp.catalogue.read import ID_DIGITS
from hmexp.config.errors import UserError
from hmexp.console import log

COLUMNS = ("t_dat", "customer_id", "article_id", "price", "sales_channel_id")
NUMBERED = ("customer", "article", "day", "price", "online", "age")
"""Columns of the purchases: uint32 `customer` and `article`, int32 `day` since 1970, float32 `price`, bool `online` and
uint8 `age` of the customer, 0 where it is not known."""
ENDINGS = (".csv", ".parquet")


@dataclass(frozen=True)
class Numbers:
    """Which number each customer and each article has.

    Attributes:
        customers: `customer_id, customer, age`.
        articles: `article_id, article`.
        max_bad_fraction: Share of purchases of unknown articles or customers above which the file is refused.
    """

    customers: pl.DataFrame
    articles: pl.DataFrame
    max_bad_fraction: float


def scan_transactions(path: Path) -> pl.LazyFrame:
    """The file as it lies there, every column as text; reads no row.

    Raises:
        UserError: Neither CSV nor Parquet, or without one of H&M's columns.
    """
    frame = scan_table(path, "transactions")
    names = frame.collect_schema().names()
    lacking = [name for name in COLUMNS if name not in names]
    if lacking:
        received = ", ".join(names[:20])
        raise UserError(f"transactions: expected a column {lacking[0]} in {path}, received {received}")
    return frame.select(pl.col(*COLUMNS).cast(pl.String))


def scan_table(path: Path, key: str) -> pl.LazyFrame:
    """A CSV file, every column as text, or a Parquet file; reads no row.

    Raises:
        UserError: No such file, or another kind of file.
    """
    if not path.is_file() or path.suffix.lower() not in ENDINGS:
        raise UserError(f"{key}: expected a file that ends in .csv or .parquet, received {path}")
    try:
        csv = path.suffix.lower() == ".csv"
        frame = pl.scan_csv(path, infer_schema=False) if csv else pl.scan_parquet(path)
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UserError(f"{key}: expected a table in {path}, received {_one_line(error)}") from None
    return frame


def write_purchases(path: Path, numbers: Numbers, out: Path) -> None:
    """Number the purchases and write them as Parquet, sorted by customer, day and article.

    An article's id of nine digits gets the zero back that some copies of the data have lost.

    Args:
        path: transactions_train.csv, or the same as Parquet.
        numbers: Of customers and articles.
        out: The file.

    Raises:
        UserError: A date, a price or an id that is none, or too many purchases of unknown articles or customers.
    """
    raw = scan_transactions(path)
    rows = _numbered(raw, numbers)
    unsorted = out.with_name(f"unsorted-{out.name}")
    try:
        rows.sink_parquet(unsorted, compression="lz4", engine="streaming")
        _check(path, raw, unsorted, numbers)
        known = pl.scan_parquet(unsorted).filter(pl.all_horizontal(pl.col("customer", "article").is_not_null()))
        ordered = known.select(NUMBERED).sort("customer", "day", "article")
        ordered.sink_parquet(out, compression="lz4", row_group_size=250_000, engine="streaming")
    except pl.exceptions.ComputeError as error:
        raise UserError(f"transactions: expected a table in {path}, received {_one_line(error)}") from None
    finally:
        unsorted.unlink(missing_ok=True)


def first_and_last_day(transactions: pl.LazyFrame) -> tuple[int, int]:
    """The first and the last day with a purchase, in days since 1970."""
    days = transactions.select(pl.col("day").min().alias("first"), pl.col("day").max().alias("last")).collect()
    return int(days["first"][0]), int(days["last"][0])


def of_customers(transactions: pl.LazyFrame, customers: Sequence[int] | pl.Series) -> pl.LazyFrame:
    """The purchases of some customers: those between the first and the last of them are read."""
    wanted = pl.Series("customer", customers, dtype=pl.UInt32)
    near = transactions.filter(pl.col("customer").is_between(wanted.min(), wanted.max()))
    return near.join(wanted.to_frame().lazy(), on="customer", how="semi")


def article_ids(column: str = "article_id") -> pl.Expr:
    """Ids of ten digits, those of nine with their zero; null where it is neither."""
    digits = pl.col(column).str.strip_chars()
    whole = digits.str.contains(rf"^\d{{{ID_DIGITS - 1},{ID_DIGITS}}}$")
    return pl.when(whole).then(digits.str.zfill(ID_DIGITS))


def _typed() -> dict[str, pl.Expr]:
    """The columns of a purchase, made of H&M's as text; null where the text is none."""
    typed = {
        "article_id": article_ids(),
        "customer_id": pl.col("customer_id"),
        "day": pl.col("t_dat").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).cast(pl.Int32),
        "price": pl.col("price").cast(pl.Float32, strict=False),
    }
    broken = pl.any_horizontal(*(expression.is_null() for expression in typed.values()))
    shortened = pl.col("article_id").str.strip_chars().str.len_bytes() < ID_DIGITS
    online = pl.col("sales_channel_id").str.strip_chars() == "2"
    return typed | {"online": online, "shortened": shortened, "broken": broken}


def _numbered(raw: pl.LazyFrame, numbers: Numbers) -> pl.LazyFrame:
    known = raw.select(**_typed()).join(numbers.articles.lazy(), on="article_id", how="left")
    known = known.join(numbers.customers.lazy(), on="customer_id", how="left")
    return known.select(*NUMBERED, "shortened", "broken")


def _check(path: Path, raw: pl.LazyFrame, unsorted: Path, numbers: Numbers) -> None:
    """Refuse a file with rows that are none, and say what is left out."""
    found = pl.scan_parquet(unsorted)
    counts = found.select(
        pl.len().alias("rows"),
        pl.col("broken").sum(),
        pl.col("shortened").sum(),
        pl.col("article").is_null().sum(),
        pl.col("customer").is_null().sum(),
    ).collect(engine="streaming")
    rows, broken, shortened, articles, customers = (int(value) for value in counts.row(0))
    if not rows:
        raise UserError(f"transactions: expected purchases in {path}, received none")
    if broken:
        typed = raw.with_row_index("row").with_columns(broken=_typed()["broken"]).filter("broken")
        *row, place = typed.select(*COLUMNS, "row").head(1).collect(engine="streaming").row(0)
        expected = f"dates such as 2020-09-22, prices, and article ids of {ID_DIGITS} digits"
        received = f"{', '.join(map(str, row))} in row {place + 1:,} ({broken:,} such rows)"
        raise UserError(f"transactions: expected {expected} in {path}, received {received}")
    if shortened:
        log.warning(f"{shortened:,} article ids of {ID_DIGITS - 1} digits get their leading zero back")
    for name, unknown in (("articles", articles), ("customers", customers)):
        if unknown > numbers.max_bad_fraction * rows:
            bound = f"at most {numbers.max_bad_fraction:.2%} (data.max_bad_fraction)"
            expected = f"{bound} of purchases of unknown {name} in {path}"
            raise UserError(f"transactions: expected {expected}, received {unknown / rows:.2%}")
        if unknown:
            log.warning(f"{unknown:,} purchases of unknown {name} are left out")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
