import os
from pathlib import Path

import pytest

from hmexp.catalogue.pictures import DirectoryPictures


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())


def paths_of(source: DirectoryPictures) -> list[str]:
    return [picture.path for picture in source.list()]


def test_pictures_of_any_depth_and_case_sorted(tmp_path):
    write(tmp_path, "b/2.JPG", "a.png", "b/c/1.jpeg", "b/x.WebP", "b/y.bmp", "b/z.gif", "b/t.tif", "b/u.TIFF")
    write(tmp_path, "notes.txt", ".hidden.jpg", ".git/1.jpg", "b/.x/2.jpg", "jpg")
    expected = ["a.png", "b/2.JPG", "b/c/1.jpeg", "b/t.tif", "b/u.TIFF", "b/x.WebP", "b/y.bmp", "b/z.gif"]
    assert paths_of(DirectoryPictures(tmp_path)) == expected


def test_a_folder_of_the_root(tmp_path):
    write(tmp_path, "images/010/1.jpg", "other/2.jpg")
    source = DirectoryPictures(tmp_path, "images")
    assert paths_of(source) == ["images/010/1.jpg"]
    with source.open("images/010/1.jpg") as stream:
        assert stream.read() == b"images/010/1.jpg"


def test_no_folder_is_no_pictures_until_it_is_there(tmp_path):
    source = DirectoryPictures(tmp_path / "later")
    assert source.list() == []
    write(tmp_path / "later", "1.jpg")
    assert paths_of(source) == ["1.jpg"]


def test_links_are_followed_without_loops(tmp_path):
    write(tmp_path / "root", "a/1.jpg")
    write(tmp_path / "elsewhere", "2.jpg")
    (tmp_path / "root" / "b").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root" / "a" / "up").symlink_to(tmp_path / "root")
    (tmp_path / "root" / "a" / "here").symlink_to(tmp_path / "root" / "a")
    (tmp_path / "root" / "gone.jpg").symlink_to(tmp_path / "nothing")
    assert paths_of(DirectoryPictures(tmp_path / "root")) == ["a/1.jpg", "b/2.jpg"]


def test_names_that_no_table_can_hold_are_left_out(tmp_path, caplog):
    write(tmp_path, "good.jpg")
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    assert paths_of(DirectoryPictures(tmp_path)) == ["good.jpg"]
    assert "not UTF-8" in caplog.text


def test_the_fingerprint_is_of_path_size_and_mtime_and_not_of_the_root(tmp_path):
    for root in ("one", "two"):
        write(tmp_path / root, "a.jpg", "b.jpg")
        for name in ("a.jpg", "b.jpg"):
            os.utime(tmp_path / root / name, ns=(5, 7_000_000_000))
    one = DirectoryPictures(tmp_path / "one").fingerprint(["a.jpg", "b.jpg"])
    assert DirectoryPictures(tmp_path / "two").fingerprint(["b.jpg", "a.jpg"]) == one
    assert DirectoryPictures(tmp_path / "two").fingerprint(["a.jpg"]) != one
    os.utime(tmp_path / "two" / "a.jpg", ns=(5, 8_000_000_000))
    touched = DirectoryPictures(tmp_path / "two").fingerprint(["a.jpg", "b.jpg"])
    (tmp_path / "two" / "a.jpg").write_bytes(b"longer than it was")
    os.utime(tmp_path / "two" / "a.jpg", ns=(5, 7_000_000_000))
    grown = DirectoryPictures(tmp_path / "two").fingerprint(["a.jpg", "b.jpg"])
    assert len({one, touched, grown}) == 3


def test_a_path_that_is_not_there_is_named(tmp_path):
    write(tmp_path, "a.jpg")
    with pytest.raises(ValueError, match=r"received b\.jpg"):
        DirectoryPictures(tmp_path).fingerprint(["a.jpg", "b.jpg"])
