"""A small shop, a champion that no training has made, and a server of both in this process."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from made_registry import make_store, promote, register
from served import config_of, running

A_CLASS = 8
"""Articles of each class."""


@pytest.fixture(scope="session")
def shop(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some articles of the sample as a catalogue of their own; one has a picture that cannot be read."""
    root = tmp_path_factory.mktemp("shop")
    articles = pd.read_csv(sample / "articles.csv", dtype=str)
    found = {path.stem: path for path in (sample / "images").rglob("*.jpg") if path.stat().st_size > 1000}
    some = articles[articles["article_id"].isin(list(found))].groupby("product_group_name").head(A_CLASS)
    some.to_csv(root / "articles.csv", index=False)
    for article_id in some["article_id"]:
        target = root / "images" / article_id[:3] / f"{article_id}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found[article_id], target)
    target.write_bytes(target.read_bytes()[:700])
    return root


@pytest.fixture(scope="session")
def classes(shop: Path) -> list[str]:
    """Of the shop."""
    return sorted(pd.read_csv(shop / "articles.csv", dtype=str)["product_group_name"].unique())


@pytest.fixture(scope="session")
def registered(classes: list[str], database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two versions of a model, the first of which is the champion."""
    root = tmp_path_factory.mktemp("served")
    make_store(root, database)
    metrics = {"best/val/accuracy": 0.8, "best/val/macro_f1": 0.75, "test/accuracy": 0.79, "test/macro_f1": 0.74}
    for seed in (1, 2):
        register(root, seed=seed, classes=classes, image_size=32, resize="stretch", metrics=metrics)
    promote(root, "1")
    return root


@pytest.fixture(scope="session")
def service(shop: Path, registered: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A server's service, whose similar articles are ready."""
    cache = tmp_path_factory.mktemp("cache")
    with running(config_of(shop, registered, cache, max_pixels=1_000_000)) as service:
        yield service


@pytest.fixture(scope="session")
def picture(shop: Path) -> bytes:
    """A picture of the shop."""
    return next(iter(sorted((shop / "images").rglob("*.jpg")))).read_bytes()
