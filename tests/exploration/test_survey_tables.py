"""Columns, folders and classes that are alike."""

import numpy as np
import pandas as pd
import pytest

from hmexp.catalogue.manifest import own
from hmexp.exploration.alike import alike_by_look, alike_by_name
from hmexp.exploration.columns import look_at_columns
from hmexp.exploration.folders import look_at_folders


def test_every_column_has_its_kind():
    labels = np.where(np.arange(1000) % 2, "Shoes", "Hats")
    frame = pd.DataFrame({"label": labels})
    frame[own("id")] = [f"{number:010d}" for number in range(1000)]
    frame[own("nothing")] = ""
    frame[own("same")] = "x"
    frame[own("price")] = np.random.default_rng(0).permutation(500).repeat(2).astype(str)
    frame[own("type")] = np.where(labels == "Shoes", np.where(np.arange(1000) % 4 == 1, "boot", "sandal"), "cap")
    frame[own("words")] = [f"about {number % 400}" for number in range(1000)]
    columns = {column.name: column for column in look_at_columns(frame)}
    kinds = {name: column.kind for name, column in columns.items()}
    expected = {"id": "id", "nothing": "empty", "same": "constant", "price": "number", "type": "kinds", "words": "text"}
    assert kinds == expected
    assert columns["type"].frequent == (("cap", 500), ("boot", 250), ("sandal", 250))
    assert columns["type"].decides == 1.0 and columns["id"].decides == 0.0
    assert columns["price"].extent == (0.0, 249.5, 499.0)
    assert (columns["nothing"].filled, columns["nothing"].distinct) == (0.0, 0)


def test_folders_that_are_classes_are_pure_and_others_are_not():
    rows = pd.DataFrame({"label": ["a", "a", "b", "b"], "image": ["a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg"]})
    assert look_at_folders(rows).purity == 1.0
    mixed = look_at_folders(rows.assign(image=["x/1.jpg", "y/2.jpg", "x/3.jpg", "y/4.jpg"]))
    assert (mixed.num, mixed.classes, mixed.purity) == (2, 2.0, 0.5)


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (["Underwear", "Underwear/nightwear", "Shoes"], [("Underwear", "Underwear/nightwear")]),
        (["T-shirt", "Shirts", "Hat"], [("Shirts", "T-shirt")]),
        (["Garment and Shoe care", "Shoes", "Accessories"], []),
        (["1", "2", "裤子"], []),
    ],
)
def test_names_that_share_half_of_their_words_are_alike(names, pairs):
    assert alike_by_name(names) == pairs


def test_a_class_whose_pictures_are_anothers_is_found_and_siblings_do_not_count():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"label": ["hat"] * 40 + ["cap"] * 40 + ["shoe"] * 40, "group": np.arange(120) // 2})
    pictures = np.full((120, 16, 16, 3), 20, np.uint8)
    pictures[80:] = 220
    pictures = (pictures + rng.integers(0, 15, pictures.shape)).astype(np.uint8)
    pictures[1:80:2] = pictures[:80:2]  # siblings are equal
    found = alike_by_look(rows, pictures).set_index("label")
    assert {found.loc["hat", "other"], found.loc["cap", "other"]} == {"hat", "cap"}
    assert found.loc["hat", "share"] > 0.25
    assert "shoe" not in found.index, "all of its pictures are nearest to its own"
    pair = rows.iloc[[int(found.loc["hat", "place"]), int(found.loc["hat", "near"])]]
    assert pair["label"].tolist() == ["hat", "cap"]


def test_one_class_is_like_none():
    rows = pd.DataFrame({"label": ["hat"] * 4, "group": range(4)})
    assert alike_by_look(rows, np.zeros((4, 16, 16, 3), np.uint8)).empty
