"""Supervised contrastive learning beside classification: a loss that looks at the features, too.

The class stays the target, so that such a run is evaluated, promoted and served as any other; the groups of the
manifest, which the split keeps on one side, say which articles belong together. The term acts on the layer named
`features` itself, without a projection above it, since that layer is what is searched by.
"""

from typing import Any

import keras
from keras import ops

from hmexp.config.errors import invalid
from hmexp.models.features import LAYER

FAR = -1e9
"""Similarity of a picture to itself, which takes it out of a softmax."""


class FeatureLoss(keras.losses.CategoricalCrossentropy):  # type: ignore[misc]
    """Base of losses with a term of the features; a network that learns by it needs a layer named `features`."""

    def of_features(self, features: Any, groups: Any) -> Any:  # noqa: ANN401
        """The term, a scalar that is added to the loss.

        Args:
            features: Floating, `[batch, width]`.
            groups: int64 `[batch]`; pictures of equal numbers belong together.
        """
        raise NotImplementedError


class ContrastiveLoss(FeatureLoss):
    """Cross-entropy of the classes and `weight` times `supervised_contrastive`."""

    def __init__(self, label_smoothing: float, weight: float, temperature: float) -> None:
        super().__init__(from_logits=True, label_smoothing=label_smoothing)
        self.weight, self.temperature = weight, temperature

    def of_features(self, features: Any, groups: Any) -> Any:  # noqa: ANN401
        """See `FeatureLoss`."""
        return self.weight * supervised_contrastive(features, groups, self.temperature)


def with_features(network: keras.Model) -> keras.Model:
    """The same network with two outputs, its logits and its features.

    Raises:
        UserError: It has no layer named `features`.
    """
    if LAYER not in [layer.name for layer in network.layers]:
        expected = "a network with a layer named features for a loss that looks at them"
        raise invalid("loss", expected, f"{network.name} without one")
    return keras.Model(network.inputs[0], [network.outputs[0], network.get_layer(LAYER).output], name=network.name)


def supervised_contrastive(features: Any, groups: Any, temperature: float) -> Any:  # noqa: ANN401
    """L_out of Khosla et al. 2020 (equation 2), in nats, a scalar; 0 for a batch without two of a group.

    Mean over the pictures that have another one of their group in the batch, of the mean over those others of minus
    the logarithm of their share in the softmax over all other pictures.

    Args:
        features: Floating, `[batch, width]`; brought to length 1 here.
        groups: Whole numbers, `[batch]`.
        temperature: What cosines are divided by.
    """
    units = ops.normalize(ops.cast(features, "float32"), axis=-1)
    itself = ops.eye(ops.shape(units)[0], dtype="float32")
    similar = ops.matmul(units, ops.transpose(units)) / temperature
    logits = ops.where(itself > 0, FAR, similar)
    log_shares = similar - ops.logsumexp(logits, axis=1, keepdims=True)
    positive = ops.cast(ops.equal(groups[:, None], groups[None, :]), "float32") * (1.0 - itself)
    count = ops.sum(positive, axis=1)
    means = ops.sum(positive * log_shares, axis=1) / ops.maximum(count, 1.0)
    return -ops.sum(means) / ops.maximum(ops.sum(ops.cast(count > 0, "float32")), 1.0)
