"""Features of a store's pictures: computed once, gone on with after a kill, noticed where they were changed."""

import os

import numpy as np
import pytest
from PIL import Image

from hmexp.catalogue.pictures import DirectoryPictures
from hmexp.cleaning.stores import find_stores
from hmexp.store import FeatureJob, StoreSpec, feature_build, stage, stored_features
from hmexp.store.feature_build import JOURNAL

NUM = 21


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(NUM):
        Image.new("RGB", (4, 4), (number, 2 * number, 3 * number)).save(folder / f"{number:02}.png")
    source = DirectoryPictures(folder)
    return stage(source, [picture.path for picture in source.list()], StoreSpec(4, "stretch", 10**6), folder / "cache")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(feature_build, "BATCH", 2)
    monkeypatch.setattr(feature_build, "PIECE", 4)


class Means:
    """Mean of each channel; stops where a power cut would."""

    def __init__(self, until: int = NUM) -> None:
        self.seen, self.until = 0, until

    def __call__(self, pixels):
        if self.seen >= self.until:
            raise KeyboardInterrupt
        self.seen += len(pixels)
        return pixels.mean((1, 2)).astype(np.float32)


def features(pictures, cache, compute, network="net"):
    return stored_features(FeatureJob(pictures, network, 3, compute), cache)


def test_rows_are_the_image_stores(pictures, tmp_path):
    store = features(pictures, tmp_path, Means())
    chosen = np.array([20, 0, 7])
    assert store.read(chosen) == pytest.approx(pictures.read(chosen).mean((1, 2)))
    assert store.read(chosen).dtype == np.float32
    assert list(store.rows(["07.png", "20.png"])) == [7, 20]
    assert np.load(store.path / "features.npy").shape == (NUM, 3)
    with pytest.raises(IndexError, match=f"from 0 to {NUM - 1}, received {NUM}"):
        store.read(np.array([NUM]))


def test_they_are_computed_once_for_a_network(pictures, tmp_path):
    first, again, other = Means(), Means(), Means()
    path = features(pictures, tmp_path, first).path
    assert features(pictures, tmp_path, again).path == path
    assert features(pictures, tmp_path, other, "another").path != path
    assert (first.seen, again.seen, other.seen) == (NUM, 0, NUM)


@pytest.mark.parametrize("torn", [b"", b"9", b"999\n"])
def test_a_build_that_was_killed_goes_on(pictures, tmp_path, torn):
    killed, rest = Means(until=10), Means()
    with pytest.raises(KeyboardInterrupt):
        features(pictures, tmp_path, killed)
    (partial,) = tmp_path.glob("features/*.partial")
    with (partial / JOURNAL).open("ab") as journal:
        journal.write(torn)
    store = features(pictures, tmp_path, rest)
    assert rest.seen == NUM - 8, "two pieces of four were whole"
    whole = features(pictures, tmp_path / "other", Means()).path
    assert (store.path / "features.npy").read_bytes() == (whole / "features.npy").read_bytes()
    assert not partial.exists()


def test_changed_features_are_computed_anew_and_copied_ones_are_not(pictures, tmp_path):
    path = features(pictures, tmp_path, Means()).path
    os.utime(path / "features.npy", (1, 1))
    copied, changed = Means(), Means()
    features(pictures, tmp_path, copied)
    with (path / "features.npy").open("r+b") as file:
        file.seek(200)
        file.write(b"\xff")
    features(pictures, tmp_path, changed)
    assert (copied.seen, changed.seen) == (0, NUM)


def test_clean_takes_them_as_it_takes_stores(pictures, tmp_path):
    from hmexp.cleaning.items import DAY, Age

    path = features(pictures, tmp_path, Means()).path
    with pytest.raises(KeyboardInterrupt):
        features(pictures, tmp_path, Means(until=4), "killed")

    def found(used=(), days=7.0):
        later = Age(7.0, now=Age(7.0).now + days * DAY + 60)
        return {item.path.name: item.stays for item in find_stores(tmp_path, used, later, named=True)}

    assert found() == {path.name: "", next(tmp_path.glob("features/*.partial")).name: ""}
    assert found(used={path.name})[path.name] == "a run here uses it"
    assert found(days=3)[path.name].startswith("changed or used within")
    held = features(pictures, tmp_path, Means())
    assert path.name not in found(), "somebody reads it"
    del held
