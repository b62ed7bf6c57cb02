"""What is classified: catalogues with and without labels, folders, archives and tables of paths."""

import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hmexp.config.compose import compose_words, explained
from hmexp.config.errors import UserError
from hmexp.config.schemas import to_config
from hmexp.config.verbs import PredictConfig
from hmexp.inference.articles import find_articles


@pytest.fixture
def shop(tmp_path):
    """A catalogue of six articles, of which one has no label and one no picture."""
    root = tmp_path / "shop"
    for number in range(6):
        path = root / "images" / "010" / f"010000000{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number != 5:
            Image.fromarray(np.full((20, 20, 3), 40 * number, np.uint8)).save(path)
    ids = [f"010000000{number}" for number in range(6)]
    labels = ["Shoes", "Shoes", "Bags", "", "Bags", "Shoes"]
    pd.DataFrame({"article_id": ids, "product_group_name": labels}).to_csv(root / "articles.csv", index=False)
    return root


def found(*words):
    composed = compose_words(list(words), "predict")
    with explained():
        return find_articles(to_config(composed.tree, PredictConfig))


def test_articles_without_a_label_are_classified_too(shop):
    rows = found("data=hm", f"data.root={shop}").rows
    assert rows["article_id"].tolist() == [f"010000000{number}" for number in range(5)]
    assert rows["label"].tolist() == ["Shoes", "Shoes", "Accessories", "", "Accessories"], "as the merge has it"


def test_a_catalogue_without_the_column_of_labels(shop):
    pd.read_csv(shop / "articles.csv", dtype=str)[["article_id"]].to_csv(shop / "articles.csv", index=False)
    rows = found("data=hm", f"data.root={shop}").rows
    assert rows["label"].tolist() == [""] * 5
    with pytest.raises(UserError, match=r"data.label: expected a column of articles.csv"):
        from hmexp import DataModule

        DataModule.from_catalogue(shop)


def test_the_same_pictures_from_folder_archive_and_table(shop, tmp_path):
    archive = tmp_path / "shop.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted((shop / "images").rglob("*.jpg")):
            file.write(path, path.relative_to(shop / "images"))
    table = shop / "images" / "paths.csv"
    table.write_text("path\n" + "".join(f"010/010000000{number}.jpg\n" for number in range(5)))
    names = [f"010/010000000{number}.jpg" for number in range(5)]
    for source in (shop / "images", archive, table):
        rows = found(f"source={source}").rows
        assert rows["image"].tolist() == names, source
        assert rows["article_id"].tolist() == names


def test_a_table_may_have_ids_and_lists_pictures_that_are_gone(shop):
    table = shop / "list.csv"
    table.write_text(
        "article_id,note,image\n07,x,images/010/0100000001.jpg\n03,y,images/gone.jpg\n07,x,images/gone2.jpg\n"
    )
    rows = found(f"source={table}").rows
    assert rows["article_id"].tolist() == ["03", "07", "07"]
    assert rows["image"].tolist() == ["images/gone.jpg", "images/010/0100000001.jpg", "images/gone2.jpg"]


def test_the_digest_says_whether_anything_has_changed(shop, tmp_path):
    words = ("data=hm", f"data.root={shop}")
    before = found(*words).digest
    assert found(*words).digest == before
    moved = shutil.copytree(shop, tmp_path / "moved")
    assert found("data=hm", f"data.root={moved}").digest == before, "copytree keeps the times"
    Image.new("RGB", (20, 20)).save(shop / "images/010/0100000002.jpg", quality=10)
    assert found(*words).digest != before
    table = pd.read_csv(moved / "articles.csv", dtype=str).assign(product_group_name="Shoes")
    table.to_csv(moved / "articles.csv", index=False)
    assert found("data=hm", f"data.root={moved}").digest != before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "data: expected a catalogue .* received neither"),
        (("data=hm", "data.root={shop}", "source={shop}"), "received both"),
        (("source={shop}/nothing",), "source: expected a folder, a zip archive or a table of paths"),
        (("source={shop}/empty",), "expected a folder with pictures"),
        (("source={shop}/articles.csv",), r"image_column: expected a column of articles.csv \(article_id, product"),
        (("source={shop}/articles.csv", "image_column=article_di"), r"did you mean article_id\?"),
        (("source={shop}/articles.csv", "image_column=article_id"), "received none that is there"),
    ],
)
def test_what_is_not_there_is_one_line(shop, words, said):
    (shop / "empty").mkdir()
    with pytest.raises(UserError, match=said) as refused:
        found(*(word.format(shop=shop) for word in words))
    assert "\n" not in str(refused.value)
