"""submission.csv is checked against the competition's rules before it takes its place."""

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hmexp.config.errors import RunError
from hmexp.recommend.recommendations import SCHEMA
from hmexp.recommend.submission import check_submission, write_submission

IDS = [f"01087750{number:02}" for number in range(12)]
CUSTOMERS = pl.DataFrame({"customer_id": ["a", "b"]})
LINE = " ".join(IDS)


def table_of(tmp_path, lists):
    rows = [
        {"customer_id": name, "articles": ids, "scores": [0.0] * len(ids), "sources": ["own"] * len(ids)}
        for name, ids in lists.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), tmp_path / "table.parquet")
    return tmp_path / "table.parquet"


def test_a_table_becomes_a_submission(tmp_path):
    out = tmp_path / "submission.csv"
    write_submission(table_of(tmp_path, {"a": IDS, "b": IDS[::-1]}), CUSTOMERS, out)
    assert out.read_text().splitlines() == ["customer_id,prediction", f"a,{LINE}", f"b,{' '.join(IDS[::-1])}"]


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({"a": IDS, "b": IDS[:11]}, "12 articles for each customer"),
        ({"a": IDS, "b": [*IDS[:11], IDS[0]]}, "different articles"),
        ({"a": IDS, "b": [*IDS[:11], "108775099"]}, "ids of 10 digits"),
        ({"a": IDS}, "each customer of the list, received none of: b"),
        ({"a": IDS, "b": IDS, "c": IDS}, "of the list alone, received another: c"),
        ({"a": IDS, "b": []}, "12 articles for each customer"),
    ],
)
def test_what_breaks_a_rule_does_not_take_the_place(tmp_path, lists, expected):
    out = tmp_path / "submission.csv"
    out.write_text("the one before")
    with pytest.raises(RunError, match="submission: expected ") as refused:
        write_submission(table_of(tmp_path, lists), CUSTOMERS, out)
    assert expected in str(refused.value)
    assert out.read_text() == "the one before"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"customer_id,articles\na,{LINE}\nb,{LINE}\n", "the columns customer_id, prediction"),
        (f"customer_id,prediction\na,{LINE}\na,{LINE}\nb,{LINE}\n", "each customer once, received one twice: a"),
        (f"customer_id,prediction\na,{LINE}\nb,{LINE} \n", "12 articles"),
        (f"customer_id,prediction\na,{LINE}\nb,{LINE.replace(' ', ',')}\n", ""),
    ],
)
def test_any_file_is_held_against_the_rules(tmp_path, text, expected):
    path = tmp_path / "submission.csv"
    path.write_text(text)
    with pytest.raises((RunError, pl.exceptions.ComputeError), match=expected or None):
        check_submission(path, CUSTOMERS)
