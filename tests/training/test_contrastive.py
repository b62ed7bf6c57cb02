"""The supervised contrastive term, against numbers by hand, and a training by it."""

import numpy as np
import pytest

from hmexp.config.augment import AugmentConfig
from hmexp.config.errors import UserError
from hmexp.config.loss import ContrastiveConfig
from hmexp.config.model import CnnConfig

pytestmark = pytest.mark.slow
TEMPERATURE = 0.5


def by_hand(features, groups):
    """Equation 2 of Khosla et al. 2020, picture by picture."""
    units = features / np.linalg.norm(features, axis=1, keepdims=True)
    terms = []
    for i in range(len(units)):
        others = [j for j in range(len(units)) if j != i]
        total = sum(np.exp(units[i] @ units[j] / TEMPERATURE) for j in others)
        same = [j for j in others if groups[j] == groups[i]]
        if same:
            terms.append(-np.mean([np.log(np.exp(units[i] @ units[j] / TEMPERATURE) / total) for j in same]))
    return np.mean(terms)


@pytest.mark.parametrize("groups", [[0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 2, 3], [5, 1, 5, 1, 5, 9]])
def test_it_is_the_papers(groups):
    from hmexp.training.contrastive import supervised_contrastive

    features = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32) * 100
    found = float(supervised_contrastive(features, np.array(groups), TEMPERATURE))
    assert found == pytest.approx(by_hand(features.astype(float), groups), rel=1e-5)


def test_a_batch_without_pairs_teaches_nothing():
    from hmexp.training.contrastive import supervised_contrastive

    assert float(supervised_contrastive(np.ones((4, 3), np.float32), np.arange(4), TEMPERATURE)) == 0.0


def learner_of(weight, network=None):
    import keras

    from hmexp.batches.augment import Augmentation
    from hmexp.models.build import build_model
    from hmexp.training.backends import backend_named
    from hmexp.training.learner import Learner
    from hmexp.training.loss import build_loss

    keras.utils.set_random_seed(0)
    network = network or build_model(CnnConfig(widths=[8], head="gap", norm="batch", dense=16), 16, 2)
    loss = build_loss(ContrastiveConfig(weight=weight, temperature=0.2))
    learner = Learner(network, Augmentation(AugmentConfig(), 2), loss, backend_named("tensorflow"))
    learner.compile(keras.optimizers.Adam(3e-3))
    return learner


def test_groups_come_together_and_pass_through_the_features():
    """Stripes of eight products: their width is the product, their class says nothing of it."""
    from hmexp.training.contrastive import supervised_contrastive, with_features

    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(8), 8)
    pattern = np.sin(np.arange(16)[None, :] * (groups[:, None] + 1) * 0.35 + rng.uniform(0, 6, (64, 1)))
    pictures = (127 + 60 * np.broadcast_to(pattern[:, None, :, None], (64, 16, 16, 3))).astype(np.uint8)
    targets = groups % 2
    found = {}
    for weight in (0.0, 1.0):
        learner = learner_of(weight)
        inputs = {"pictures": pictures, "groups": groups}
        learner.fit(inputs, targets, epochs=40, batch_size=64, verbose=0)
        features = with_features(learner.network)(pictures)[1]
        found[weight] = float(supervised_contrastive(features, groups, 0.2))
        assert learner.predict(pictures, verbose=0).shape == (64, 2)
        assert learner.evaluate(pictures, targets, verbose=0) < 0.7, "val/loss is the cross-entropy alone"
    assert found[1.0] < found[0.0] - 0.5


def test_a_network_without_features_is_refused():
    import keras

    pictures = keras.Input((16, 16, 3), dtype="uint8")
    network = keras.Model(pictures, keras.layers.Dense(2)(keras.layers.Flatten()(pictures)))
    with pytest.raises(UserError, match="loss: expected a network with a layer named features"):
        learner_of(1.0, network)
