"""The fused batch norm computes what Keras's does, with the same variables, and stays out of what is saved."""

import numpy as np
import pytest

from hmexp.config.model import ResnetConfig

pytestmark = pytest.mark.slow
CONFIG = ResnetConfig(widths=[8, 16], blocks=[1], norm_momentum=0.8)


@pytest.fixture
def networks():
    """A residual network, its trainable copy, and pictures."""
    import keras

    from hmexp.models.build import build_model
    from hmexp.training.fused import fused_norm, trainable_copy

    keras.utils.set_random_seed(0)
    network = build_model(CONFIG, 16, 3)
    pictures = np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3)).astype(np.uint8)
    return network, trainable_copy(network, fused_norm, any_size=False), pictures


def test_it_shares_every_variable(networks):
    network, copy, _ = networks
    assert copy is not network
    assert {id(variable) for variable in copy.variables} == {id(variable) for variable in network.variables}


def test_it_computes_the_same_in_training_and_moves_the_statistics_alike(networks):
    import keras

    network, copy, pictures = networks
    reference = keras.models.clone_model(network)
    reference.set_weights(network.get_weights())
    expected = np.asarray(reference(pictures, training=True))
    assert np.asarray(copy(pictures, training=True)) == pytest.approx(expected, abs=1e-4)
    for mine, theirs in zip(network.get_weights(), reference.get_weights(), strict=True):
        # The fused kernel takes the variance of n - 1, Keras's that of n.
        assert mine == pytest.approx(theirs, rel=0.02, abs=1e-3)
    assert np.asarray(copy(pictures)) == pytest.approx(np.asarray(network(pictures)), abs=1e-4)


def test_a_copy_for_any_size_takes_them_all(networks):
    from hmexp.training.fused import fused_norm, trainable_copy

    network, _, pictures = networks
    copy = trainable_copy(network, fused_norm, any_size=True)
    assert copy(pictures[:, :8, :8]).shape == (32, 3)
    assert np.asarray(copy(pictures)) == pytest.approx(np.asarray(network(pictures)), abs=1e-4)


def test_a_network_without_batch_norm_is_left_alone():
    from hmexp.models.build import build_model
    from hmexp.training.fused import fused_norm, trainable_copy

    network = build_model(ResnetConfig(widths=[8, 16], norm="group"), 16, 3)
    assert trainable_copy(network, fused_norm, any_size=False) is network


def test_what_is_saved_needs_nothing_but_keras(networks, tmp_path):
    import subprocess
    import sys

    network, copy, pictures = networks
    copy(pictures, training=True)
    network.save(tmp_path / "model.keras")
    code = f"import keras; print(keras.saving.load_model({str(tmp_path / 'model.keras')!r}).count_params())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert int(done.stdout.split()[-1]) == network.count_params()
