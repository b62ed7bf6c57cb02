"""Where a model looks: gradient-weighted class activation maps (Selvaraju et al., Grad-CAM, ICCV 2017)."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from hmexp.compat.keras import inbound_nodes
from hmexp.models.float32 import copies_layer_by_layer, float32_layer
from hmexp.training.backends import Backend

BATCH = 32


def grad_cam(model: keras.Model, pictures: np.ndarray, targets: np.ndarray, backend: Backend) -> np.ndarray:
    """Heat maps of what speaks for a class, at the size of the pictures.

    The maps are those of the last layer with one for each place; its channels are weighed by the mean gradient of the
    class's logit. All of it is computed in float32, whatever the model computes in, on a copy of the model.

    Args:
        model: Functional: uint8 `[n, height, width, 3]` -> logits `[n, classes]`. Models inside it count as one layer.
        pictures: uint8 `[n, height, width, 3]`.
        targets: int64 `[n]`, the class that each map is about.
        backend: Computes the gradients.

    Returns:
        float32 `[n, height, width]`: 1 where most speaks for the class; 0 where nothing does, which may be everywhere.

    Raises:
        ValueError: A model without a layer that has feature maps, or not one target a picture.
    """
    return GradCam(model, backend)(pictures, targets)


class GradCam:
    """As `grad_cam`, for a model that is asked again and again: it is copied and cut once.

    Args:
        model: See `grad_cam`.
        backend: Computes the gradients.

    Raises:
        ValueError: A model without a layer that has feature maps.
    """

    def __init__(self, model: keras.Model, backend: Backend) -> None:
        self._halves = _split(_in_float32(model))
        self._backend = backend

    def __call__(self, pictures: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Heat maps; see `grad_cam`.

        Raises:
            ValueError: Not one target a picture.
        """
        if len(pictures) != len(targets):
            raise ValueError(f"expected a target for each of {len(pictures)} pictures, received {len(targets)}")
        heats = [
            _heats(self._halves, pictures[start : start + BATCH], targets[start : start + BATCH], self._backend)
            for start in range(0, len(pictures), BATCH)
        ]
        return np.concatenate([np.zeros((0, *pictures.shape[1:3]), np.float32), *heats])


@dataclass(frozen=True)
class _Halves:
    """A model cut behind its feature maps.

    Attributes:
        body: Pictures -> maps `[batch, rows, columns, channels]`.
        head: Maps -> logits `[batch, classes]`.
    """

    body: keras.Function
    head: keras.Function


def _split(model: keras.Model) -> _Halves:
    """Cut behind the last layer that has more than one place, or else the last that has one."""
    learned = itertools.dropwhile(lambda layer: not layer.weights, model.layers)  # pixels that were scaled are no maps
    maps = [output for layer in learned for output in _outputs(layer) if len(output.shape) == 4]
    if not maps:
        names = ", ".join(layer.name for layer in model.layers)
        raise ValueError(f"expected a model with a layer of output [batch, rows, columns, channels], received {names}")
    wide = [output for output in maps if output.shape[1:3] != (1, 1)]
    last = (wide or maps)[-1]
    return _Halves(keras.Function(model.inputs, last), keras.Function(last, model.outputs[0]))


def _outputs(layer: keras.layers.Layer) -> list[Any]:
    """What a layer gives in the model around it; a nested model's own `output` belongs to its inner graph."""
    if isinstance(layer, keras.layers.InputLayer):
        return []
    return list(inbound_nodes(layer)[-1].output_tensors)


def _heats(halves: _Halves, pictures: np.ndarray, targets: np.ndarray, backend: Backend) -> np.ndarray:
    """Heat maps of one batch."""
    maps = halves.body([ops.convert_to_tensor(pictures)])
    chosen = ops.expand_dims(ops.convert_to_tensor(targets, dtype="int32"), axis=1)
    # A picture's logit depends on its own maps only: the sum's gradient is each one's.
    gradient = backend.gradient(lambda values: ops.sum(ops.take_along_axis(halves.head(values), chosen, axis=1)), maps)
    weights = ops.mean(gradient, axis=(1, 2), keepdims=True)
    heats = ops.relu(ops.sum(weights * maps, axis=-1, keepdims=True))
    size = (int(pictures.shape[1]), int(pictures.shape[2]))
    large = ops.image.resize(heats, size, interpolation="bilinear", data_format="channels_last")
    found = np.asarray(ops.convert_to_numpy(large), dtype=np.float32)[..., 0]
    highest = found.max(axis=(1, 2), keepdims=True)
    return np.asarray(np.divide(found, highest, out=np.zeros_like(found), where=highest > 0))


def _in_float32(model: keras.Model) -> keras.Model:
    """A copy with the same weights whose layers, and the models inside, compute in float32.

    A copy also keeps the model's graph as it was: layers called again would lose their one `output`.
    """
    with _float32_policy():
        recursive = copies_layer_by_layer(model)
        copy = keras.models.clone_model(model, clone_function=float32_layer, recursive=recursive)
    copy.set_weights(model.get_weights())
    return copy


@contextmanager
def _float32_policy() -> Iterator[None]:
    """Models take their policy from the global one, not from their config."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
