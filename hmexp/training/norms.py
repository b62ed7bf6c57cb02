"""Precise batch norm (Wu & Johnson, Rethinking "Batch" in BatchNorm, 2021).

The running statistics of a batch norm come from augmented and mixed pictures, and from weights of some steps ago;
with a moving average of the weights, from other weights altogether. Measured on pictures as they are, with the very
weights that are evaluated, they fit what a model sees in use.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from hmexp.compat.keras import all_layers

Statistics = list[tuple[Any, np.ndarray]]
"""Each batch norm's moving mean and moving variance, with a value for it."""


def measure_norms(network: keras.Model, batches: Iterable[tuple[Any, ...]]) -> Statistics:
    """Mean over the batches of what each batch norm sees; the network stays as it is.

    Args:
        network: Takes uint8 `[batch, height, width, 3]`.
        batches: `(pictures, ...)`.

    Returns:
        Nothing where the network has no batch norm. One that does not learn, as in a frozen backbone, keeps its value.
    """
    norms = [layer for layer in all_layers(network) if isinstance(layer, keras.layers.BatchNormalization)]
    learns = {id(value): norm.momentum for norm in norms for value in (norm.moving_mean, norm.moving_variance)}
    variables = network.non_trainable_variables
    places = [place for place, variable in enumerate(variables) if id(variable) in learns]
    if not places:
        return []
    before = [keras.ops.convert_to_tensor(variable) for variable in variables]
    seen: list[list[np.ndarray]] = [[] for _ in places]
    with _without_dropout(network):
        for pictures, *_ in batches:
            _, after = network.stateless_call(network.trainable_variables, before, pictures, training=True)
            for values, place in zip(seen, places, strict=True):
                momentum = learns[id(variables[place])]
                old, new = (np.asarray(keras.ops.convert_to_numpy(state[place])) for state in (before, after))
                values.append((new - momentum * old) / (1 - momentum))
    return [(variables[place], np.mean(values, axis=0)) for place, values in zip(places, seen, strict=True)]


@contextmanager
def _without_dropout(network: keras.Model) -> Iterator[None]:
    """Every dropout off inside the block, stochastic depth too."""
    layers = [layer for layer in all_layers(network) if isinstance(layer, keras.layers.Dropout)]
    rates = [layer.rate for layer in layers]
    for layer in layers:
        layer.rate = 0.0
    try:
        yield
    finally:
        for layer, rate in zip(layers, rates, strict=True):
            layer.rate = rate
