import io
import os
import pickle
from pathlib import Path

import pytest
from PIL import Image

from hmexp.catalogue import pictures
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
    source = DirectoryPictures(tmp_path / "root")
    assert paths_of(source) == ["a/1.jpg", "b/2.jpg"]
    assert source.left_out() == {
        "a/here": "a link to a folder around it",
        "a/up": "a link to a folder around it",
        "gone.jpg": "a link that leads nowhere",
    }


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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF"])
@pytest.mark.parametrize("name", ["0108775015", "a.dat", "b.txt", "c.heic", "d.avif"])
def test_content_decides_where_the_ending_does_not(tmp_path, kind, name):
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, kind)
    (tmp_path / name).write_bytes(stream.getvalue())
    source = DirectoryPictures(tmp_path)
    assert paths_of(source) == [name]
    assert source.left_out() == {}


@pytest.mark.parametrize("ending", ["jfif", "pjpeg", "jpe", "ppm", "PGM", "pnm", "JFIF"])
def test_rarer_endings_of_pictures(tmp_path, ending):
    write(tmp_path, f"a.{ending}")
    assert paths_of(DirectoryPictures(tmp_path)) == [f"a.{ending}"]


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def test_heic_is_a_picture_where_its_plugin_is(tmp_path, monkeypatch):
    (tmp_path / "a.heic").write_bytes(HEIC)
    (tmp_path / "b").write_bytes(HEIC)
    monkeypatch.setattr(pictures, "HAS_HEIC", False)
    reason = "HEIC, which needs `pip install pillow-heif`"
    source = DirectoryPictures(tmp_path)
    assert paths_of(source) == []
    assert source.left_out() == {"a.heic": reason, "b": reason}
    monkeypatch.setattr(pictures, "HAS_HEIC", True)
    assert paths_of(DirectoryPictures(tmp_path)) == ["a.heic", "b"]


def test_all_that_is_left_out_has_a_reason(tmp_path):
    write(tmp_path, "a/1.jpg", "notes.txt", "a/readme", ".DS_Store", ".git/x", "a/Thumbs.db", "raw.NEF")
    (tmp_path / "empty").touch()
    (tmp_path / "p1.md").write_bytes(b"P1 is urgent, P2 is not")
    (tmp_path / "bm.md").write_bytes(b"BMW and other makers of cars, a list")
    (tmp_path / "new.jxl").write_bytes(b"\xff\x0a" + bytes(20))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    source = DirectoryPictures(tmp_path)
    assert source.left_out() == {
        "a/readme": "no picture (no ending)",
        "bm.md": "no picture (.md)",
        "empty": "an empty file",
        "loop": "a link that leads nowhere",
        "new.jxl": "JPEG XL, which hmexp does not read",
        "notes.txt": "no picture (.txt)",
        "p1.md": "no picture (.md)",
        "pipe": "no file",
        "raw.NEF": "a camera's raw file (.nef)",
    }
    assert paths_of(source) == ["a/1.jpg"]


def test_paths_left_out_are_relative_to_the_root(tmp_path):
    write(tmp_path, "images/1.jpg", "images/b/notes.txt", "other.txt")
    assert DirectoryPictures(tmp_path, "images").left_out() == {"images/b/notes.txt": "no picture (.txt)"}


def test_a_copy_for_another_process_opens_from_anywhere_and_does_not_grow_with_what_was_found(tmp_path, monkeypatch):
    write(tmp_path, *(f"shop/images/{number}.jpg" for number in range(50)))
    monkeypatch.chdir(tmp_path)
    source = DirectoryPictures(Path("shop"), "images")
    before = pickle.dumps(source)
    found = source.list()
    assert pickle.dumps(source) == before
    assert source.folders() == pickle.loads(before).folders()
    monkeypatch.chdir("/")
    copy = pickle.loads(before)
    with copy.open("images/7.jpg") as stream:
        assert stream.read() == b"shop/images/7.jpg"
    assert copy.list() == found
