"""The catalogue as it is browsed: by class, by words, by ids that fit into an address."""

import re

import pandas as pd
import pytest

from hmexp.catalogue.pictures import DirectoryPictures
from hmexp.inference.articles import Articles
from hmexp.serving.catalogue import ID_PATTERN, ServedCatalogue, address_id

LONG = "Jersey top with narrow shoulder straps and a very long description."


@pytest.fixture
def catalogue(tmp_path) -> ServedCatalogue:
    rows = pd.DataFrame(
        {
            "article_id": ["0108775015", "0108775044", "0201219001", "a b/ü.jpg"],
            "image": ["1.jpg", "2.jpg", "3.jpg", "4.jpg"],
            "label": ["Shoes", "Shoes", "Swimwear", ""],
            "group": ["0108775", "0108775", "0201219", "x"],
            "catalogue.prod_name": ["Strap top", "Strap top (1)", "Crème Bikini", ""],
            "catalogue.product_code": [108775, 108775, 201219, 0],
            "catalogue.colour_group_name": ["Black", "White", "Light Blue", ""],
            "catalogue.where": ["/shop/1.jpg", "", "", "4.jpg"],
            "catalogue.file_path": ["/shop/1.jpg", "", "", ""],
            "catalogue.detail_desc": [
                "Jersey top with narrow shoulder straps and a very long description.",
                "",
                "",
                "",
            ],
        }
    )
    return ServedCatalogue(Articles("shop", rows, DirectoryPictures(tmp_path), [], 10**6))


def test_words_in_any_case_and_accent(catalogue):
    assert catalogue.find(None, "STRAP", 0, 10).rows == [0, 1]
    assert catalogue.find(None, "creme", 0, 10).rows == [2]
    assert catalogue.find(None, "strap white", 0, 10).rows == [1]
    assert catalogue.find(None, "0108775", 0, 10).total == 2
    assert catalogue.find(None, "jersey", 0, 10).rows == [], "descriptions are not searched"
    assert catalogue.find(None, "  ", 0, 10).total == 4
    assert catalogue.find(None, ".*", 0, 10).total == 0


def test_a_class_and_a_page_of_it(catalogue):
    assert catalogue.counts == {"Shoes": 2, "Swimwear": 1}
    found = catalogue.find("Shoes", "", 1, 1)
    assert (found.rows, found.total) == ([1], 2)
    assert catalogue.find("Shoes", "blue", 0, 10).total == 0


def test_ids_fit_into_an_address_and_lead_back(catalogue):
    assert catalogue.ids[:3] == catalogue.article_ids[:3]
    odd = catalogue.ids[3]
    assert re.match(ID_PATTERN, odd)
    assert catalogue.row(odd) == 3
    assert catalogue.row("a b/ü.jpg") is None
    assert catalogue.row_of_article("a b/ü.jpg") == 3
    assert address_id("a" * 65) != address_id("a" * 66)


def test_details_are_what_tells_a_person_something(catalogue):
    assert catalogue.details(0) == {
        "colour_group_name": "Black",
        "detail_desc": LONG,
    }
    assert catalogue.details(3) == {}
