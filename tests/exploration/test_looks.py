"""Pictures in numbers: hashes, thumbnails, colours, backgrounds, copies and headers."""

import io
from pathlib import Path

import numpy as np
import pytest
from made_catalogues import shirt
from PIL import Image

from hmexp.catalogue.pictures import DirectoryPictures
from hmexp.exploration.colours import backgrounds, colour_names
from hmexp.exploration.copies import find_copies, groups_of
from hmexp.exploration.headers import read_headers, sizes_of
from hmexp.exploration.looks import Looks, look_at
from hmexp.store import StoreSpec, stage

SIDE = 64


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    shirt((200, 30, 30)).save(folder / "a.png")
    shirt((200, 30, 30)).save(folder / "b_equal.png")
    shirt((200, 30, 30)).resize((160, 240)).save(folder / "c_larger.jpg", quality=70)
    shirt((30, 30, 200)).save(folder / "d_blue.png")
    shirt((200, 30, 30), seed=1).save(folder / "e_other.png")
    shirt((200, 30, 30), (40, 120, 90), seed=2).save(folder / "f_green.png")
    noise = np.random.default_rng(0).integers(0, 256, (12, 8, 3), np.uint8)
    Image.fromarray(noise).resize((80, 120), Image.Resampling.NEAREST).save(folder / "g_busy.png")
    return folder


@pytest.fixture(scope="module")
def source(pictures: Path) -> DirectoryPictures:
    return DirectoryPictures(pictures)


@pytest.fixture(scope="module")
def images(source: DirectoryPictures) -> list[str]:
    return [picture.path for picture in source.list()]


@pytest.fixture(scope="module")
def store(source, images, tmp_path_factory):
    return stage(source, images, StoreSpec(SIDE, "stretch", 10**6), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def looks(store, images) -> Looks:
    return look_at(store, images)


def test_copies_are_the_equal_file_and_the_one_that_was_saved_again(looks, store, images):
    copies = find_copies(looks, store.digests(images), 4)
    assert [part.tolist() for part in groups_of(copies.equal)] == [[0, 1]]
    assert [part.tolist() for part in groups_of(copies.near)] == [[0, 1, 2]], "not the blue one, not another pattern"


def test_a_small_article_of_another_colour_is_no_copy():
    white = np.full((2, 16, 16, 3), 255, np.uint8)
    white[0, 8, 8] = (0, 0, 0)
    white[1, 8, 8] = (230, 150, 160)
    zeros = np.zeros(2, np.float32)
    looks = Looks(("a", "b"), np.zeros(2, np.uint64), white, np.zeros((2, 3)), zeros, np.zeros((2, 3)))
    assert groups_of(find_copies(looks, ["1", "2"], 4).near) == []


def test_a_thousand_blank_pictures_are_one_group_and_near_hashes_are_found():
    rng = np.random.default_rng(0)
    thumbnails = np.full((5000, 16, 16, 3), 200, np.uint8)
    thumbnails[1000:] = rng.integers(0, 256, (4000, 16, 16, 3))
    hashes = rng.integers(0, 2**63, 5000, np.uint64)
    hashes[:1000] = 7
    hashes[4000], thumbnails[4000] = hashes[2000] ^ np.uint64(0b101), thumbnails[2000]
    hashes[4001], thumbnails[4001] = hashes[2001] ^ np.uint64(0b11111), thumbnails[2001]
    none = np.zeros((5000, 3))
    looks = Looks(tuple(map(str, range(5000))), hashes, thumbnails, none, none[:, 0], none)
    groups = groups_of(find_copies(looks, looks.images, 4).near)  # type: ignore[arg-type]
    assert [len(group) for group in groups] == [1000, 2]
    assert groups[1].tolist() == [2000, 4000], "2 bits apart; 5 are too many"


def test_backgrounds_and_colours_have_words(looks, images):
    kinds = dict(zip(images, backgrounds(looks), strict=True))
    assert (kinds["a.png"], kinds["f_green.png"], kinds["g_busy.png"]) == ("white", "coloured", "uneven")
    names = dict(zip(images, colour_names(looks.colour), strict=True))
    assert (names["a.png"], names["d_blue.png"]) == ("red", "blue")


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((20, 20, 25), "black"),
        ((128, 130, 128), "grey"),
        ((250, 250, 248), "white"),
        ((215, 195, 165), "beige"),
        ((110, 70, 40), "brown"),
        ((235, 130, 40), "orange"),
        ((235, 210, 50), "yellow"),
        ((70, 150, 80), "green"),
        ((60, 170, 165), "turquoise"),
        ((40, 60, 140), "blue"),
        ((120, 60, 160), "purple"),
        ((240, 150, 190), "pink"),
    ],
)
def test_a_colour_is_called_as_one_would(colour, name):
    assert colour_names(np.array([colour], np.float32)).tolist() == [name]


def test_headers_have_the_upright_size_and_a_file_that_has_gone_has_no_row(source, images, pictures):
    turned = Image.new("RGB", (90, 30))
    exif = turned.getexif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    turned.save(stream, "JPEG", exif=exif)
    (pictures / "z_turned.jpg").write_bytes(stream.getvalue())
    try:
        headers = read_headers(DirectoryPictures(pictures), [*images, "z_turned.jpg", "gone.jpg"])
    finally:
        (pictures / "z_turned.jpg").unlink()
    assert len(headers) == len(images) + 1
    last = headers.iloc[-1]
    assert (last["width"], last["height"], last["format"]) == (30, 90, "JPEG")
    assert last["bytes"] == len(stream.getvalue())
    assert sizes_of(headers).iloc[0].tolist() == [80, 120, len(images) - 1]
