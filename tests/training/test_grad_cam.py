"""Heat maps lie where the evidence is, in every kind of network."""

from functools import partial

import numpy as np
import pytest

from hmexp.config.model import CnnConfig, ResnetConfig
from hmexp.config.pretrained import BackboneConfig

pytestmark = pytest.mark.slow
SIZE = 32
CNN = CnnConfig(widths=[4, 8])
NETWORKS = [
    CNN,
    CnnConfig(widths=[4, 8], head="gap", dense=0, norm="batch", dropout=0.5),
    ResnetConfig(widths=[8, 16], blocks=[1], squeeze=True),
    BackboneConfig(name="MobileNetV2"),
]


@pytest.fixture(scope="module")
def build_model():
    from hmexp.models.build import build_model

    return build_model


@pytest.fixture(scope="module")
def grad_cam():
    from hmexp.training.backends import backend_named
    from hmexp.training.grad_cam import grad_cam

    return partial(grad_cam, backend=backend_named("tensorflow"))


def logits_of(model, pictures):
    import keras

    return keras.ops.convert_to_numpy(model(pictures, training=False))


def bright_patch(row, column):
    """Black but for a white patch of 8 x 8 pixels."""
    pictures = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    pictures[0, row : row + 8, column : column + 8] = 255
    return pictures


def brightness_model(build_model):
    """A real network whose logit 1 is the mean brightness of the picture and whose other logits are 0."""
    model = build_model(CnnConfig(widths=[4], head="gap", dense=0), SIZE, 3)
    for layer in model.layers:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    kernel, bias = model.get_layer("block1_conv").get_weights()
    kernel[1, 1, :, 0] = 1 / 3
    model.get_layer("block1_conv").set_weights([kernel, bias])
    kernel, bias = model.get_layer("logits").get_weights()
    kernel[0, 1] = 1.0
    model.get_layer("logits").set_weights([kernel, bias])
    return model


@pytest.mark.parametrize(("row", "column"), [(0, 0), (20, 4), (12, 24)])
def test_a_model_that_sees_brightness_lights_up_on_the_bright_patch(build_model, grad_cam, row, column):
    pictures = bright_patch(row, column)
    heats = grad_cam(brightness_model(build_model), pictures, np.array([1]))
    assert heats.shape == (1, SIZE, SIZE)
    assert heats.dtype == np.float32
    on_patch = pictures[0, :, :, 0] > 0
    assert heats[0][on_patch].min() > 0.5
    assert heats[0][on_patch].sum() > 0.75 * heats.sum()
    assert heats.max() == 1.0


def test_a_class_that_nothing_speaks_for_stays_dark(build_model, grad_cam):
    assert not grad_cam(brightness_model(build_model), bright_patch(0, 0), np.array([0])).any()


def test_each_picture_is_asked_about_its_own_class(build_model, grad_cam):
    model = brightness_model(build_model)
    pictures = np.concatenate([bright_patch(0, 0), bright_patch(20, 20), bright_patch(20, 20)])
    heats = grad_cam(model, pictures, np.array([1, 0, 1]))
    assert heats[0].argmax() < SIZE * SIZE / 2 < heats[2].argmax()
    assert not heats[1].any()


@pytest.mark.parametrize("cfg", NETWORKS, ids=lambda cfg: type(cfg).__name__)
def test_every_kind_of_network_gives_maps_and_stays_as_it_was(build_model, grad_cam, cfg):
    model = build_model(cfg, 64, 3)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    before, nodes = logits_of(model, pictures), [len(layer._inbound_nodes) for layer in model.layers]
    heats = grad_cam(model, pictures, np.array([0, 1, 2]))
    assert heats.shape == (3, 64, 64)
    assert heats.min() >= 0
    assert set(heats.max(axis=(1, 2)).tolist()) <= {0.0, 1.0}
    assert [len(layer._inbound_nodes) for layer in model.layers] == nodes
    assert np.array_equal(logits_of(model, pictures), before)


