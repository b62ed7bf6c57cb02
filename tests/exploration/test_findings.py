"""What a catalogue's anomalies are called, and the options that answer them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_catalogues import MISSING, articles_of, catalogue_of, config_of, drawn_pictures, survey_of
from reference_counts import ARTICLES

from hmexp.catalogue.manifest import own
from hmexp.catalogue.tables import read_table
from hmexp.config.strategies import ClassWeight, GroupedSplit, Hm9Merge, RandomSplit, RareMerge, Undersample
from hmexp.exploration.copies import find_copies
from hmexp.exploration.findings import find
from hmexp.exploration.findings.finding import FINE, NOTICE, PROBLEM, Finding, percent

SMALL = {"Shoes": 60, "Bags": 40, "Hats": 30, "Fun": 3}


def only(findings: list[Finding], words: str) -> Finding:
    [found] = [finding for finding in findings if words in finding.text]
    return found


@pytest.fixture(scope="module")
def reference() -> list[Finding]:
    """Findings on the reference's counts, as its chapter saw them: no merging, no balancing."""
    catalogue = catalogue_of(articles_of(ARTICLES), MISSING)
    small = catalogue_of(articles_of({"Underwear": 40, "Swimwear": 40}))
    pictures = drawn_pictures(small, [(1166, 1750), (1166, 1749), (1750, 1166), (500, 750)])
    return find(survey_of(catalogue, config_of(), replace(pictures, articles=small.rows.assign(look=range(80)))))


def test_the_references_imbalance_is_found(reference):
    found = only(reference, "Imbalance")
    assert "40." in found.text and "Garment Upper body" in found.text and "21," in found.text
    assert "data/balance=undersample" in found.option
    assert (found.level, found.chosen) == (PROBLEM, False)


def test_the_references_near_empty_classes_are_found(reference):
    found = only(reference, "Near-empty")
    assert found.text.startswith("Near-empty classes: 9 (Fun 2, Interior textile 3")
    assert "data/merge=hm9" in found.option
    assert "121 articles are Unknown" in only(reference, "looks like no class").text or "120 articles" in found.text


def test_the_references_differing_dimensions_are_found(reference):
    found = only(reference, "Differing dimensions")
    assert "4 different ones" in found.text and "widths 500 to 1,750" in found.text
    assert only(reference, "far from the usual one").option == "`data.resize=pad`"


def test_the_references_disorder_of_folders_is_found(reference):
    found = only(reference, "Disorder of folders")
    assert "do not say the class" in found.text
    assert "data.label=product_group_name" in found.option


def test_the_references_similar_classes_are_found(reference):
    found = only(reference, "Similar classes by their names")
    for pair in ("Garment Lower body and Garment Upper body", "Underwear and Underwear/nightwear"):
        assert pair in found.text
    assert "Socks" not in found.text


def test_the_references_articles_without_a_picture_are_found(reference):
    assert "442 of 105,542 (0.4 %)" in only(reference, "Articles without a picture").text


def test_what_is_chosen_answers(monkeypatch):
    catalogue = catalogue_of(articles_of({"Shoes": 900, "Hats": 150, "Bags": 30, "Fun": 4}))
    before = find(survey_of(catalogue, config_of()))
    assert not only(before, "Imbalance").chosen and not only(before, "Near-empty").chosen
    merged = config_of(merge=RareMerge(), balance=ClassWeight())
    after = find(survey_of(catalogue, replace(merged, merge=RareMerge(min_count=100, into="Hats"))))
    assert only(after, "Imbalance").chosen and only(after, "Near-empty").chosen
    assert [finding.is_open for finding in after] == sorted((f.is_open for f in after), reverse=True)


@pytest.mark.parametrize(("cap", "answered"), [(5000, False), (60, True)])
def test_a_cap_that_cuts_nothing_is_no_answer(cap, answered):
    catalogue = catalogue_of(articles_of({"Shoes": 900, "Hats": 50}))
    found = only(find(survey_of(catalogue, config_of(balance=Undersample(cap=cap)))), "Imbalance")
    assert found.chosen is answered


def test_equal_classes_are_fine():
    found = find(survey_of(catalogue_of(articles_of({"Shoes": 120, "Hats": 110})), config_of()))
    assert only(found, "about equal").level == FINE
    assert not [finding for finding in found if finding.level == PROBLEM]


def test_siblings_in_train_are_a_problem_that_a_grouped_split_answers():
    catalogue = catalogue_of(articles_of({"Shoes": 200, "Hats": 200}))
    split = only(find(survey_of(catalogue, config_of(split=RandomSplit()))), "Variants")
    assert (split.level, split.option) == (PROBLEM, "`data/split=grouped`")
    assert only(find(survey_of(catalogue, config_of())), "Variants").chosen


def test_few_pictures_to_measure_by_are_said():
    found = only(find(survey_of(catalogue_of(articles_of(SMALL)), config_of())), "measure a class by")
    assert "in val" in found.text and "in test" in found.text and found.section == "strategies"


