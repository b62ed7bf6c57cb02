"""Networks and their bundle."""

import numpy as np
import pytest

from hmexp.config.errors import UserError
from hmexp.config.model import CnnConfig, ModelConfig

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
