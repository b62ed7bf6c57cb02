"""Tables of articles as they lie on disk: CSV, also gzipped, with any usual separator, or Parquet; all of it text."""

import csv
import gzip
import io
import unicodedata
import warnings
import zlib
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pandas as pd

from hmexp.config.errors import UserError

SEPARATORS = ",;\t|"
MAX_COLUMNS = 10_000
"""Columns of a table that is read; pandas takes minutes over the names of more, where they are alike."""
LONGEST_ID = 30
"""Digits of a number that an id may have been made; `1e999999999` would take all of the memory."""
GZIP, PARQUET = b"\x1f\x8b", b"PAR1"
MISSING_WORDS = ("nan", "na", "n/a", "null", "none", "-", "?", "missing")
"""Labels, in small letters, that often stand for no label."""


def read_table(path: Path, key: str) -> pd.DataFrame:
    """Read a table with every column as text, so that leading zeros survive; what is missing is an empty string.

    Args:
        path: Of the file; its content decides what it is.
        key: The config key that names it, for the error.

    Raises:
        UserError: No table in UTF-8, or rows with more cells than the header names.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _no_table(path, key, error) from None
    return parse_table(content, path, key)


def parse_table(content: bytes, path: Path, key: str) -> pd.DataFrame:
    """The table that a file holds; see `read_table`. `path` says in errors where it is."""
    try:
        if content[:4] == PARQUET:
            return _as_text(pd.read_parquet(io.BytesIO(content)))
        if content[:2] == GZIP:
            content = gzip.decompress(content)
        text = content.decode("utf-8-sig")
        _check_rows(path, key, text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.ParserWarning)  # of empty cells beyond the header
            table = pd.read_csv(
                io.StringIO(text), sep=_separator(text), dtype=str, keep_default_na=False, index_col=False
            )
        return table.rename(columns=lambda name: str(name).strip())
    except UnicodeDecodeError as error:
        received = f"a byte {content[error.start : error.start + 1]!r} that is none (at {error.start:,})"
        raise UserError(f"{key}: expected a table in UTF-8 in {path}, received {received}") from None
    except (OSError, EOFError, ValueError, csv.Error, zlib.error) as error:  # of pandas and pyarrow: ValueErrors
        raise _no_table(path, key, error) from None


def _no_table(path: Path, key: str, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:200]
    return UserError(f"{key}: expected a CSV or Parquet table in {path}, received {reason}")


def clean_ids(ids: pd.Series) -> pd.Series:
    """Ids without what a spreadsheet or a column of floats has made of them: `100000001.0` is `100000001`."""
    stripped = ids.str.strip()
    broken = stripped.str.fullmatch(r"\d+\.0*|\d+(?:\.\d+)?[eE]\+?\d+")
    return stripped.where(~broken, stripped.map(_whole))


def clean_names(names: pd.Series) -> pd.Series:
    """Names in one spelling: composed (NFC), without characters of no width, single spaces, none at the ends."""
    known = {name: clean_name(name) for name in names.unique()}
    return names.map(known)


def clean_name(name: str) -> str:
    """One name; see `clean_names`."""
    composed = unicodedata.normalize("NFC", name)
    visible = "".join(char for char in composed if unicodedata.category(char) != "Cf")
    return " ".join(visible.split())


def doubtful_names(names: pd.Series) -> list[str]:
    """Sentences on classes that are one but for their case, and on those that often stand for no label."""
    classes = sorted(set(names) - {""})
    folded: dict[str, list[str]] = {}
    for name in classes:
        folded.setdefault(unicodedata.normalize("NFKC", name).casefold(), []).append(name)
    way = "(data/merge=map makes them one)"
    found = [f"{' and '.join(same)} differ in case or form alone {way}" for same in folded.values() if len(same) > 1]
    words = [name for name in classes if name.casefold() in MISSING_WORDS]
    return found + [f"the class {name} may stand for articles without a label" for name in words]


def _whole(text: str) -> str:
    try:
        number = Decimal(text)
        return str(int(number)) if number.adjusted() < LONGEST_ID else text
    except (InvalidOperation, ValueError, OverflowError):
        return text


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Every column as text; whole numbers without a point, what is missing as an empty string."""
    columns = {}
    for name in table.columns:
        column = table[name]
        if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
            column = column.astype("Int64")
        columns[str(name).strip()] = column.astype("string").fillna("").astype(str)
    return pd.DataFrame(columns)


def _separator(text: str) -> str:
    """The separator that the header has most of; a table of one column has none."""
    header = text.split("\n", 1)[0]
    return max(SEPARATORS, key=header.count)


def _check_rows(path: Path, key: str, text: str) -> None:
    """Raise `UserError` where the table is empty, or a row has cells beyond its header: they would be lost."""
    rows = csv.reader(io.StringIO(text), delimiter=_separator(text))
    header = next(rows, [])
    if not any(name.strip("\0 ") for name in header):
        raise UserError(f"{key}: expected a table with a header in {path}, received none")
    if len(header) > MAX_COLUMNS:
        raise UserError(f"{key}: expected at most {MAX_COLUMNS:,} columns in {path}, received {len(header):,}")
    csv.field_size_limit(2**31 - 1)
    for row in rows:
        if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
            received = f"{len(row)} in line {rows.line_num}"
            raise UserError(f"{key}: expected {len(header)} cells in each row of {path}, received {received}")
