"""Catalogues that are read straight from a zip archive."""

import gzip
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from made_zips import FIFO, LINK, Member, article, catalogue_members, image_path, jpeg, make_zip

from hmexp.catalogue.fetch import fetch
from hmexp.catalogue.read import Catalogue
from hmexp.config.errors import UserError
from hmexp.config.invocation import Invocation
from hmexp.config.verbs import FetchConfig
from hmexp.datamodule import DataModule

OURS = ["article_id", "label", "split", "image", "group"]


def hm(root: Path, cache: Path, *words: str) -> DataModule:
    return DataModule.from_catalogue(root, [f"paths.cache={cache}", *words], image_size=16, max_bad_fraction=0.1)


def read(root: Path, tmp_path: Path) -> Catalogue:
    return hm(root, tmp_path / "cache", "data/merge=none").catalogue


def extracted(path: Path, to: Path) -> Path:
    fetch(FetchConfig(zip=str(path), to=str(to)), Invocation(""))
    return to


def prepared(data: DataModule) -> DataModule:
    data.prepare()
    data.setup()
    return data


def test_the_archive_and_what_is_extracted_from_it_are_one_catalogue(tmp_path):
    members = [*catalogue_members(), Member(image_path("0109999999"), b"no picture at all")]
    path = make_zip(tmp_path / "hm.zip", members)
    folder = extracted(path, tmp_path / "hm")
    words = ("data/merge=none", "data/balance=none")
    inside, outside = (prepared(hm(root, tmp_path / "cache", *words)) for root in (path, folder))
    pd.testing.assert_frame_equal(inside.manifest.frame[OURS], outside.manifest.frame[OURS])
    assert inside.digest == outside.digest
    assert inside.store.content_digest == outside.store.content_digest
    assert inside.store.path != outside.store.path
    rows = np.arange(inside.store.num_pictures)
    assert np.array_equal(inside.store.read(rows), outside.store.read(rows))
    assert inside.catalogue.name == outside.catalogue.name == "hm"
    assert inside.catalogue.warnings == outside.catalogue.warnings


@pytest.mark.slow
def test_the_sample_in_an_archive_is_the_sample(sample, tmp_path):
    path = tmp_path / "sample.zip"
    with ZipFile(path, "w") as made:
        for file in sorted(sample.rglob("*.*")):
            made.write(file, file.relative_to(sample))
    inside, outside = (prepared(hm(root, tmp_path / "cache")) for root in (path, sample))
    assert inside.digest == outside.digest
    assert inside.quarantine.equals(outside.quarantine)
    assert len(inside.quarantine) == 2


def test_the_fingerprint_is_of_the_members_and_not_of_the_archive(tmp_path):
    members = catalogue_members()
    one = make_zip(tmp_path / "one.zip", members)
    other = make_zip(tmp_path / "other.zip", [*reversed(members), Member("notes.txt")])
    paths = [image_path(article(number)) for number in range(20)]
    first = read(one, tmp_path).source.fingerprint(paths)
    assert read(other, tmp_path).source.fingerprint(paths[::-1]) == first
    assert read(other, tmp_path).source.fingerprint(paths[1:]) != first
    members[5].data = members[5].data[:-1] + b"\0"
    assert read(make_zip(one, members), tmp_path).source.fingerprint(paths) != first


def test_a_damaged_member_is_a_picture_in_quarantine(tmp_path):
    members = catalogue_members()
    members[10].crc, members[11].size = 1, len(members[11].data) - 2
    data = prepared(hm(make_zip(tmp_path / "hm.zip", members), tmp_path / "cache", "data/merge=none"))
    assert dict(data.quarantine.itertuples(index=False)) == {
        members[10].name: "damaged in its archive (another checksum)",
        members[11].name: "damaged in its archive (another checksum)",
    }
    assert data.store.num_pictures == 58