@pytest.mark.parametrize("cfg", NETWORKS[:3], ids=lambda cfg: type(cfg).__name__)
def test_the_two_halves_are_the_whole_in_float32_under_a_mixed_policy(build_model, cfg):
    import keras

    from hmexp.training import grad_cam

    plain = build_model(cfg, SIZE, 3)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = build_model(cfg, SIZE, 3)
        mixed.set_weights(plain.get_weights())
        halves = grad_cam._split(grad_cam._in_float32(mixed))
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy(before)
    pictures = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    maps = halves.body([keras.ops.convert_to_tensor(pictures)])
    assert keras.backend.standardize_dtype(maps.dtype) == "float32"
    assert keras.ops.convert_to_numpy(halves.head(maps)) == pytest.approx(logits_of(plain, pictures), abs=1e-5)


def test_weights_are_the_mean_gradient_of_the_logit(build_model, grad_cam):
    """By finite differences: one channel is raised everywhere at once."""
    import keras

    from hmexp.training import grad_cam as module

    model = build_model(CnnConfig(widths=[3], head="flatten", dense=0), 8, 2)
    rng = np.random.default_rng(0)
    # Positive weights, so that some place speaks for the class.
    model.set_weights([rng.uniform(size=weight.shape) for weight in model.get_weights()])
    pictures = rng.integers(0, 256, (1, 8, 8, 3), np.uint8)
    halves = module._split(model)
    maps = keras.ops.convert_to_numpy(halves.body([keras.ops.convert_to_tensor(pictures)]))

    def logit(values):
        return float(keras.ops.convert_to_numpy(halves.head(keras.ops.convert_to_tensor(values)))[0, 1])

    weights = [logit(maps + np.eye(3, dtype=np.float32)[channel]) - logit(maps) for channel in range(3)]
    heat = np.maximum((maps[0] * np.array(weights)).sum(axis=-1), 0)
    found = grad_cam(model, pictures, np.array([1]))[0]
    large = resized(heat)
    assert large.max() > 1.1 * large.min() > 0
    assert found == pytest.approx(large / large.max(), abs=1e-3)


def resized(heat):
    """Bilinear, half-pixel centres, by hand."""
    places = np.clip((np.arange(8) + 0.5) / 2 - 0.5, 0, 3)
    low = np.floor(places).astype(int)
    share, high = places - low, np.minimum(low + 1, 3)
    rows = heat[low] * (1 - share)[:, None] + heat[high] * share[:, None]
    return rows[:, low] * (1 - share) + rows[:, high] * share


def test_more_pictures_than_a_batch_and_none(build_model, grad_cam):
    model = brightness_model(build_model)
    pictures = np.concatenate([bright_patch(number % 24, 8) for number in range(40)])
    heats = grad_cam(model, pictures, np.ones(40, np.int64))
    assert np.array_equal(heats[39:], grad_cam(model, pictures[39:], np.array([1])))
    assert grad_cam(model, pictures[:0], np.zeros(0, np.int64)).shape == (0, SIZE, SIZE)


def test_maps_of_one_place_are_passed_over_for_wider_ones(build_model):
    from hmexp.training import grad_cam

    model = build_model(CnnConfig(depth=5), SIZE, 2)
    assert model.get_layer("block5_pool").output.shape[1:3] == (1, 1)
    assert grad_cam._split(model).body.outputs[0].shape[1:3] == (2, 2)


def test_a_model_without_feature_maps_is_an_error(grad_cam):
    import keras

    pictures = keras.Input((8, 8, 3), dtype="uint8", name="pictures")
    flat = keras.layers.Flatten(name="flat")(pictures)
    model = keras.Model(pictures, keras.layers.Dense(2, name="logits")(flat))
    with pytest.raises(ValueError, match=r"\[batch, rows, columns, channels\], received pictures, flat, logits"):
        grad_cam(model, np.zeros((1, 8, 8, 3), np.uint8), np.zeros(1, np.int64))


def test_every_picture_needs_a_target(build_model, grad_cam):
    with pytest.raises(ValueError, match="for each of 1 pictures, received 2"):
        grad_cam(brightness_model(build_model), bright_patch(0, 0), np.array([1, 1]))
