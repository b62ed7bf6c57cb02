"""`embed` and `similar` as commands, on the sample: kept, gone on with, shown; and what is wrong is said in a line."""

import io
import json
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hmexp.recommend.embeddings import read_embeddings

pytestmark = pytest.mark.slow
ARTICLE = "0109013001"


@pytest.fixture(scope="module")
def promoted(promoted, tmp_path_factory) -> Path:
    """A folder of its own with a champion of 24 features."""
    return shutil.copytree(promoted, tmp_path_factory.mktemp("embedded") / "root")


def folder_of(said: str) -> Path:
    return Path(re.findall(r"features each: (\S+)", said)[-1])


@pytest.fixture(scope="module")
def embedded(promoted, hmexp_in) -> Path:
    """The folder of the sample's embeddings by the champion."""
    return folder_of(hmexp_in("embed", "evaluate=true", cwd=promoted).stdout)


def test_a_catalogue_is_embedded_once(embedded, promoted, hmexp_in):
    embeddings = read_embeddings(embedded)
    assert embeddings.vectors.shape == (1991, 24)
    assert embeddings.vectors.dtype == np.float16
    lengths = np.linalg.norm(embeddings.vectors.astype(np.float32), axis=1)
    assert (np.abs(lengths - 1) < 0.01).mean() > 0.9, "but for pictures without any feature"
    assert embeddings.article_ids == sorted(embeddings.article_ids)
    assert len(embeddings.unreadable) == 2
    assert embeddings.unreadable["reason"].str.len().min() > 0
    before = (embedded / "vectors.npy").stat().st_mtime_ns
    again = hmexp_in("embed", "data=sample", "run=latest", "batch_size=50", cwd=promoted).stdout
    assert folder_of(again) == embedded, "the same model and pictures, whatever they are called"
    assert (embedded / "vectors.npy").stat().st_mtime_ns == before


def test_killed_it_goes_on_and_damaged_it_begins_anew(embedded, promoted, hmexp_in, start_in, tmp_path, cache):
    own = tmp_path / "cache"
    own.mkdir()
    for name in ("sample", "stores"):
        (own / name).symlink_to(cache / name)
    words = ("embed", "batch_size=4", f"paths.cache={own}")
    parts = own / "embeddings" / f"{embedded.name}.parts"
    job = start_in(*words, cwd=promoted)
    job.reach(lambda: len(list(parts.glob("part-*.parquet"))) >= 3)
    was_cut = job.ended_by(signal.SIGKILL).returncode == -signal.SIGKILL and parts.is_dir()
    went_on = hmexp_in(*words, cwd=promoted).stdout
    assert ("goes on: " in went_on) is was_cut
    assert folder_of(went_on) == own / "embeddings" / embedded.name
    assert [path.name for path in (own / "embeddings").iterdir()] == [embedded.name]
    again = read_embeddings(folder_of(went_on))
    assert again.article_ids == read_embeddings(embedded).article_ids
    difference = again.vectors.astype(np.float32) - read_embeddings(embedded).vectors.astype(np.float32)
    assert np.abs(difference).max() < 2e-3, "batches of another length round otherwise"
    (again.folder / "vectors.npy").write_bytes(b"")
    said = hmexp_in("embed", f"paths.cache={own}", cwd=promoted).stdout
    assert "they are computed anew" in said
    np.testing.assert_array_equal(read_embeddings(folder_of(said)).vectors, read_embeddings(embedded).vectors)


def test_retrieval_is_measured_on_products_that_are_new(embedded, promoted):
    table = pd.read_csv(promoted / "retrieval.csv")
    assert set(table["features"]) == {"hmexp-sample version 1", "random", "raw RGB", "standardised grey"}
    assert set(table["metric"]) >= {"variant/recall@1", "variant/hit@12", "variant/map@r", "class/precision@12"}
    assert table["held_out"].unique().tolist() == ["test of hmexp-sample version 1"]
    assert 100 < table["articles"][0] < 300
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    grey = table[table["features"] == "standardised grey"]
    assert (grey["gain"] == 0).all()
    hits = table[table["metric"] == "variant/hit@12"].set_index("features")["value"]
    assert hits["random"] < hits["raw RGB"] < hits["standardised grey"]


def test_similar_articles_as_json_and_as_a_sheet(embedded, promoted, hmexp_in, tmp_path):
    words = ("similar", f"article_id={ARTICLE}", f"out={tmp_path}/a.png", "format=json")
    found = pd.DataFrame(json.loads(hmexp_in(*words, cwd=promoted).stdout))
    assert list(found.columns) == ["rank", "article_id", "score", "class", "name", "image"]
    assert len(found) == 12
    assert ARTICLE not in set(found["article_id"])
    assert found["score"].is_monotonic_decreasing
    assert Image.open(tmp_path / "a.png").width > 1000
    embeddings = read_embeddings(embedded)
    vectors = embeddings.vectors.astype(np.float32)
    scores = vectors @ vectors[embeddings.article_ids.index(ARTICLE)]
    assert found["score"].iloc[0] == pytest.approx(np.sort(scores)[-2], abs=1e-2)
    both = hmexp_in(*words[:-1], "format=csv", "k=40", "same_class=true", "exclude_variants=true", cwd=promoted).stdout
    rows = pd.read_csv(io.StringIO(both), dtype={"article_id": str})
    assert len(rows) == 40
    assert rows["class"].nunique() == 1
    assert not rows["article_id"].str.startswith(ARTICLE[:7]).any()


def test_a_picture_of_the_catalogue_finds_its_article(embedded, promoted, hmexp_in, sample, tmp_path):
    image = sample / "images" / ARTICLE[:3] / f"{ARTICLE}.jpg"
    said = hmexp_in("similar", f"image={image}", "k=2", f"out={tmp_path}/b.png", cwd=promoted).stdout
    assert ARTICLE in said
    assert f"like {ARTICLE}.jpg" in said
    assert (tmp_path / "b.png").is_file()


def test_a_network_from_a_file_embeds_without_a_training(promoted, hmexp_in, tmp_path):
    [model] = promoted.glob("mlruns/jobs/*/model/model.keras")
    words = ("data=sample", "data.image_size=16", "model=saved", f"model.file={model}", "out=null")
    said = hmexp_in("similar", *words, f"article_id={ARTICLE}", cwd=promoted).stdout
    assert "embedded by model.keras" in said
    refused = hmexp_in("similar", *words, f"image={model}", cwd=promoted, code=2).stderr
    assert refused.startswith("hmexp: error: image: expected a picture that can be read")


def test_wrong_input_is_one_line_and_writes_nothing(embedded, promoted, hmexp_in):
    [model] = promoted.glob("mlruns/jobs/*/model")
    shutil.copytree(model, promoted / "bundle")
    before = sorted(promoted.iterdir())
    for words, said in {
        ("embed", "evaluate=true", "against=[9]"): "against: expected a model of the registry hmexp-sample, received 9",
        ("embed", "run=bundle"): "data: expected a catalogue (data=hm data.root=...), received none: the run of",
        ("similar", "article_id=0109013009"): "article_id: expected one of 1,993 articles, received 0109013009 (did",
        (
            "similar",
            "article_id=1",
            "out=no/a.png",
        ): "out: expected a file in a folder that is there",
        ("similar", "image=nothing.jpg"): "image: expected a file with a picture, received nothing.jpg",
    }.items():
        refused = hmexp_in(*words, cwd=promoted, code=2)
        assert refused.stderr.startswith(f"hmexp: error: {said}")
        assert refused.stderr.count("\n") == 1
        assert sorted(promoted.iterdir()) == before
