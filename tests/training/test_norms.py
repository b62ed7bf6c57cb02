"""Batch norms measured anew: the right numbers, and training goes on as if nothing had happened."""

import numpy as np
import pytest

from hmexp.config.model import ResnetConfig

pytestmark = pytest.mark.slow


@pytest.fixture
def pictures():
    return np.random.default_rng(0).integers(0, 256, (48, 16, 16, 3)).astype(np.uint8)


@pytest.fixture
def network():
    import keras

    from hmexp.models.build import build_model

    keras.utils.set_random_seed(0)
    return build_model(ResnetConfig(widths=[8, 8], blocks=[1], stem="plain", stochastic_depth=0.5), 16, 2)


def test_the_first_norm_gets_mean_and_variance_of_what_comes_in(network, pictures):
    import keras

    from hmexp.training.fused import fused_norm, trainable_copy
    from hmexp.training.norms import measure_norms

    before = [variable.numpy() for variable in network.variables]
    copy = trainable_copy(network, fused_norm, any_size=False)
    measured = measure_norms(copy, [(pictures[:24],), (pictures[24:], "targets")])
    for variable, value in zip(network.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value, "the network stays as it is")

    convolved = keras.Model(network.input, network.get_layer("stem_conv").output).predict(pictures, verbose=0)
    found = {variable.path: value for variable, value in measured}
    norm = network.get_layer("stem_norm")
    halves = np.split(convolved, 2)
    expected = np.mean([half.mean(axis=(0, 1, 2)) for half in halves], axis=0)
    np.testing.assert_allclose(found[norm.moving_mean.path], expected, atol=1e-4)
    expected = np.mean([half.var(axis=(0, 1, 2)) for half in halves], axis=0)
    np.testing.assert_allclose(found[norm.moving_variance.path], expected, rtol=1e-2)
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(measured) == 2 * len(norms)


def test_dropout_is_off_while_measuring_and_on_again(network, pictures):
    from hmexp.training.norms import measure_norms

    drop = next(layer for layer in network.layers if layer.name.endswith("_drop"))
    rate = drop.rate
    first, second = (measure_norms(network, [(pictures,)]) for _ in range(2))
    for (_, a), (_, b) in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert drop.rate == rate > 0


def test_a_norm_that_does_not_learn_keeps_its_statistics(network, pictures):
    from hmexp.training.norms import measure_norms

    norm = network.get_layer("stem_norm")
    norm.trainable = False
    norm.moving_mean.assign(np.full(norm.moving_mean.shape, 3.0))
    found = {variable.path: value for variable, value in measure_norms(network, [(pictures,)])}
    np.testing.assert_allclose(found[norm.moving_mean.path], 3.0, rtol=1e-5)


def test_a_network_without_norms_has_nothing_to_measure(pictures):
    from hmexp.config.model import CnnConfig
    from hmexp.models.build import build_model
    from hmexp.training.norms import measure_norms

    assert measure_norms(build_model(CnnConfig(widths=[4]), 16, 2), [(pictures,)]) == []
