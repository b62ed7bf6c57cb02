"""The mistakes of a page: which, with which pictures, and as data that stays data."""

import json

import pandas as pd

from hmexp.reports import gallery
from hmexp.reports.gallery import confidence_drawing, make_gallery, mistakes_of

EVIL = "</script><b>&"


def predictions(num, predicted="b"):
    columns = {"article_id": [f"{n:03d}" for n in range(num)], "image": [f"{n}.jpg" for n in range(num)]}
    confidence = [n / num for n in range(num)]
    return pd.DataFrame(columns).assign(split="test", target="a", predicted=predicted, confidence=confidence)


def test_only_what_is_wrong_the_surest_first_with_its_slices():
    table = predictions(3)
    table.loc[0, "predicted"] = "a"
    rows = mistakes_of(table, pd.DataFrame({"colour": ["red", None, "blue"]}, index=table["article_id"]))
    assert rows["article_id"].tolist() == ["002", "001"]
    assert rows["slice/colour"].tolist() == ["blue", "(none)"]
    assert make_gallery(rows, str).slices == {"colour": ["(none)", "blue"]}


def test_a_column_of_too_many_values_is_no_filter():
    table = predictions(gallery.MAX_CHOICES + 1)
    rows = mistakes_of(table, pd.DataFrame({"name": table["image"].to_list()}, index=table["article_id"]))
    made = make_gallery(rows, str)
    assert made.slices == {}
    assert "slice/name" in json.loads(made.data)["columns"]


def test_every_pair_has_a_picture_before_another_has_two(monkeypatch):
    monkeypatch.setattr(gallery, "MAX_PICTURES", 5)
    table = pd.concat([predictions(50), predictions(3, "c").assign(confidence=0.0)], ignore_index=True)
    made = make_gallery(mistakes_of(table), lambda image: "data:")
    assert {mistake.predicted for _, mistake in made.shown} == {"b", "c"}
    assert len(made.pictures) == 5
    assert "53 pictures" in made.note and "5 of them" in made.note


def test_pictures_stop_before_a_page_gets_too_large(monkeypatch):
    monkeypatch.setattr(gallery, "MAX_BYTES", 1000)
    made = make_gallery(mistakes_of(predictions(20)), lambda image: "x" * 300)
    assert len(made.pictures) == 3


def test_the_data_of_a_page_is_whole_and_ends_no_element():
    table = predictions(2).assign(target=EVIL, article_id=[EVIL, "001"])
    made = make_gallery(mistakes_of(table), lambda image: "")
    assert not set("<>&") & set(made.data)
    content = json.loads(made.data)
    columns = content["columns"]
    row = content["rows"][1]
    assert row[columns.index("article_id")] == EVIL
    assert content["words"][row[columns.index("target")]] == EVIL
    assert row[columns.index("confidence")] == 0.0


def test_without_mistakes_there_is_a_gallery_of_none():
    made = make_gallery(mistakes_of(predictions(2, "a")), lambda image: "data:")
    assert made.shown == []
    assert json.loads(made.data)["rows"] == []
    assert "<svg" in confidence_drawing(made)
