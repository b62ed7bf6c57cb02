"""One customer's row of a written table."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hmexp.config.errors import UserError
from hmexp.recommend.recommendations import SCHEMA, TABLE_FILE, Recommendation, Recommendations


def write(folder, num):
    rows = [
        {"customer_id": f"{3 * i:06}", "articles": [f"{i:010}"], "scores": [0.5], "sources": ["own+colours"]}
        for i in range(num)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / TABLE_FILE, row_group_size=7)


def test_every_customer_is_found_and_no_other(tmp_path):
    write(tmp_path, 40)
    table = Recommendations(tmp_path)
    assert len(table) == 40
    for i in range(40):
        assert table.of(f"{3 * i:06}") == (Recommendation(f"{i:010}", 0.5, ("own", "colours")),)
        assert table.of(f"{3 * i + 1:06}") is None
    assert table.of("") is None
    assert table.of("zz") is None
    assert table.some(2) == ["000000", "000003"]


def test_the_reason_is_in_words():
    assert Recommendation("0108775015", 0.1, ("own", "colours")).reason == (
        "bought before, another colour of what was bought"
    )


def test_a_replaced_table_stays_readable(tmp_path):
    write(tmp_path, 5)
    before = Recommendations(tmp_path)
    partial = tmp_path / "new"
    partial.mkdir()
    write(partial, 3)
    (partial / TABLE_FILE).replace(tmp_path / TABLE_FILE)
    assert before.of("000012") is not None
    assert Recommendations(tmp_path).of("000012") is None


@pytest.mark.parametrize("content", [None, b"", b"no table"])
def test_a_folder_without_a_table_is_said(tmp_path, content):
    if content is not None:
        (tmp_path / TABLE_FILE).write_bytes(content)
    with pytest.raises(UserError, match=r"expected a folder with recommendations\.parquet"):
        Recommendations(tmp_path)
