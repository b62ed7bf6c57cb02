"""What looks alike, from vectors and from files."""

import numpy as np
import pandas as pd
import pytest
from made_shop import articles

from hmexp.config.errors import UserError
from hmexp.recommend.exact import ExactIndex
from hmexp.recommend.looks import nearest
from hmexp.recommend.pictures import read_neighbours

IDS = articles().ids.to_list()


def test_neighbours_of_vectors_are_by_their_cosine_and_never_the_article_itself():
    angles = np.array([0.0, 0.1, 0.3, 2.0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float16)
    ids = [IDS[5], IDS[3], "0999999999", IDS[7]]
    found = nearest(vectors, ids, ExactIndex(vectors), articles())
    pairs = {(row[0], row[1]): row[2] for row in found.iter_rows()}
    assert set(pairs) == {(5, 3), (3, 5)}, "the unknown article is left out, and one that looks like nothing has none"
    assert pairs[5, 3] == pytest.approx(np.cos(0.1), abs=2e-3)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_pairs_are_read_from_a_file(tmp_path, ending):
    table = pd.DataFrame(
        {
            "article_id": [IDS[0], IDS[0], IDS[1].lstrip("0"), IDS[2], "0999999999"],
            "neighbour": [IDS[4], IDS[5], IDS[0], IDS[2], IDS[0]],
            "score": [0.9, 0.8, 0.7, 1.0, 0.5],
        }
    )
    table["article_id"] = table["article_id"].str.zfill(9)
    path = tmp_path / f"neighbours.{ending}"
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    found = read_neighbours(path, articles())
    rows = [(a, b, round(score, 3)) for a, b, score in found.iter_rows()]
    assert rows == [(0, 4, 0.9), (0, 5, 0.8), (1, 0, 0.7)], "neither itself nor unknown articles"


def test_lists_count_by_their_place(tmp_path):
    path = tmp_path / "neighbours.parquet"
    pd.DataFrame({"article_id": [IDS[3]], "similar_items": [[IDS[7], IDS[8]]]}).to_parquet(path)
    assert list(read_neighbours(path, articles()).iter_rows()) == [(3, 7, 1.0), (3, 8, 0.5)]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"article_id": ["0000000001"], "other": ["0000000002"]}, "columns article_id, neighbour and score"),
        ({"article_id": ["0999999999"], "neighbour": ["0999999998"], "score": ["1"]}, "ids of the articles"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, columns, expected):
    path = tmp_path / "neighbours.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    with pytest.raises(UserError, match="neighbours: expected ") as refused:
        read_neighbours(path, articles())
    assert expected in str(refused.value)
