"""A head that is trained on stored features: the backbone below it never learns, so each picture is seen once."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras

from hmexp.datamodule import DataModule
from hmexp.models.features import LAYER, digest_of, feature_model, features_of
from hmexp.store import FeatureJob, stored_features


@dataclass(frozen=True)
class FrozenFeatures:
    """A network in two parts that share its layers: what trains the head trains the network.

    Attributes:
        network: uint8 `[batch, height, width, 3]` -> logits `[batch, classes]`.
        head: Features float32 `[batch, width]` -> logits.
        data: With the features in place of the pictures.
        key: Name of their folder in the cache.
    """

    network: keras.Model
    head: keras.Model
    data: DataModule
    key: str


def freeze(network: keras.Model, data: DataModule, cache_dir: Path) -> FrozenFeatures:
    """Compute the features of all pictures of the store, or take them from the cache, and cut the network in two.

    Args:
        network: With a layer named `features`.
        data: Prepared.
        cache_dir: hmexp's cache folder.
    """
    body = feature_model(network)
    head = keras.Model(network.get_layer(LAYER).output, network.outputs[0], name=f"{network.name}_head")
    job = FeatureJob(data.store, digest_of(body), body.output_shape[-1], partial(features_of, body))
    return FrozenFeatures(network, head, data.with_features(stored_features(job, cache_dir)), job.key)
