"""Networks in files as backbones: what is taken of them, what is refused, and which file it was."""

from pathlib import Path

import numpy as np
import pytest
from made_networks import small_network

from hmexp.config.errors import UserError
from hmexp.config.pretrained import BackboneConfig
from hmexp.models.bundle import sha256
from hmexp.models.pinned import from_cache, pinned

pytestmark = pytest.mark.slow


def saved(folder, network, name="small.keras"):
    network.save(folder / name)
    return folder / name


def taken(network):
    from hmexp.models.headless import headless

    return headless(network)


def test_a_classifier_is_cut_off_and_a_network_without_one_stays_whole():
    with_head, without = taken(small_network()), taken(small_network(head=False))
    assert with_head.words == "feature maps [batch, any, any, 8] of maps, without its head of 45 parameters"
    assert without.words == "feature maps [batch, any, any, 8] of maps"
    assert with_head.network.count_params() == without.network.count_params()


def test_heads_of_other_kinds():
    import keras
    from keras import layers

    inner = keras.applications.MobileNet(weights=None, input_shape=(32, 32, 3), alpha=0.25)
    nested = keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 127.5, -1), inner])
    assert taken(nested).network.output_shape == (None, 1, 1, 256), "a head inside a network inside"
    assert taken(nested).network.layers[1].scale == 1 / 127.5
    perceptron = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(16), layers.Dense(3)])
    assert taken(perceptron).network.output_shape == (None, 16), "not the pixels before it"
    pictures = keras.Input((8, 8, 3))
    tokens = layers.LayerNormalization()(layers.Reshape((4, 6))(layers.Conv2D(6, 4, 4)(pictures)))
    of_class_token = keras.Model(pictures, layers.Dense(7)(tokens[:, 0]))
    of_all = keras.Model(pictures, layers.Dense(7)(layers.GlobalAveragePooling1D()(tokens)))
    assert taken(of_class_token).network.output_shape == (None, 6)
    assert taken(of_all).network.output_shape == (None, 4, 6)


def test_networks_without_features_are_named():
    import keras
    from keras import layers

    from hmexp.models.headless import NoFeaturesError

    pictures = keras.Input((8, 8, 3))
    for network, words in (
        (keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(3)]), "learned nothing before"),
        (keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3)]), r"takes \[batch, 8, 8, 1\]"),
        (keras.Sequential([keras.Input((8,)), layers.Dense(3)]), r"takes \[batch, 8\]"),
        (keras.Model(pictures, [layers.Conv2D(2, 3)(pictures), layers.Conv2D(2, 3)(pictures)]), "1 inputs and 2"),
    ):
        with pytest.raises(NoFeaturesError, match=words):
            taken(network)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int32"])
def test_the_network_sees_what_it_was_trained_with(tmp_path, dtype):
    from hmexp.models.build import build_model

    network = small_network(head=False, dtype=dtype)
    model = build_model(BackboneConfig(name=str(saved(tmp_path, network)), dense=6), 16, 3)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    backbone = model.get_layer("backbone")
    maps = np.asarray(network(pictures.astype(dtype)))
    assert np.asarray(backbone(pictures.astype(dtype))) == pytest.approx(maps, abs=1e-6)
    import keras

    features = keras.Model(model.input, model.get_layer("features").output)(pictures)
    assert np.asarray(features) == pytest.approx(maps.mean((1, 2)), abs=1e-5)
    assert model.get_layer("hidden").output.shape == (None, 6)
    assert model.output_shape == (None, 3)


def test_a_network_of_float32_computes_as_the_process_does(tmp_path):
    import keras

    from hmexp.models.build import build_model

    path = saved(tmp_path, small_network())
    plain = build_model(BackboneConfig(name=str(path)), 16, 3)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = build_model(BackboneConfig(name=str(path)), 16, 3)
    finally:
        keras.config.set_dtype_policy("float32")
    backbone = mixed.get_layer("backbone")
    formats = {layer.name: layer.compute_dtype for layer in backbone.layers}
    assert formats["conv"] == "bfloat16"
    assert formats["scale"] == "float32", "256 values of a pixel"
    for ours, theirs in zip(backbone.weights, plain.get_layer("backbone").weights, strict=True):
        assert np.array_equal(ours, theirs)


def test_whether_anything_scales_the_pixels():
    from hmexp.models.backbone import scales_pixels

    assert scales_pixels(small_network())
    assert not scales_pixels(small_network(scaled=False))


def test_files_that_hold_no_backbone_are_one_line(tmp_path):
    import keras

    from hmexp.models.build import build_model

    class Unknown(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    pictures = keras.Input((8, 8, 3))
    (tmp_path / "text.keras").write_text("no network")
    whole = saved(tmp_path, small_network(), "whole.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    saved(tmp_path, keras.Model(pictures, keras.layers.Lambda(lambda x: x + 1)(pictures)), "lambda.keras")
    saved(tmp_path, keras.Model(pictures, Unknown()(pictures)), "custom.keras")
    saved(tmp_path, small_network(24), "fixed.keras")
    for name, words in (
        ("text", r"model\.name: expected a network .* received .*text\.keras: one that it refuses"),
        ("cut", "one that it refuses"),
        ("lambda", "one with a Lambda layer, which would run code"),
        ("custom", r"one with Unknown, which is not Keras's own \(plugins"),
        ("fixed", r"data\.image_size: expected 24, as fixed\.keras takes it, received 16"),
    ):
        with pytest.raises(UserError, match=words) as caught:
            build_model(BackboneConfig(name=str(tmp_path / f"{name}.keras")), 16, 3)
        assert "\n" not in str(caught.value)


def test_a_file_is_known_by_its_hash_and_kept(tmp_path):
    cache, path = tmp_path / "cache", saved(tmp_path, small_network())
    cfg = pinned(BackboneConfig(name=str(path)), cache)
    assert cfg.sha256 == sha256(path)
    assert cfg.name == str(path), "the configuration says what the user said"
    kept = from_cache(cfg, cache)
    assert sha256(Path(kept.name)) == cfg.sha256
    saved(tmp_path, small_network(width=4))
    assert pinned(cfg, cache) == cfg, "another file by now: the copy stands for it"
    path.unlink()
    assert pinned(cfg, cache) == cfg
    with pytest.raises(UserError, match=r"model\.name: expected .*small\.keras with SHA-256 .* received no file"):
        pinned(cfg, tmp_path / "other")
    with pytest.raises(UserError, match=r"model\.name: expected .* or a file that is there, received .*small\.keras"):
        pinned(BackboneConfig(name=str(path)), cache)
    saved(tmp_path, small_network(width=4))
    with pytest.raises(UserError, match="it was changed"):
        pinned(cfg, tmp_path / "other")
