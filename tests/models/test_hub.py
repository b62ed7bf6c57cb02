"""Presets of keras-hub, saved to a folder here, as backbones."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from hmexp.config.errors import RunError, UserError
from hmexp.config.pretrained import HubConfig
from hmexp.models.pinned import pinned

pytestmark = pytest.mark.slow
SIZE = 16
SMALL = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "image_shape": (SIZE, SIZE, 3)}
MEANS = {"scale": [1 / 58, 1 / 57, 1 / 56], "offset": [-2.1, -2.0, -1.8]}


@pytest.fixture(scope="module")
def hub():
    return pytest.importorskip("keras_hub")


@pytest.fixture(scope="module")
def presets(hub, tmp_path_factory):
    """Name -> folder, as keras-hub's own tools leave it."""
    models, layers = hub.models, hub.layers
    place = {"position_embedding_shape": (SIZE, SIZE, 3), "intermediate_dim": 16}
    made = {
        "vit": (models.ViTBackbone(patch_size=8, mlp_dim=16, **SMALL), layers.ViTImageConverter),
        "dinov2": (models.DINOV2Backbone(patch_size=8, **place, **SMALL), layers.DINOV2ImageConverter),
        "resnet": (
            models.ResNetBackbone([64], [3], [64], [1], [1], "basic_block", image_shape=(None, None, 3)),
            layers.ResNetImageConverter,
        ),
    }
    folders = {}
    for name, (backbone, converter) in made.items():
        folders[name] = str(tmp_path_factory.mktemp(name))
        backbone.save_to_preset(folders[name])
        converter(image_size=(SIZE, SIZE), **MEANS).save_to_preset(folders[name])
    return folders


def built(preset, size=SIZE):
    from hmexp.models.build import build_model

    return build_model(HubConfig(preset=preset), size, 3)


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3)).astype(np.uint8)


@pytest.mark.parametrize(("name", "width"), [("vit", 8), ("dinov2", 8), ("resnet", 64)])
def test_a_preset_gives_its_features_for_pixels_that_it_has_scaled(hub, presets, pictures, tmp_path, name, width):
    import keras

    model = built(presets[name])
    converted = hub.layers.ImageConverter.from_preset(presets[name])(pictures.astype(np.float32))
    backbone = hub.models.Backbone.from_preset(presets[name])
    theirs = np.asarray(backbone({"images": converted} if name == "dinov2" else converted))
    wanted = theirs.mean((1, 2)) if name == "resnet" else theirs[:, 0]
    features = keras.Model(model.input, model.get_layer("features").output)(pictures)
    assert np.asarray(features) == pytest.approx(wanted, abs=1e-4)
    assert features.shape == (2, width)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert np.asarray(loaded(pictures)) == pytest.approx(np.asarray(model(pictures)), abs=1e-5)


def test_a_transformer_without_maps_has_no_heat_and_a_convolutional_one_has(presets, pictures):
    from hmexp.training.backends import backend_named
    from hmexp.training.grad_cam import grad_cam

    targets, backend = np.zeros(2, np.int64), backend_named("tensorflow")
    assert grad_cam(built(presets["resnet"]), pictures, targets, backend).shape == (2, SIZE, SIZE)
    with pytest.raises(ValueError, match="expected a model with a layer of output"):
        grad_cam(built(presets["vit"]), pictures, targets, backend)


def test_other_sizes_where_the_backbone_can(presets):
    assert built(presets["resnet"], 24).input_shape == (None, 24, 24, 3)
    assert built(presets["dinov2"], 24).input_shape == (None, 24, 24, 3)
    with pytest.raises(UserError, match=r"data\.image_size: expected 16, as vit\d* takes it, received 24"):
        built(presets["vit"], 24)


def test_what_is_no_preset_is_a_line(hub, presets, tmp_path):
    bare = tmp_path / "bare"
    hub.models.Backbone.from_preset(presets["resnet"]).save_to_preset(str(bare))
    (tmp_path / "empty").mkdir()
    for preset, kind, words in (
        ("vit_base_patch16_224_imagent", UserError, "did you mean vit_base_patch16_224_imagenet"),
        ("vit_base_patch16_224_imagenet", RunError, "a preset in keras-hub's cache or a network to download it"),
        (str(tmp_path / "empty"), UserError, "the folder of a preset, as save_to_preset writes it"),
        (str(bare), UserError, "with an image converter"),
    ):
        with pytest.raises(kind, match=rf"model\.preset: expected .*{words}") as caught:
            built(preset)
        assert "\n" not in str(caught.value)


def test_a_folder_is_known_by_its_hash(presets, tmp_path):
    cfg = pinned(HubConfig(preset=presets["vit"]), tmp_path)
    assert pinned(cfg, tmp_path) == cfg
    assert len(cfg.sha256) == 64
    with pytest.raises(UserError, match=r"model\.preset: expected .* with SHA-256 000, received .*it was changed"):
        pinned(replace(cfg, sha256="000"), tmp_path)


def test_a_bundle_where_keras_hub_is_not_installed_is_a_line(presets, tmp_path):
    from hmexp.models.bundle import Card, load_bundle, save_bundle

    save_bundle(built(presets["vit"]), Card(["a", "b", "c"], SIZE, "stretch", 1.0, {}, "", {}), tmp_path / "model")
    assert load_bundle(tmp_path / "model")[0].output_shape == (None, 3)
    code = (
        "import sys; sys.modules['keras_hub'] = None\n"
        "from pathlib import Path; from hmexp.models.bundle import load_bundle\n"
        f"load_bundle(Path({str(tmp_path / 'model')!r}))"
    )
    without = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "layers of keras-hub, which is not installed (pip install 'hmexp[hub]')" in without.stderr.splitlines()[-1]


def test_its_features_are_known_by_its_weights(presets):
    from hmexp.models.features import digest_of, feature_model

    digests = [digest_of(feature_model(built(presets[name]))) for name in ("vit", "vit", "resnet")]
    assert digests[0] == digests[1] != digests[2]


def test_keras_hub_is_asked_for_before_anything_is_done(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"model: expected keras-hub for model=hub \(pip install 'hmexp\[hub\]'\)"):
        HubConfig(preset="anything").check_input(SIZE)
