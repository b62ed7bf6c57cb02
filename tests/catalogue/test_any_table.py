"""Tables and folders as users have them: what is read, what is said, what is refused in a line."""

import gzip
import shutil

import pandas as pd
import pytest
from PIL import Image

from hmexp.catalogue.manifest import Manifest, own
from hmexp.catalogue.plan import limit_rows, plan
from hmexp.catalogue.read import read_catalogue
from hmexp.catalogue.tables import clean_name, read_table
from hmexp.config.data import FolderData, HmData, TableData
from hmexp.config.errors import UserError
from hmexp.config.record import PathsConfig
from hmexp.config.strategies import FixedSplit, FolderSplit, GroupedSplit, NoBalance, NoMerge, StratifiedSplit
from hmexp.datamodule import DataModule


def draw(folder, *names, colour=(0, 0, 0)):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), colour).save(path, "PNG")


def strategies(split=None):
    return {"merge": NoMerge(), "balance": NoBalance(), "split": split or GroupedSplit()}


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


ROWS = "article_id,product_group_name\n0100000001,Shoes\n0100000002,Café\n"


@pytest.mark.parametrize(
    "content",
    [
        ROWS.encode(),
        b"\xef\xbb\xbf" + ROWS.encode(),
        gzip.compress(ROWS.encode(), mtime=0),
        ROWS.replace("\n", "\r\n").encode(),
        ROWS.replace(",", ";").encode(),
        ROWS.replace(",", "\t").encode(),
        ROWS.replace("\n", ",\n").replace("name,", "name").encode(),
        ROWS.replace("article_id,", " article_id ,").encode(),
        '"article_id","product_group_name"\n"0100000001","Shoes"\n"0100000002","Café"\n'.encode(),
    ],
    ids=["plain", "bom", "gzip", "crlf", "semicolons", "tabs", "trailing commas", "spaces", "quotes"],
)
def test_one_table_in_many_forms(tmp_path, content):
    path = tmp_path / "articles.csv"
    path.write_bytes(content)
    table = read_table(path, "data.root")
    assert list(table.columns) == ["article_id", "product_group_name"]
    assert table["article_id"].tolist() == ["0100000001", "0100000002"]
    assert table["product_group_name"].tolist() == ["Shoes", "Café"]


def test_parquet_is_read_as_text_too(tmp_path):
    path = tmp_path / "articles.csv"  # its content decides
    frame = pd.DataFrame({"id": [1.0, None], "n": [7, 8], "x": [0.5, 1.0], "s": ["a", None]})
    frame.to_parquet(tmp_path / "x.parquet")
    shutil.move(tmp_path / "x.parquet", path)
    assert read_table(path, "data.csv").to_dict("list") == {
        "id": ["1", ""],
        "n": ["7", "8"],
        "x": ["0.5", "1.0"],
        "s": ["a", ""],
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (ROWS.encode("utf-16"), "a table in UTF-8"),
        (ROWS.encode("cp1252"), r"a table in UTF-8 .* received a byte b'\\xe9'"),
        (b"", "a table with a header"),
        (b"\n\n", "a table with a header"),
        (b"a,b\n1,2\n1,2,3\n", "2 cells in each row .* received 3 in line 3"),
        (gzip.compress(ROWS.encode(), mtime=0)[:-9], "a CSV or Parquet table"),
        (b"PAR1 and nothing else", "a CSV or Parquet table"),
        (b"\x00" * 100, "expected"),
    ],
)
def test_what_is_no_table_is_said_in_a_line_with_its_name(tmp_path, content, said):
    path = tmp_path / "articles.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=said) as caught:
        read_table(path, "data.root")
    assert str(caught.value).startswith("data.root: expected")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["100000001.0", "100000001.", "1.00000001E8", " 100000001 ", "0100000001"])
def test_what_a_spreadsheet_made_of_an_id_is_undone(tmp_path, name):
    write(tmp_path / "articles.csv", f"article_id,product_group_name\n{name},Shoes\n0100000002,Bags\n")
    draw(tmp_path / "images", "010/0100000001.png", "010/0100000002.png", "010/0100000009.png")
    catalogue = read_catalogue(HmData(root=str(tmp_path)), tmp_path)
    assert catalogue.rows["article_id"].tolist() == ["0100000001", "0100000002"]
    assert catalogue.warnings == ("1 pictures belong to no article (images/010/0100000009.png)",)