def test_the_ten_small_groups_are_answered_by_hm9():
    tenth = {label: max(2, count // 10) for label, count in ARTICLES.items()}
    survey = survey_of(catalogue_of(articles_of(tenth)), config_of(merge=Hm9Merge()))
    assert len(survey.classes) == 9
    assert only(find(survey), "Near-empty").chosen


def test_a_column_that_tells_the_label_is_found():
    articles = articles_of({"Shoes": 200, "Hats": 200})
    articles[own("type")] = articles["label"].map({"Shoes": "a", "Hats": "b"})
    articles[own("same")] = "x"
    articles[own("note")] = np.where(np.arange(400) % 3 == 0, "seen", "")
    found = find(survey_of(catalogue_of(articles), config_of()))
    assert "follows from type" in only(found, "follows from").text
    assert "same" in only(found, "The same in every row").text
    assert "note (66.5 %)" in only(found, "Empty in many rows").text
    assert "index_name (2 values)" in only(found, "could be learned").text


def test_unreadable_files_beyond_the_limit_are_a_problem():
    catalogue = catalogue_of(articles_of({"Shoes": 40, "Hats": 40}))
    pictures = drawn_pictures(catalogue, [(100, 100)])
    bad = pd.DataFrame({"image": ["a.jpg", "b.jpg"], "reason": ["truncated", "empty file"]})
    found = only(find(survey_of(catalogue, config_of(), replace(pictures, quarantine=bad))), "Unreadable")
    assert (found.level, found.option.split("`")[1]) == (PROBLEM, "data.max_bad_fraction=0.03")
    few = find(survey_of(catalogue, config_of(), replace(pictures, quarantine=bad.head(0))))
    assert only(few, "can be read").level == FINE


def test_a_picture_with_two_labels_and_one_on_two_sides_are_found():
    catalogue = catalogue_of(articles_of({"Shoes": 300, "Hats": 300}, colours=1))
    pictures = drawn_pictures(catalogue, [(100, 100)])
    digests = [str(number) for number in range(600)]
    digests[500] = digests[0]
    copies = find_copies(pictures.looks, digests, 4)
    found = find(survey_of(catalogue, config_of(), replace(pictures, copies=copies)))
    assert (
        only(found, "equal file").text == "Equal pictures: 2 with an equal file, 2 with an equal or near-equal picture"
    )
    assert only(found, "of another label").text.startswith("Labels in doubt: 2 articles")


@pytest.mark.parametrize(
    ("split", "answer"), [(RandomSplit(), "`data/split=grouped`"), (GroupedSplit(), "look at them")]
)
def test_near_equal_pictures_on_two_sides_of_the_split_are_a_problem(split, answer):
    catalogue = catalogue_of(articles_of({"Shoes": 200, "Hats": 200}, colours=1))
    pictures = drawn_pictures(catalogue, [(100, 100)])
    near = np.arange(400) // 2  # each second picture is nearly the one before it
    found = find(
        survey_of(catalogue, config_of(split=split), replace(pictures, copies=replace(pictures.copies, near=near)))
    )
    leaks = [finding for finding in found if "near-equal one in train" in finding.text]
    assert {finding.level for finding in leaks} == {PROBLEM}
    assert all(finding.option.startswith(answer) for finding in leaks)


def test_a_background_that_only_one_class_has_is_said():
    catalogue = catalogue_of(articles_of({"Shoes": 100, "Hats": 100}))
    pictures = drawn_pictures(catalogue, [(100, 100)])
    background = pictures.looks.background.copy()
    background[(catalogue.rows["label"] == "Hats").to_numpy()] = (200, 30, 30)
    looks = replace(pictures.looks, background=background)
    found = only(find(survey_of(catalogue, config_of(), replace(pictures, looks=looks))), "instead of the article")
    assert "Hats coloured (100 %, of all 50 %)" in found.text and found.level == NOTICE


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.4239, "42.4 %"), (1, "100 %"), (0.9999, "nearly 100 %"), (0.0001, "less than 0.1 %"), (0, "0 %")],
)
def test_a_share_in_words(share, words):
    assert percent(share) == words


@pytest.mark.slow
@pytest.mark.realdata
def test_the_real_table_has_the_references_anomalies(photographs):
    path = photographs.parent / "hm_tables" / "articles.parquet"
    if not path.is_file():
        pytest.skip(f"no {path}")
    table = read_table(path, "data.root")
    rows = table.rename(columns=own).assign(
        article_id=table["article_id"].str.zfill(10), label=table["product_group_name"], group=table["product_code"]
    )
    rows["image"] = "images/" + rows["article_id"].str[:3] + "/" + rows["article_id"] + ".jpg"
    survey = survey_of(catalogue_of(rows, MISSING), config_of())
    assert survey.counts.sum() == sum(ARTICLES.values()) - MISSING
    found = find(survey)
    assert "Garment Upper body" in only(found, "Imbalance").text
    assert only(found, "Near-empty").text.startswith("Near-empty classes: 9 (Fun")
    assert "Underwear and Underwear/nightwear" in only(found, "by their names").text
    assert "folders of" in only(found, "Disorder of folders").text
    assert "product_type_name" in only(found, "follows from").text
    assert "detail_desc (0.4 %)" not in " ".join(finding.text for finding in found), "nearly full is full enough"
    assert "up to 75 articles each" in only(found, "Variants").text
