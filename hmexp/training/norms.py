"""Precise batch norm (Wu & Johnson, Rethinking "Batch" in BatchNorm, 2021).

The running statistics of a batch norm come from augmented and mixed pictures, and from weights of some steps ago;
with a moving average of the weights, from other weights altogether. Measured on pictures as they are, with the very
weights that are evaluated, they fit what a model sees in use.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from hmexp.compat.keras import all_layers

Statistics = list[tuple[Any, np.ndarray]]
"""Each batch norm's moving mean and moving variance, with a value for it."""


Pass = Callable[[list[Any], list[Any], Any], list[Any]]
"""(values of the trained variables, values of the others, pictures) -> the others' values after a pass of training."""


def training_pass(network: keras.Model) -> Pass:
    """What a pass of training does to the variables of a network that are not trained; nothing is changed by it."""

    def others_after(trained: list[Any], others: list[Any], pictures: Any) -> list[Any]:  # noqa: ANN401
        after: list[Any] = network.stateless_call(trained, others, pictures, training=True)[1]
        return after

    return others_after


def measure_norms(network: keras.Model, batches: Iterable[tuple[Any, ...]], one_pass: Pass | None = None) -> Statistics:
    """Mean over the batches of what each batch norm sees; the network stays as it is.

    Args:
        network: Takes uint8 `[batch, height, width, 3]`.
        batches: `(pictures, ...)`.
        one_pass: The `training_pass` of the network, compiled; None computes it as it is.

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
    trained = [keras.ops.convert_to_tensor(variable) for variable in network.trainable_variables]
    one_pass = one_pass or training_pass(network)
    seen: list[list[np.ndarray]] = [[] for _ in places]
    with _without_dropout(network):
        for pictures, *_ in batches:
            after = one_pass(trained, before, pictures)
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