@pytest.mark.parametrize("file", ["articles.csv.gz", "articles.parquet"])
def test_a_catalogue_with_another_kind_of_table(tmp_path, file):
    if file.endswith("gz"):
        (tmp_path / file).write_bytes(gzip.compress(ROWS.encode(), mtime=0))
    else:
        pd.DataFrame({"article_id": [100000001, 100000002], "product_group_name": ["a", "b"]}).to_parquet(
            tmp_path / file
        )
    draw(tmp_path / "images", "0100000001.png", "0100000002.png")
    assert len(read_catalogue(HmData(root=str(tmp_path)), tmp_path).rows) == 2


@pytest.mark.parametrize(
    "column", ["group", "label", "image", "weight", "split", "target", "folder", "article_id", "kind"]
)
def test_a_column_of_the_users_is_never_taken_for_one_of_ours(tmp_path, column):
    names = [f"{number}.png" for number in range(12)]
    draw(tmp_path, *names)
    sides = ["train"] * 6 + ["validation"] * 3 + ["test"] * 3
    frame = pd.DataFrame({"file": names, "class": ["a", "b"] * 6, column: sides})
    frame.to_csv(tmp_path / "table.csv", index=False)
    cfg = TableData(csv=str(tmp_path / "table.csv"), image_column="file", label="class", **strategies())
    fixed = FixedSplit(column=column)
    manifest, _ = plan(TableData(**vars(cfg) | {"split": fixed}), read_catalogue(cfg, tmp_path))
    assert manifest.frame.set_index("image").loc[names, "split"].tolist() == [
        {"validation": "val"}.get(side, side) for side in sides
    ]
    data = DataModule(cfg, PathsConfig(cache=str(tmp_path / "cache")), trains=False)
    assert data.column_values([column]).loc[names, column].tolist() == sides
    other = next(name for name in ("group", "weight", "target") if name != column)
    with pytest.raises(UserError, match=rf"data\.split\.column: .*received {other}"):
        plan(TableData(**vars(cfg) | {"split": FixedSplit(column=other)}), read_catalogue(cfg, tmp_path))


@pytest.mark.parametrize("where", ["beside", "away", "absolute"])
def test_any_table_beside_or_away_from_its_pictures(tmp_path, where):
    pictures = tmp_path / "somewhere" / "pictures"
    names = [f"{number}.png" for number in range(4)]
    draw(pictures, *names)
    path = tmp_path / "table.csv" if where != "beside" else pictures / "table.csv"
    shown = [str(pictures / name) for name in names] if where == "absolute" else names
    frame = pd.DataFrame({"file": [*shown, "gone.png", ""], "kind": ["a", "b", "a", "", "b", "b"]})
    frame.assign(sku=["1.0", "2", "3", "4", "5", "6"], model=["m", "m", "n", "n", "", ""]).to_csv(path, index=False)
    cfg = TableData(
        csv=str(path),
        root=str(pictures) if where == "away" else "",
        image_column="file",
        label="kind",
        id_column="sku",
        group_column="model",
        **strategies(),
    )
    catalogue = read_catalogue(cfg, tmp_path)
    assert catalogue.rows["article_id"].tolist() == ["1", "2", "3"]
    assert catalogue.rows["group"].tolist() == ["m", "m", "n"]
    assert catalogue.rows[own("kind")].tolist() == ["a", "b", "a"]
    assert (catalogue.num_articles, catalogue.num_unlabelled, catalogue.num_missing) == (6, 1, 2)
    data = DataModule(cfg, PathsConfig(cache=str(tmp_path / "cache")), trains=False)
    data.prepare()
    data.setup()
    assert len(data.digest) == 32
    assert data.store.num_pictures == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"csv": "nowhere.csv"}, r"data\.csv: expected a CSV or Parquet file, received .*nowhere\.csv"),
        ({"image_column": "files"}, r"data\.image_column: .*received files \(did you mean file\?\)"),
        ({"label": "kin"}, r"data\.label: .*did you mean kind"),
        ({"id_column": "sk"}, r"data\.id_column: .*did you mean sku"),
        ({"group_column": "x"}, r"data\.group_column: expected a column of table\.csv \(file, kind, sku\)"),
        ({"split_column": "x"}, r"data\.split_column: expected a column"),
        ({"id_column": "kind"}, r"data\.id_column: expected each value once .*received a twice"),
        ({"root": "elsewhere"}, r"data\.image_column: expected paths of pictures below .*elsewhere"),
        ({"split_column": "kind"}, r"data\.split\.column: expected the values train"),
    ],
)
def test_what_a_table_does_not_have_is_named(tmp_path, words, said):
    draw(tmp_path, "0.png", "1.png", "2.png")
    (tmp_path / "table.csv").write_text("file,kind,sku\n0.png,a,1\n1.png,a,2\n2.png,b,3\n")
    given = {"csv": str(tmp_path / "table.csv"), "image_column": "file", "label": "kind"} | words
    given["csv"] = str(tmp_path / given["csv"])
    cfg = TableData(**given, **strategies())
    with pytest.raises(UserError, match=said):
        plan(cfg, read_catalogue(cfg, tmp_path))