def test_members_that_could_harm_are_told_and_not_read(tmp_path):
    bomb = bytes(2**22)
    bad = {
        "a name that leads out of its folder": Member("images/../../0108.jpg"),
        "a link": Member(image_path(article(70)), b"../../../etc/passwd", attributes=LINK),
        "no regular file": Member(image_path(article(71)), attributes=FIFO),
        "it inflates to more than 100 times its size": Member(image_path(article(72)), bomb),
        "encrypted": Member(image_path(article(73)), flags=1),
    }
    catalogue = read(make_zip(tmp_path / "hm.zip", [*catalogue_members(), *bad.values()]), tmp_path)
    for reason, member in bad.items():
        assert f"1 files are left out: {reason} ({member.name})" in catalogue.warnings
    assert len(catalogue.rows) == 60


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-500]), "whose end is missing: a download that stopped"),
        (lambda path: path.write_bytes(b"article_id\n1\n"), "hm.zip, which is none"),
        (lambda path: make_zip(path, [Member("a.jpg", jpeg(1))]), "hm.zip without articles.csv"),
        (lambda path: make_zip(path, catalogue_members()[:4]), "expected pictures in .*hm.zip/images, received none"),
        (lambda path: make_zip(path, [Member("articles.csv", b"a,b\n", crc=1)]), "damaged in its archive"),
        (lambda path: make_zip(path, [Member("articles.csv", b"\xff,b\n")]), "expected a table in UTF-8"),
        (lambda path: make_zip(path, [Member("articles.csv", gzip.compress(b"a,b\n"))]), "compressed once more"),
        (lambda path: make_zip(path, [Member("articles.csv", bytes(2**24))]), "inflates"),
        (lambda path: path.unlink(), "or its zip archive, received .*, which is none"),
    ],
    ids=("stopped", "csv", "holiday", "no_pictures", "damaged", "utf8", "gzip", "bomb", "gone"),
)
def test_a_damaged_or_foreign_archive_is_one_line(change, said, tmp_path):
    path = make_zip(tmp_path / "hm.zip", catalogue_members())
    change(path)
    with pytest.raises(UserError, match=rf"^data\.root: .*{said}") as error:
        read(path, tmp_path)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "cache").exists()


def test_a_folder_of_the_archive_is_a_root_too(tmp_path):
    members = catalogue_members()
    for member in members:
        member.name = f"H&M/{member.name}"
    path = make_zip(tmp_path / "packed.zip", [*members, Member("__MACOSX/H&M/._articles.csv")])
    catalogue = read(path / "H&M", tmp_path)
    assert (catalogue.name, len(catalogue.rows)) == ("H&M", 60)
    with catalogue.source.open(catalogue.rows["image"].iloc[0]) as stream:
        assert stream.read(2) == b"\xff\xd8"
    with pytest.raises(UserError, match=r"expected a folder of .*packed\.zip, received H&N \(did you mean H&M\?\)"):
        read(path / "H&N", tmp_path)


def test_a_folder_of_pictures_a_class(tmp_path):
    names = [f"{split}/{label}/{n}.jpg" for split in ("train", "val") for label in ("a", "b") for n in range(4)]
    members = [Member(name, jpeg(place)) for place, name in enumerate(names)]
    odd = [
        Member("train/a/no_ending", jpeg(99)),
        Member("train/a/notes.txt", b"text"),
        Member("train/empty/", b"", 0),
        Member("train/a/.hidden.jpg", jpeg(1)),
        Member("train/b/Thumbs.db", b"x"),
        Member("__MACOSX/train/a/._1.jpg", b"x"),
    ]
    path = make_zip(tmp_path / "pictures.zip", [*members, *odd])
    (tmp_path / "pictures").mkdir()
    for member in [*members, odd[0], odd[1]]:
        (tmp_path / "pictures" / member.name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pictures" / member.name).write_bytes(member.data)
    words = [f"paths.cache={tmp_path / 'cache'}"]
    both = [prepared(DataModule.from_folder(root, words, image_size=16)) for root in (path, tmp_path / "pictures")]
    assert both[0].digest == both[1].digest
    assert len(both[0].manifest) == 17
    assert both[0].catalogue.warnings == both[1].catalogue.warnings
    assert "1 files are left out: no picture (.txt) (train/a/notes.txt)" in both[0].catalogue.warnings


def test_a_table_beside_the_archive_of_its_pictures(tmp_path):
    members = [Member(f"pics/{place}.jpg", jpeg(place)) for place in range(24)]
    link = Member("pics/link.jpg", b"0.jpg", attributes=LINK)
    path = make_zip(tmp_path / "pictures.zip", [*members, link])
    files = ["pics/link.jpg", "/etc/passwd", "../out.jpg", "pics/none.jpg", "./pics/0.jpg"]
    files += [member.name for member in members[1:]]
    table = pd.DataFrame({"file": files, "kind": ["a", "b"] * 14})
    table.to_csv(tmp_path / "articles.csv", index=False)
    keys = {"image_column": "file", "label": "kind", "root": str(path), "image_size": 16}
    data = DataModule.from_table(tmp_path / "articles.csv", [f"paths.cache={tmp_path / 'cache'}"], **keys)
    prepared(data)
    assert sorted(data.catalogue.rows["image"]) == sorted(files[4:])
    assert data.catalogue.num_missing == 4
    assert data.catalogue.warnings == ("1 files are left out: a link (pics/link.jpg)",)
    assert data.store.num_pictures == 24


def test_the_archive_is_not_touched(tmp_path):
    path = make_zip(tmp_path / "hm.zip", catalogue_members())
    path.chmod(0o444)
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    prepared(hm(path, tmp_path / "cache", "data/merge=none"))
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert sorted(place.name for place in tmp_path.iterdir()) == ["cache", "hm.zip"]
