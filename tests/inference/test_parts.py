"""Tables in parts: whole or not there, gone on with after a kill, the same bytes in the end."""

import pandas as pd
import pyarrow as pa
import pytest

from hmexp.config.errors import UserError
from hmexp.inference.parts import Parts


def part(number):
    return pa.table({"article_id": [f"{number}-{row}" for row in range(3)], "confidence": [0.1 * number, None, 1.0]})


def write(parts, numbers, plan=None):
    with parts.planned(plan or {"model": "m"}):
        for number in numbers:
            parts.write(number, part(number))
        if parts.missing():
            raise KeyboardInterrupt
        parts.merge()


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_gone_on_with_is_the_same_bytes(tmp_path, name):
    whole, again = Parts(tmp_path / "whole" / name, 4), Parts(tmp_path / "again" / name, 4)
    write(whole, range(4))
    for numbers in ([0], [2], []):
        with pytest.raises(KeyboardInterrupt):
            write(again, numbers)
        assert not again.out.exists()
    assert again.missing() == [1, 3]
    write(again, [1, 3])
    assert again.out.read_bytes() == whole.out.read_bytes()
    assert [path.name for path in again.out.parent.iterdir()] == [name]
    read = pd.read_csv if name.endswith("csv") else pd.read_parquet
    assert read(again.out)["article_id"].tolist() == [f"{number}-{row}" for number in range(4) for row in range(3)]


def test_parts_of_another_plan_are_dropped(tmp_path):
    parts = Parts(tmp_path / "a.parquet", 2)
    with pytest.raises(KeyboardInterrupt):
        write(parts, [0], {"model": "one"})
    with parts.planned({"model": "two"}):
        assert parts.missing() == [0, 1]


def test_a_part_that_was_cut_off_is_missing(tmp_path):
    parts = Parts(tmp_path / "a.parquet", 2)
    with pytest.raises(KeyboardInterrupt):
        write(parts, [0])
    (parts.folder / "part-00001.partial").write_bytes(b"PAR1")
    assert parts.missing() == [1]
    write(parts, [1])
    assert len(pd.read_parquet(parts.out)) == 6


def test_the_table_of_before_stays_until_the_new_one_is_whole(tmp_path):
    parts = Parts(tmp_path / "a.csv", 2)
    parts.out.write_text("before")
    with pytest.raises(KeyboardInterrupt):
        write(parts, [0])
    assert parts.out.read_text() == "before"


def test_two_processes_do_not_write_one_table(tmp_path):
    first, second = Parts(tmp_path / "a.csv", 1), Parts(tmp_path / "a.csv", 1)
    with first.planned({}):
        with pytest.raises(UserError, match="out: expected a table that no other process writes"), second.planned({}):
            pass
        first.write(0, part(0))
        first.merge()


def test_a_place_that_is_none_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="out: expected a place that can be written to"):
        write(Parts(tmp_path / "file" / "a.csv", 1), [0])
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UserError, match=r"out: expected a table, received .*, which is a folder"):
        write(Parts(tmp_path / "folder.csv", 1), [0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.csv"]
