"""The generated catalogue: H&M's layout, the same everywhere, with the faults of a real one."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from hmexp.catalogue.merge import HM9_GROUPS
from hmexp.catalogue.sample import generate_sample, sample_articles, sample_pictures
from hmexp.catalogue.sample.generate import draw_picture

COLUMNS = """article_id product_code prod_name product_type_no product_type_name product_group_name
graphical_appearance_no graphical_appearance_name colour_group_code colour_group_name perceived_colour_value_id
perceived_colour_value_name perceived_colour_master_id perceived_colour_master_name department_no department_name
index_code index_name index_group_no index_group_name section_no section_name garment_group_no garment_group_name
detail_desc""".split()  # noqa: SIM905


def test_articles_have_the_columns_the_groups_and_the_long_tail(sample):
    table = pd.read_csv(sample / "articles.csv", dtype={"article_id": str})
    assert list(table.columns) == COLUMNS
    counts = table["product_group_name"].value_counts()
    assert len(counts) == 19
    assert set(HM9_GROUPS) <= set(counts.index)
    assert 1_900 <= len(table) <= 2_100
    assert counts.index[0] == "Garment Upper body"
    assert counts.iloc[0] > 100 * counts.iloc[-1]
    assert table["article_id"].is_unique
    assert table["article_id"].str.fullmatch(r"0\d{9}").all()
    assert (table["article_id"].str[:7].astype(int) == table["product_code"]).all()
    assert (table.groupby("product_code").size() > 1).mean() > 0.4, "colour variants"
    assert (table.groupby("product_code")["product_group_name"].nunique() == 1).all()


def test_pictures_lie_where_hm_has_them_and_differ_in_size(sample):
    files = sorted(path.relative_to(sample).as_posix() for path in (sample / "images").rglob("*.jpg"))
    assert files == sample_pictures()
    assert all(path.split("/")[1] == Path(path).name[:3] for path in files)
    assert len(sample_articles()) - len(files) == 10, "articles without a picture"
    sizes = set()
    for path in files[:40]:
        with Image.open(sample / path) as picture:
            sizes.add(picture.size)
    assert len(sizes) > 20


def test_one_picture_is_cut_off_and_one_file_is_no_picture(sample):
    faults = []
    for path in sample_pictures():
        try:
            with Image.open(sample / path) as picture:
                picture.draft("RGB", (40, 40))
                picture.load()
        except OSError as error:
            faults.append(str(error))
    assert len(faults) == 2
    assert sum("truncated" in fault for fault in faults) == 1


def test_customers_and_transactions_fit_together(sample):
    customers = pd.read_csv(sample / "customers.csv")
    transactions = pd.read_csv(sample / "transactions_train.csv", dtype={"article_id": str})
    assert list(customers.columns) == [
        *("customer_id", "FN", "Active", "club_member_status", "fashion_news_frequency", "age", "postal_code")
    ]
    assert list(transactions.columns) == ["t_dat", "customer_id", "article_id", "price", "sales_channel_id"]
    assert len(transactions) > 3_000
    assert set(transactions["customer_id"]) <= set(customers["customer_id"])
    assert set(transactions["article_id"]) <= set(sample_articles()["article_id"])
    assert transactions["t_dat"].is_monotonic_increasing


def test_a_picture_is_the_same_wherever_it_is_drawn(sample, tmp_path):
    rows = {row["article_id"]: row for row in sample_articles().to_dict("records")}
    for path in sample_pictures()[:300:60]:
        draw_picture(rows[Path(path).stem], tmp_path / "again.jpg")
        assert (tmp_path / "again.jpg").read_bytes() == (sample / path).read_bytes()


def test_what_is_there_is_left_alone(sample):
    before = (sample / "articles.csv").stat().st_mtime_ns
    generate_sample(sample)
    assert (sample / "articles.csv").stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_killed_attempt_leaves_nothing_that_counts(tmp_path):
    folder = tmp_path / "sample" / "1"
    script = "import sys, pathlib; from hmexp.catalogue.sample import *; generate_sample(pathlib.Path(sys.argv[1]))"
    process = subprocess.Popen([sys.executable, "-c", script, str(folder)])
    partial = folder.with_name("1.partial")
    while process.poll() is None and len(list(partial.glob("images/*/*.jpg"))) < 5:
        pass
    process.kill()
    process.wait()
    assert not folder.exists()
    assert partial.exists()