def folders(root) -> FolderData:
    return FolderData(root=str(root), **strategies(FolderSplit()))


def test_pictures_are_known_by_their_content_and_what_is_left_out_is_named(tmp_path):
    draw(tmp_path, "a/1.jfif", "a/2", "a/3.picture", "b/1.png", "b/2.ppm", "loose.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "b" / "3.avif")
    write(tmp_path / "a" / "notes.txt", "nothing to see")
    write(tmp_path / "b" / "phone.heic", "\0\0\0\x18ftypheic\0\0\0\0", "latin-1")
    (tmp_path / "b" / "dead.jpg").symlink_to(tmp_path / "nowhere.jpg")
    write(tmp_path / "c" / "empty.bin", "")
    (tmp_path / "d").mkdir()
    write(tmp_path / "d" / "Thumbs.db", "x")
    catalogue = read_catalogue(folders(tmp_path), tmp_path)
    assert catalogue.rows["image"].tolist() == ["a/1.jfif", "a/2", "a/3.picture", "b/1.png", "b/2.ppm", "b/3.avif"]
    said = "\n".join(catalogue.warnings)
    assert "1 pictures lie in no class folder and are left out (loose.png)" in said
    assert "the folder c gives no picture" in said
    assert "the folder d gives no picture" in said
    assert "no picture (.txt) (a/notes.txt)" in said
    assert "HEIC, which needs `pip install pillow-heif` (b/phone.heic)" in said
    assert "a link that leads nowhere (b/dead.jpg)" in said
    assert "an empty file (c/empty.bin)" in said
    assert "Thumbs" not in said
    data = DataModule(folders(tmp_path), PathsConfig(cache=str(tmp_path.parent / "cache")), trains=False)
    data.prepare()
    assert data.quarantine.empty


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ["wrapper/a/1.png", "wrapper/b/1.png"],
            r"received wrapper/ alone, which holds a, b \(data\.root=.*wrapper\?\)",
        ),
        (["men/shoes/1.png", "women/shoes/1.png", "men/hats/1.png"], "men, women, each with folders such as shoes"),
    ],
)
def test_folders_that_can_be_read_two_ways_are_refused_with_both(tmp_path, names, said):
    draw(tmp_path, *names)
    with pytest.raises(UserError, match=said):
        read_catalogue(folders(tmp_path), tmp_path)


@pytest.mark.parametrize("names", [["a/1.png", "b/deep/2.png"], ["a/x/1.png", "b/y/2.png"]])
def test_folders_inside_classes_are_read_as_ever(tmp_path, names):
    draw(tmp_path, *names)
    assert read_catalogue(folders(tmp_path), tmp_path).rows["label"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    "name", ["Cafe\u0301", "Caf\u00e9", " Caf\u00e9", "Caf\u200b\u00e9", "\ufeffCaf\u00e9", "Caf\u00e9\u00a0"]
)
def test_one_class_in_many_spellings_is_one(name):
    assert clean_name(name) == "Caf\u00e9"
    assert clean_name("a \t\u00a0 b") == "a b"


def test_classes_that_may_be_one_or_none_are_warned_of_by_name(tmp_path):
    names = ["Shoes", "shoes", "\uff33HOES", "Bags", "nan", "N/A", "NULL", "Unknown", "Cafe\u0301", "Café"]
    rows = "".join(f"01000000{number:02d},{name}\n" for number, name in enumerate(names))
    write(tmp_path / "articles.csv", f"article_id,product_group_name\n{rows}")
    draw(tmp_path / "images", *(f"01000000{number:02d}.png" for number in range(len(names))))
    catalogue = read_catalogue(HmData(root=str(tmp_path)), tmp_path)
    said = "\n".join(catalogue.warnings)
    assert "Shoes and shoes and \uff33HOES differ in case or form alone" in said
    for word in ("nan", "N/A", "NULL"):
        assert f"the class {word} may stand for articles without a label" in said
    assert "Unknown" not in said
    assert catalogue.rows["label"].nunique() == len(names) - 1


