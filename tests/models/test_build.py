"""Networks and their bundle."""

import numpy as np
import pytest

from hmexp.config.errors import UserError
from hmexp.config.model import CnnConfig, ModelConfig, ResnetConfig

pytestmark = pytest.mark.slow
CNN3 = CnnConfig(widths=[16, 32, 64])


@pytest.fixture(scope="module")
def build_model():
    from hmexp.models.build import build_model

    return build_model


def test_cnn3_is_the_references_network(build_model):
    model = build_model(CNN3, 180, 9)
    assert model.count_params() == 3_989_801
    params = [layer.count_params() for layer in model.layers if layer.count_params()]
    assert params == [448, 4_640, 18_496, 3_965_056, 1_161]


@pytest.mark.parametrize(
    "cfg",
    [
        CnnConfig(depth=4, norm="batch", activation="gelu", pooling="average", head="gap", dropout=0.3),
        CnnConfig(widths=[4, 8], kernel=5, norm="layer", dense=0),
        CnnConfig(widths=[4], head="gap", dense=0),
    ],
)
def test_every_option_takes_uint8_and_gives_logits_behind_features(build_model, cfg):
    model = build_model(cfg, 32, 5)
    logits = np.asarray(model(np.zeros((2, 32, 32, 3), np.uint8)))
    assert logits.shape == (2, 5)
    assert logits.dtype == np.float32
    assert len(model.get_layer("features").output.shape) == 2


@pytest.mark.parametrize(
    "cfg", [CnnConfig(input="grey", widths=[4]), ResnetConfig(input="grey", widths=[4], blocks=[1])]
)
def test_a_grey_input_is_the_same_in_other_colours_and_in_another_light(build_model, cfg, tmp_path):
    import keras

    model = build_model(cfg, 16, 3)
    rng = np.random.default_rng(0)
    grey = rng.integers(60, 120, (4, 16, 16, 1))
    shift = rng.integers(-40, 40, (4, 16, 16, 1)) * np.array([1, -1, 0])
    coloured, lighter = (grey + shift).astype(np.uint8), (2 * grey + np.zeros(3, int)).astype(np.uint8)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    seen = keras.Model(loaded.inputs[0], loaded.get_layer("standardise").output)
    expected = (grey - grey.mean((1, 2, 3), keepdims=True)) / grey.std((1, 2, 3), keepdims=True)
    for pictures in (coloured, lighter):
        assert np.asarray(seen(pictures)) == pytest.approx(expected, abs=2e-3)
        assert np.asarray(loaded(pictures)) == pytest.approx(np.asarray(model(pictures)), abs=1e-5)


def test_depth_gives_widths(build_model):
    convolutions = [layer.filters for layer in build_model(CnnConfig(depth=4), 32, 2).layers if "conv" in layer.name]
    assert convolutions == [16, 32, 64, 128]


def test_the_largest_depth_is_named_and_fits(build_model):
    with pytest.raises(UserError, match=r"model\.depth: expected at most 5 blocks for data\.image_size=32, received 6"):
        CnnConfig(depth=6).check_input(32)
    CnnConfig(depth=5).check_input(32)
    assert build_model(CnnConfig(depth=5), 32, 2).count_params() > 0


def test_a_schema_without_builder_says_so(build_model):
    with pytest.raises(TypeError, match="registered"):
        build_model(ModelConfig(), 32, 2)


def test_bundle_round_trip_and_its_hash(build_model, tmp_path):
    from hmexp.models.bundle import Card, load_bundle, save_bundle

    model = build_model(CnnConfig(widths=[4]), 16, 3)
    card = Card(["a", "b", "c"], 16, "stretch", 1.0, {"test/accuracy": 0.5}, "d" * 32, {"keras": "3"})
    save_bundle(model, card, tmp_path / "model")
    loaded, found = load_bundle(tmp_path / "model")
    pictures = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)
    assert np.array_equal(np.asarray(model(pictures)), np.asarray(loaded(pictures)))
    assert found.classes == card.classes
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["card.json", "model.keras"]

    with (tmp_path / "model" / "model.keras").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(UserError, match="SHA-256"):
        load_bundle(tmp_path / "model")


def test_a_residual_network_has_the_blocks_it_was_asked_for():
    from hmexp.models.build import build_model

    cfg = ResnetConfig(widths=[8, 16, 32], blocks=[1, 2, 1], stem="pool", stochastic_depth=0.3, squeeze=True)
    model = build_model(cfg, 48, 5)
    adds = [layer.name for layer in model.layers if layer.name.endswith("_add")]
    assert adds == ["stage1_block1_add", "stage2_block1_add", "stage2_block2_add", "stage3_block1_add"]
    assert cfg.drop_rates == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert model.get_layer("features").output.shape == (None, 32)
    assert model.get_layer("stage3_block1_add").output.shape[1:3] == (3, 3), "48 / 4 / 2 / 2"
    assert model.output.dtype == "float32"


def test_a_block_starts_as_its_shortcut():
    import keras

    from hmexp.models.build import build_model

    model = build_model(ResnetConfig(widths=[8], blocks=[1], activation="relu"), 16, 3)
    tap = keras.Model(
        model.input, [model.get_layer("stem_relu").output, model.get_layer("stage1_block1_2_relu").output]
    )
    before, after = tap(np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.uint8))
    assert np.asarray(after) == pytest.approx(np.asarray(before), abs=1e-6)


def test_a_backbone_has_its_preprocessing_and_loads_its_weights(tmp_path):
    import keras

    from hmexp.config.errors import RunError
    from hmexp.config.pretrained import BackboneConfig
    from hmexp.models.build import build_model

    model = build_model(BackboneConfig(name="MobileNet"), 32, 4)
    assert model.output.shape == (None, 4)
    assert model.get_layer("features").output.shape == (None, 1024)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert np.asarray(loaded(pictures)) == pytest.approx(np.asarray(model(pictures)), abs=1e-5)
    weights = tmp_path / "backbone.weights.h5"
    model.get_layer("backbone").save_weights(weights)
    again = build_model(BackboneConfig(name="MobileNet", weights=str(weights)), 32, 4)
    first, second = (m.get_layer("backbone").get_weights()[0] for m in (model, again))
    assert np.array_equal(first, second)
    with pytest.raises(RunError, match=r"model\.name=MobileNet at data\.image_size=16"):
        build_model(BackboneConfig(name="MobileNet"), 16, 4)


def test_weights_that_cannot_be_downloaded_are_explained(monkeypatch):
    import keras

    from hmexp.config.errors import RunError
    from hmexp.config.pretrained import BackboneConfig
    from hmexp.models.build import build_model

    def no_network(**arguments):
        raise Exception("URL fetch failure on https://...: no network")

    no_network.__module__ = keras.applications.MobileNet.__module__
    monkeypatch.setattr(keras.applications, "MobileNet", no_network)
    with pytest.raises(RunError, match=r"model\.weights=imagenet: .* give model\.weights=FILE, or null"):
        build_model(BackboneConfig(name="MobileNet", weights="imagenet"), 32, 4)


def test_the_list_of_backbones_is_keras_own():
    import keras

    from hmexp.config.pretrained import BACKBONES

    assert {name for name in dir(keras.applications) if name[0].isupper()} == set(BACKBONES)
