"""Tables that features are made of, with the day of their latest purchase: that none leaks is checked, not trusted."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from hmexp.config.errors import RunError

LAST_DAY = "last_day"
"""Column of every source: the latest purchase that the row was made of, in days since 1970."""
EPOCH = date(1970, 1, 1)


class LeakError(RunError):
    """Features of a window would see purchases of the window itself."""


@dataclass(frozen=True)
class Source:
    """A table that features are made of.

    Attributes:
        name: For messages.
        frame: With a column `last_day` beside its own.
    """

    name: str
    frame: pl.DataFrame


def audit(source: Source, cutoff: int) -> None:
    """Check that a source was made of purchases before a day alone.

    Args:
        source: The table.
        cutoff: First day that is predicted, in days since 1970.

    Raises:
        LeakError: It holds a later purchase, or does not say what it holds.
    """
    if LAST_DAY not in source.frame.columns or source.frame[LAST_DAY].null_count():
        raise LeakError(f"leak: the source {source.name} does not say which purchases its rows were made of")
    last = source.frame[LAST_DAY].max()
    if last is not None and int(str(last)) >= cutoff:
        late = source.frame.filter(pl.col(LAST_DAY) >= cutoff).height
        raise LeakError(
            f"leak: expected the source {source.name} to end before {day_name(cutoff)}, the first day that is "
            f"predicted, received purchases up to {day_name(int(str(last)))} in {late:,} of its rows"
        )


def day_name(day: int) -> str:
    """A day as it is written: 2020-09-22."""
    return (EPOCH + timedelta(days=day)).isoformat()


def top_of(frame: pl.DataFrame, key: str, by: list[str], num: int, smallest: bool = False) -> pl.DataFrame:
    """The rows of each key that have most in some columns, with their place from 0 as `place`.

    Args:
        frame: The rows.
        key: Column of the key.
        by: The columns, in the order in which they decide; `article` decides the rest, so that the same give the same.
        num: Rows of a key at most.
        smallest: Those that have least instead.
    """
    rows = frame.sort([key, *by, "article"], descending=[False, *[not smallest] * len(by), False])
    place = pl.int_range(pl.len(), dtype=pl.Int32).over(key).alias("place")
    return rows.with_columns(place).filter(pl.col("place") < num)
