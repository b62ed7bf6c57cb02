"""Real runs: the failed one goes with all that is its own, the champion stays to the last byte, and works."""

import json
from pathlib import Path

import numpy as np
import pytest
from made_folders import EVERYTHING, tree
from PIL import Image

pytestmark = pytest.mark.slow
QUICK = ("data=folder", "data.image_size=8", "model=cnn", "model.widths=[4]", "trainer.epochs=1", "name=it's mine")


@pytest.fixture
def pictures(tmp_path) -> Path:
    draw = np.random.default_rng(0)
    for label in ("dark", "light"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(30):
            pixels = draw.integers(0, 128, (8, 8, 3)) + (128 if label == "light" else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "pictures" / label / f"{number}.png")
    return tmp_path / "pictures"


def test_what_failed_goes_and_the_champion_stays(hmexp, tmp_path, pictures):
    cache = tmp_path / "cache"
    words = (*QUICK, f"data.root={pictures}", "tracking.system_metrics=false")
    hmexp(*words, cache=cache)
    hmexp("promote", cache=cache)
    hmexp(*words, "optimizer.learning_rate=1e15", cache=cache, code=1)
    hmexp("stage", "data=folder", f"data.root={pictures}", "data.image_size=16", cache=cache)
    jobs = {json.loads(path.read_text())["status"]: path.parent for path in tmp_path.glob("mlruns/jobs/*/run.json")}
    failed = json.loads((jobs["FAILED"] / "run.json").read_text())["run_id"]
    champion, artifacts = jobs["FINISHED"], tmp_path / "mlruns" / "artifacts"
    before = tree(champion), {path: held for path, held in tree(artifacts).items() if not path.startswith(failed)}
    everything = [
        f"{key}=[{','.join(value)}]" if isinstance(value, list) else f"{key}={value}"
        for key, value in EVERYTHING.items()
    ]
    said = hmexp("clean", *everything, "yes=true", cache=cache).stdout
    assert "removed 1 run, 1 store: " in said
    assert "mlflow gc" in said
    assert [path.name for path in (tmp_path / "mlruns" / "jobs").iterdir()] == [champion.name]
    assert (tree(champion), tree(artifacts)) == before
    assert {path.name for path in (cache / "stores").iterdir() if path.is_dir()} == {
        json.loads((champion / "run.json").read_text())["store"]
    }
    assert failed[:8] not in hmexp("runs", cache=cache).stdout
    assert "fits 0 runs" in hmexp(f"resume={failed}", cache=cache, code=2).stderr
    hmexp("predict", f"source={pictures}", "out=out.csv", cache=cache)
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 61
    hmexp(f"fork={champion}", *words, "trainer.epochs=2", cache=cache)
