"""A trained model in every format: a picture classified by each in a process that has that runtime alone."""

import json
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow
CHECKOUT = Path(__file__).resolve().parents[2]
TRAINING = ("model=cnn", "model.widths=[8]", "data.image_size=24", "trainer.epochs=3", "tracking.system_metrics=false")
RUNTIMES = {
    "savedmodel": "tensorflow",
    "onnx": "onnxruntime",
    "litert": "ai_edge_litert",
    "litert_fp16": "ai_edge_litert",
    "litert_int8": "ai_edge_litert",
}
OTHERS = ("hmexp", "keras", "tensorflow", "onnx", "tf2onnx", "onnxruntime", "ai_edge_litert", "mlflow", "jax", "torch")
BLOCKER = """
import sys
from importlib.machinery import ModuleSpec
class Blocker:  # a spec, as TensorFlow looks for Keras's without importing it
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name in {blocked!r} else None
    def create_module(self, spec):
        raise ModuleNotFoundError(f"blocked: {{spec.name}}", name=spec.name)
    def exec_module(self, module):
        pass
sys.meta_path.insert(0, Blocker())
"""


@pytest.fixture(scope="module")
def root(hmexp_in, made_once) -> Path:
    """A folder with a champion that was exported in every format."""

    def make(folder: Path) -> None:
        hmexp_in(*TRAINING, cwd=folder)
        hmexp_in("promote", cwd=folder)
        hmexp_in("export", cwd=folder)

    return made_once("exported", make)


@pytest.fixture(scope="module")
def exports(root) -> Path:
    return root / "mlruns" / "exports" / "hmexp-sample-version-1"


@pytest.fixture(scope="module")
def picture(sample, tmp_path_factory) -> Path:
    """A picture of the sample, upright and without the shortcuts of JPEG, under the name that the document has."""
    path = tmp_path_factory.mktemp("picture") / "picture.jpg"
    with Image.open(sorted(sample.glob("images/*/*.jpg"))[10]) as image:
        image.convert("RGB").resize((301, 217)).save(path, "PNG")
    return path


@pytest.fixture(scope="module")
def expected(root, picture):
    import hmexp

    return hmexp.load("champion", root=root).predict([picture])


def snippet(name: str) -> str:
    """The lines of docs/export.md for a format."""
    text = (CHECKOUT / "docs" / "export.md").read_text(encoding="utf-8")
    kind = name.partition("_")[0]
    [lines] = re.findall(rf'```python title="{kind}"\n(.*?)```', text, re.DOTALL)
    return lines.replace("litert/", f"{name}/")


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_picture_is_classified_with_one_runtime_alone(name, exports, picture, expected, tmp_path):
    shutil.copytree(exports / name, tmp_path / name)
    shutil.copy(picture, tmp_path)
    blocked = tuple(module for module in OTHERS if module != RUNTIMES[name])
    tell = "\nimport json\nprint(json.dumps([label, probabilities.tolist()]))"
    script = BLOCKER.format(blocked=blocked) + snippet(name) + tell
    done = subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    label, probabilities = json.loads(done.stdout.splitlines()[-1])
    far = np.abs(np.array(probabilities) - expected.probabilities[0]).max()
    assert far < (0.05 if name == "litert_int8" else 5e-3)
    assert abs(sum(probabilities) - 1) < 1e-5
    if name != "litert_int8":
        assert label == expected.classes[0]


def test_the_blocker_blocks(tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", "-c", BLOCKER.format(blocked=("keras",)) + "import keras"],
        capture_output=True,
        text=True,
    )
    assert "blocked: keras" in done.stderr


def test_names_of_classes_are_in_the_files(root, exports):
    import onnx

    [card_path] = root.glob("mlruns/jobs/*/model/card.json")
    classes = json.loads(card_path.read_text())["classes"]
    properties = {item.key: item.value for item in onnx.load(exports / "onnx" / "model.onnx").metadata_props}
    assert json.loads(properties["classes"]) == classes
    assert (exports / "litert_int8" / "labels.txt").read_text(encoding="utf-8").splitlines() == classes
    digest = sha256((card_path.parent / "model.keras").read_bytes()).hexdigest()
    for name in RUNTIMES:
        record = json.loads((exports / name / "export.json").read_text(encoding="utf-8"))
        assert (record["classes"], record["source"]["sha256"]) == (classes, digest)


