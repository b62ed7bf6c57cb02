from collections.abc import Callable
from pathlib import Path

import pytest
from made_pictures import encoded, photograph

from hmexp.catalogue.pictures import DirectoryPictures
from hmexp.store import StoreSpec


@pytest.fixture
def spec() -> StoreSpec:
    return StoreSpec(image_size=16, resize="stretch", max_pixels=10_000)


@pytest.fixture
def make_catalogue() -> Callable[[Path, int], DirectoryPictures]:
    def make(root: Path, num: int) -> DirectoryPictures:
        for i in range(num):
            path = root / f"{i % 3:03d}" / f"{i:05d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded(photograph(40, 60, i)))
        return DirectoryPictures(root)

    return make


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmexp.store.layout.CHUNK_PICTURES", 5)