@pytest.mark.parametrize(
    ("limit", "kept"), [(100, [50, 30, 19, 1]), (10, [5, 3, 1, 1]), (4, [1, 1, 1, 1]), (2, [1, 1, 0, 0])]
)
def test_a_limit_keeps_the_shares_of_the_classes(limit, kept):
    labels = ["a"] * 500 + ["b"] * 300 + ["c"] * 195 + ["d"] * 5
    rows = pd.DataFrame({"article_id": [f"{number:010d}" for number in range(1000)], "label": labels})
    counts = limit_rows(rows, limit)["label"].value_counts().reindex(list("abcd"), fill_value=0)
    assert counts.sum() == limit
    assert counts.tolist() == pytest.approx(kept, abs=1)
    assert (
        set(limit_rows(rows, limit // 2 or 1)["article_id"]) <= set(limit_rows(rows, limit)["article_id"]) or limit < 10
    )


def pictures_of(tmp_path, count, colours):
    for number in range(count):
        draw(tmp_path, f"{'ab'[number % 2]}/{number}.png", colour=colours(number))


def test_equal_pictures_stay_on_one_side_and_two_labels_of_one_are_named(tmp_path):
    root = tmp_path / "pictures"
    pictures_of(root, 60, lambda number: (number, 0, 0) if number >= 10 else (number // 4, 99, 0))
    data = DataModule(folders(root), PathsConfig(cache=str(tmp_path / "cache")))
    data.prepare()
    manifest, report = data.setup()
    sides = manifest.frame.groupby("group")["split"].nunique()
    assert sides.max() == 1
    assert manifest.frame["group"].nunique() == 53
    assert report.siblings == {"val": 0.0, "test": 0.0}
    said = "\n".join(report.warnings)
    assert "10 articles have a picture that others have too" in said
    assert "equal pictures have the labels a and b (a/0.png" in said
    stratified = FolderData(root=str(root), **strategies(StratifiedSplit()))
    leaking = DataModule(stratified, PathsConfig(cache=str(tmp_path / "cache")))
    leaking.prepare()
    _, report = leaking.setup()
    assert sum(report.siblings.values()) > 0, "a split that does not keep groups whole is not called clean"


def rows_of(groups):
    """A manifest with groups of these sizes, of two classes."""
    rows = [(f"g{number}", "ab"[number % 2]) for number, size in enumerate(groups) for _ in range(size)]
    frame = pd.DataFrame(rows, columns=["group", "label"])
    return Manifest.from_rows(frame.assign(article_id=[f"{n:06d}" for n in range(len(rows))], image="x"))


def test_large_groups_are_dealt_first_and_a_share_that_strays_is_named_with_its_group():
    from hmexp.catalogue.split import split

    even, step = split(GroupedSplit(), rows_of([100, 100] + [1] * 1000))
    shares = even.frame["split"].value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.8, abs=0.02)
    assert not step.warnings
    _, step = split(GroupedSplit(), rows_of([600, 2] + [1] * 100))
    assert any("the group g0 alone has 600 of 702 articles (data/split=stratified" in text for text in step.warnings)


@pytest.mark.parametrize("folds", [7, 1_000_000])
def test_more_folds_than_groups_are_refused_in_a_line(folds):
    from hmexp.catalogue.split import cross_validate

    manifest = rows_of([5] * 12)
    manifest = manifest.with_frame(manifest.frame.assign(split="train"))
    with pytest.raises(UserError, match=rf"data\.split\.folds: expected at most 6, the groups .* received {folds}"):
        cross_validate(GroupedSplit(folds=folds), manifest)
    assert cross_validate(GroupedSplit(folds=6), manifest)[0].frame["split"].eq("val").sum() == 10


def test_a_class_that_train_lacks_is_named():
    from hmexp.catalogue.split import split

    frame = rows_of([1] * 10).frame
    side = ["train"] * 6 + ["val"] * 2 + ["test"] * 2
    frame = frame.assign(**{own("side"): side, "label": ["a"] * 7 + ["b"] * 3})
    _, step = split(FixedSplit(column="side"), Manifest.from_rows(frame))
    assert any(text.startswith("train has no article of b, which cannot be learned") for text in step.warnings)
