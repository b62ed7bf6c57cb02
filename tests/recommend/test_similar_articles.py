"""Similar articles over a gallery that is made by hand."""

import numpy as np
import pandas as pd
import pytest

from hmexp.config.errors import UserError
from hmexp.recommend.embeddings import Embeddings, read_embeddings, write_embeddings
from hmexp.recommend.index import build_index
from hmexp.recommend.similar import Filters, make_gallery, query_of_article, query_of_features, similar_articles

IDS = [f"{number:010}" for number in range(108775015, 108775015 + 40)]


@pytest.fixture(scope="module")
def gallery():
    """Articles on a quarter of a circle: the nearer the id, the more alike; two colours a product, two classes."""
    angles = np.linspace(0, np.pi / 2, len(IDS))
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float16)
    unreadable = pd.DataFrame({"article_id": ["0999999999"], "image": ["x.jpg"], "reason": ["truncated"]})
    embeddings = Embeddings(IDS, vectors, "m", "d", unreadable=unreadable)
    articles = pd.DataFrame(
        {
            "article_id": IDS,
            "image": [f"{article}.jpg" for article in IDS],
            "label": ["Shoes" if place % 4 < 2 else "Socks" for place in range(len(IDS))],
            "group": [str(place // 2) for place in range(len(IDS))],
            "name": "thing",
        }
    )
    missing = {"0108775099": "the catalogue has no picture of it"}
    return make_gallery(embeddings, articles.sample(frac=1, random_state=0), build_index(embeddings), missing)


def places(found):
    return [IDS.index(article.article_id) for article in found]


def test_the_nearest_come_first_and_never_the_article_itself(gallery):
    found = similar_articles(gallery, query_of_article(gallery, IDS[0]), 5)
    assert places(found) == [1, 2, 3, 4, 5]
    assert [article.score for article in found] == sorted((article.score for article in found), reverse=True)
    assert found[0].image == f"{IDS[1]}.jpg"
    assert found[0].name == "thing"


def test_filters_leave_as_many_as_there_are(gallery):
    query = query_of_article(gallery, IDS[0])
    assert places(similar_articles(gallery, query, 5, Filters(exclude_variants=True))) == [2, 3, 4, 5, 6]
    assert places(similar_articles(gallery, query, 5, Filters(same_class=True))) == [1, 4, 5, 8, 9]
    both = similar_articles(gallery, query, 99, Filters(same_class=True, exclude_variants=True))
    assert places(both) == [place for place in range(2, len(IDS)) if place % 4 < 2]


def test_a_picture_from_elsewhere_has_no_variants(gallery):
    query = query_of_features(np.array([5.0, 0.0]))
    assert places(similar_articles(gallery, query, 3, Filters(exclude_variants=True))) == [0, 1, 2]
    assert places(similar_articles(gallery, query_of_features(np.array([5.0, 0.0]), "Socks"), 2)) == [0, 1]
    of_class = similar_articles(gallery, query_of_features(np.array([5.0, 0.0]), "Socks"), 2, Filters(same_class=True))
    assert places(of_class) == [2, 3]
    with pytest.raises(UserError, match="same_class: expected"):
        similar_articles(gallery, query, 3, Filters(same_class=True))


@pytest.mark.parametrize(
    ("article_id", "said"),
    [
        ("0108775056", "received 0108775056 \\(did you mean 010877505"),
        ("", "received *$"),
        ("0999999999", "0999999999: its picture cannot be read \\(truncated\\)"),
        ("0108775099", "0108775099: the catalogue has no picture of it"),
        ("108775099", "0108775099: the catalogue has no picture of it"),
    ],
)
def test_unknown_articles(gallery, article_id, said):
    with pytest.raises(UserError, match=f"^article_id: expected .*{said}"):
        query_of_article(gallery, article_id)


def test_leading_zeros_may_be_lost(gallery):
    assert query_of_article(gallery, "108775020").row == 5


def test_embeddings_are_read_as_they_were_written(gallery, tmp_path):
    written = write_embeddings(gallery.embeddings, tmp_path / "a" / "key")
    again = read_embeddings(tmp_path / "a" / "key")
    for one in (written, again):
        assert one.article_ids == IDS
        assert isinstance(one.vectors, np.memmap)
        assert one.vectors.dtype == np.float16
        np.testing.assert_array_equal(one.vectors, gallery.embeddings.vectors)
        assert one.unreadable["reason"].tolist() == ["truncated"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["key"]


@pytest.mark.parametrize("name", ["vectors.npy", "card.json", "articles.parquet"])
def test_embeddings_that_were_changed_are_refused(gallery, tmp_path, name):
    write_embeddings(gallery.embeddings, tmp_path / "key")
    content = (tmp_path / "key" / name).read_bytes()
    for changed in (content[: len(content) // 2], b""):
        (tmp_path / "key" / name).write_bytes(changed)
        with pytest.raises(UserError, match="expected embeddings as `embed` writes them"):
            read_embeddings(tmp_path / "key")
