"""`predict` as a command: a whole catalogue, killed and gone on with, and pictures from anywhere."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def catalogue(cache) -> Path:
    """The sample, as a catalogue on disk."""
    return next((cache / "sample").iterdir())


def test_a_catalogue_from_its_store_and_decoded_is_the_same(promoted, hmexp_in, tmp_path):
    stored = hmexp_in("predict", "data=sample", f"out={tmp_path}/a.parquet", cwd=promoted)
    assert "reading the image store" in stored.stdout
    assert "hmexp-sample version 1" in stored.stdout
    decoded = hmexp_in(
        "predict", "data=sample", "run=latest", "data.max_pixels=1000000", f"out={tmp_path}/b.csv", cwd=promoted
    )
    assert "no image store of this catalogue: decoding" in decoded.stdout
    a, b = pd.read_parquet(tmp_path / "a.parquet"), pd.read_csv(tmp_path / "b.csv", dtype={"article_id": str})
    assert len(a) == 1993
    assert a["article_id"].is_monotonic_increasing
    for name in ("article_id", "label", "predicted", "top_3", "error"):
        assert a[name].fillna("").tolist() == b[name].fillna("").tolist(), name
    for name in ("confidence", "probability", "confidence_3", "label_confidence"):
        np.testing.assert_allclose(a[name], b[name], atol=1e-6)
    assert (a["confidence"] == a["confidence_1"]).all() or a["confidence"].isna().any()
    bad = a[a["error"].notna()]
    assert len(bad) == 2
    assert bad[["predicted", "confidence", "top_1"]].isna().all(axis=None)
    assert set(a["model"]) == {"hmexp-sample version 1"}
    assert a["data_digest"].nunique() == 1
    assert (tmp_path / "a.mislabelled.csv").is_file()
    assert (tmp_path / "a.mislabelled.png").is_file()


def test_killed_and_gone_on_with_is_the_same_bytes(promoted, hmexp_in, start_in, tmp_path):
    words = ("predict", "data=sample", "batch_size=4")
    hmexp_in(*words, f"out={tmp_path}/whole.csv", cwd=promoted)
    parts = tmp_path / "again.csv.parts"
    for least in (1, 6):
        job = start_in(*words, f"out={tmp_path}/again.csv", cwd=promoted)
        job.reach(lambda: len(list(parts.glob("part-*.parquet"))) >= least)  # noqa: B023
        ended = job.ended_by(signal.SIGKILL)
    was_cut = ended.returncode == -signal.SIGKILL and parts.is_dir()
    went_on = hmexp_in(*words, f"out={tmp_path}/again.csv", cwd=promoted)
    assert ("goes on: " in went_on.stdout) is was_cut
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not parts.exists()


def test_the_rest_is_unknown(promoted, hmexp_in, tmp_path):
    said = hmexp_in("predict", "data=sample", "reject=0.6", "top_k=2", f"out={tmp_path}/a.parquet", cwd=promoted).stdout
    table = pd.read_parquet(tmp_path / "a.parquet")
    known = table[table["predicted"].notna() & (table["predicted"] != "unknown")]
    assert 0 < len(known) < len(table)
    assert known["confidence"].min() > table.loc[table["predicted"] == "unknown", "confidence"].max()
    assert (known["predicted"] == known["top_1"]).all()
    assert "top_3" not in table
    assert "of val are above a confidence of" in said


def test_any_pictures(promoted, hmexp_in, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    Image.new("RGB", (300, 200), "red").save(folder / "red.png")
    Image.new("L", (30, 40), 9).save(folder / "grey.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (folder / "notes.txt").write_text("no picture")
    said = hmexp_in("predict", f"source={folder}", f"out={tmp_path}/a.csv", cwd=promoted).stdout
    table = pd.read_csv(tmp_path / "a.csv").set_index("article_id")
    assert list(table.index) == ["broken.jpg", "grey.jpg", "red.png"]
    assert table["error"].notna().tolist() == [True, False, False]
    assert table["label"].isna().all()
    assert "notes.txt" in said
    assert "mislabelled" not in said
    from hmexp.config.record import MlflowTracking, PathsConfig
    from hmexp.tracking.bundles import find_bundle

    assert find_bundle("champion", MlflowTracking(), PathsConfig(root=str(promoted))).version == "1"
    for path in folder.glob("*.*g"):
        path.write_bytes(b"\xff\xd8\xff\xe0 no picture")
    refused = hmexp_in("predict", f"source={folder}", f"out={tmp_path}/b.csv", cwd=promoted, code=1).stderr
    assert "none of 3 pictures can be read; the first: broken.jpg" in refused


def test_a_registered_model_is_evaluated(promoted, hmexp_in):
    said = hmexp_in("evaluate", "run=champion", "against=1", "split=val", cwd=promoted).stdout
    assert "level on macro F1" in said
    assert "received 7" in hmexp_in("evaluate", "run=7", cwd=promoted, code=2).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "data: expected a catalogue"),
        (("data=sample", "out=a.txt"), "out: expected a name that ends in .parquet or .csv"),
        (("data=sample", "run=7"), "run: expected a model of the registry hmexp-sample, received 7"),
        (("data=sample", "run=nothing"), "run: expected a run id"),
        (("data=sample", "top_k=0"), "top_k: expected"),
        (("data=sample", "tracking.model_name=none"), "run: expected a model of the registry none"),
        (("data=sample", "device=gpu"), "device: expected"),
        (("data=sample", "out=/proc/a.csv"), "out: expected a place that can be written to"),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(promoted, hmexp_in, words, said):
    before = sorted(promoted.iterdir())
    refused = hmexp_in("predict", *words, cwd=promoted, code=2)
    assert refused.stderr.startswith(f"hmexp: error: {said}")
    assert refused.stderr.count("\n") == 1
    assert sorted(promoted.iterdir()) == before


def test_a_model_that_was_changed_is_refused(promoted, hmexp_in, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(promoted / "mlruns" / "jobs", root / "jobs")
    [model] = root.rglob("jobs/*/model/model.keras")
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    refused = hmexp_in("predict", "data=sample", f"run={model.parent}", cwd=tmp_path, code=2).stderr
    assert "the file was changed" in refused
    assert refused.count("\n") == 1


def _workers_of(process: int) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(process).children(recursive=True):
        with suppress(psutil.Error):
            found += [child] * ("RayWorker" in " ".join(child.cmdline()))
    return found


def test_over_ray_it_is_the_same_table_though_a_worker_dies(promoted, hmexp_in, cache, tmp_path):
    words = ("predict", "data=sample", "batch_size=6")
    hmexp_in(*words, f"out={tmp_path}/here.csv", cwd=promoted)
    line = [sys.executable, "-m", "hmexp", *words, "runner=ray", f"out={tmp_path}/ray.csv"]
    environment = os.environ | {"HMEXP_CACHE": str(cache)}
    parts, killed = tmp_path / "ray.csv.parts", []
    process = subprocess.Popen(line, cwd=promoted, env=environment, stdout=subprocess.PIPE, text=True)
    while process.poll() is None and not killed:
        if list(parts.glob("part-*.parquet")):
            killed = _workers_of(process.pid)[:1]
            for worker in killed:
                worker.kill()
        time.sleep(0.02)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert killed
    assert "parts over" in said
    assert (tmp_path / "ray.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