def test_batches_and_every_size_are_taken(exports):
    from hmexp.inference.formats import FORMATS

    rng = np.random.default_rng(0)
    for name in ("onnx", "litert_int8"):
        run = FORMATS[name].open(exports / name)
        for shape in ((3, 24, 24, 3), (2, 100, 7, 3), (1, 1, 1, 3), (3, 24, 24, 3)):
            pictures = rng.integers(0, 256, shape, dtype=np.uint8)
            probabilities = run(pictures)
            assert probabilities.shape == (shape[0], 9)
            np.testing.assert_allclose(probabilities[-1:], run(pictures[-1:]), atol=2e-6)


def test_the_export_is_recorded_on_the_run_it_comes_from(root):
    from hmexp.config.record import MlflowTracking, PathsConfig
    from hmexp.tracking.store import open_store

    client = open_store(MlflowTracking(), PathsConfig(root=str(root)))
    [record] = [json.loads(path.read_text()) for path in root.glob("mlruns/jobs/*/run.json")]
    metrics = client.get_run(record["run_id"]).data.metrics
    for name in RUNTIMES:
        assert metrics[f"export/{name}/agreement"] >= 0.98
        assert metrics[f"export/{name}/size_bytes"] > 0
    assert metrics["export/onnx/difference"] <= 1e-5
    assert metrics["export/litert_int8/size_bytes"] < 0.5 * metrics["export/litert/size_bytes"]
    found = {item.path for item in client.list_artifacts(record["run_id"], "exports")}
    assert found == {"exports/checks.csv", *(f"exports/{name}" for name in RUNTIMES)}


@pytest.mark.parametrize("card_too", [False, True])
def test_a_registered_model_that_was_changed_is_refused(root, hmexp_in, tmp_path, card_too):
    """By its card where the model alone was changed, by MLflow's record where the card was changed with it."""
    [model] = root.rglob("artifacts/**/data/model.keras")
    card = model.parent / "card.json"
    kept = model.read_bytes(), card.read_text()
    try:
        model.write_bytes(kept[0] + b"\0")
        if card_too:
            card.write_text(json.dumps(json.loads(kept[1]) | {"sha256": sha256(model.read_bytes()).hexdigest()}))
        refused = hmexp_in("export", f"out={tmp_path / 'out'}", cwd=root, code=2)
    finally:
        model.write_bytes(kept[0])
        card.write_text(kept[1])
    assert re.fullmatch(r"hmexp: error: .*expected .*SHA-256 \w{64}, received .*\w{64}.*\n", refused.stderr)
    assert not (tmp_path / "out").exists()


def test_a_model_with_code_in_it_is_refused_in_one_line(hmexp_in, tmp_path, picture):
    import keras

    pictures = keras.Input((8, 8, 3), dtype="uint8")
    x = keras.layers.Lambda(lambda x: x)(keras.layers.Rescaling(1 / 255)(pictures))
    (tmp_path / "bundle").mkdir()
    model = tmp_path / "bundle" / "model.keras"
    keras.Model(pictures, keras.layers.Dense(2)(keras.layers.Flatten()(x))).save(model)
    card = {"classes": ["a", "b"], "image_size": 8, "resize": "pad", "temperature": 1, "metrics": {}, "data_digest": ""}
    card |= {"versions": {}, "sha256": sha256(model.read_bytes()).hexdigest()}
    (tmp_path / "bundle" / "card.json").write_text(json.dumps(card))
    refused = hmexp_in("export", "run=bundle", f"pictures={picture.parent}", cwd=tmp_path, code=2)
    assert re.fullmatch(r"hmexp: error: .*safe mode.*\n", refused.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_bundle_without_its_run_needs_pictures(root, hmexp_in, sample, tmp_path):
    [model] = root.glob("mlruns/jobs/*/model")
    shutil.copytree(model, tmp_path / "bundle")
    words = ("export", "run=bundle", "formats=[litert]")
    refused = hmexp_in(*words, cwd=tmp_path, code=2)
    assert "pictures=FOLDER" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    done = hmexp_in(*words, f"pictures={sample / 'images' / '011'}", cwd=tmp_path)
    assert "litert" in done.stdout
    assert (tmp_path / "mlruns" / "exports" / "bundle" / "litert" / "model.tflite").is_file()
