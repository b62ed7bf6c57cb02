"""Reading catalogues: ids, groups, and folders that are splits."""

import pytest
from PIL import Image

from hmexp.catalogue.read import read_catalogue
from hmexp.config.data import FolderData, HmData
from hmexp.config.errors import UserError
from hmexp.config.record import PathsConfig
from hmexp.config.strategies import FolderSplit, NoBalance, NoMerge
from hmexp.datamodule import DataModule


def folders(root) -> FolderData:
    return FolderData(root=str(root), merge=NoMerge(), balance=NoBalance(), split=FolderSplit())


def draw(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)


def table(folder, *rows):
    folder.mkdir(exist_ok=True)
    lines = ["article_id,product_code,product_group_name", *rows]
    (folder / "articles.csv").write_text("\n".join(lines), encoding="utf-8")


def test_pictures_are_found_by_ids_of_any_length(tmp_path):
    table(tmp_path, "0108775015,0108775,Shoes", "12345,12,Shoes", "SKU-1,7,Bags")
    draw(tmp_path / "images", "010/0108775015.png", "12345.png", "SKU-1.png")
    rows = read_catalogue(HmData(root=str(tmp_path)), tmp_path).rows
    assert len(rows) == 3
    assert rows["article_id"].tolist()[0] == "0108775015"


def test_articles_without_a_product_code_are_no_group(tmp_path):
    table(tmp_path, "1,77,Shoes", "2,77,Shoes", "3,,Bags", "4, ,Bags")
    draw(tmp_path / "images", *(f"{number}.png" for number in range(1, 5)))
    rows = read_catalogue(HmData(root=str(tmp_path)), tmp_path).rows
    assert rows["group"].nunique() == 3


@pytest.mark.parametrize("names", [("Train", "Test", "Validation"), ("train", "test", "valid")])
def test_folders_of_splits_in_any_case(names, tmp_path):
    draw(tmp_path, *(f"{name}/{label}/{number}.png" for name in names for label in "ab" for number in range(2)))
    data = DataModule(folders(tmp_path), PathsConfig(cache=str(tmp_path / "cache")))
    assert data.class_names == ("a", "b")
    assert data.sizes() == {"train": 4, "val": 4, "test": 4}


def test_classes_beside_train_are_refused(tmp_path):
    draw(tmp_path, "train/a/1.png", "test/a/1.png", "extra/a/1.png")
    with pytest.raises(UserError, match="received train/ beside extra"):
        read_catalogue(folders(tmp_path), tmp_path)


def test_test_alone_can_be_evaluated_on_and_not_trained_on(tmp_path):
    draw(tmp_path, "test/a/1.png", "test/b/1.png")
    cfg, paths = folders(tmp_path), PathsConfig(cache=str(tmp_path / "cache"))
    assert DataModule(cfg, paths, trains=False).sizes() == {"test": 2}
    with pytest.raises(UserError, match="expected articles in train"):
        DataModule(cfg, paths)
