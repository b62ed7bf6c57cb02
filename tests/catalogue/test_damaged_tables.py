"""Tables that a bad line or a hostile hand has left: read or refused, quickly and in little memory."""

import gzip

import pandas as pd
import pytest

from hmexp.catalogue.tables import MAX_COLUMNS, clean_ids, read_table
from hmexp.config.errors import UserError


def test_a_damaged_gzip_is_no_table(tmp_path):
    whole = bytearray(gzip.compress(b"article_id,label\n" + b"1,a\n" * 1000))
    whole[20:24] = b"\xff\xff\xff\xff"
    path = tmp_path / "articles.csv.gz"
    path.write_bytes(bytes(whole))
    with pytest.raises(UserError, match=r"data\.csv: expected a CSV or Parquet table in .*articles\.csv\.gz"):
        read_table(path, "data.csv")


def test_a_table_whose_newlines_are_gone_has_too_many_columns(tmp_path):
    path = tmp_path / "articles.csv"
    path.write_text("," * (MAX_COLUMNS + 5) + "a\n")
    with pytest.raises(UserError, match="expected at most 10,000 columns"):
        read_table(path, "data.csv")


def test_ids_in_scientific_notation_take_no_more_digits_than_an_id_has():
    ids = pd.Series(["1.08775015E+08", "108775015.0", "1e999999999", "9e29", "9e30"])
    assert clean_ids(ids).tolist() == ["108775015", "108775015", "1e999999999", "9" + "0" * 29, "9e30"]
