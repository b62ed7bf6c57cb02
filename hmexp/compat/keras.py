"""What hmexp takes from Keras that Keras does not export; checked against `CHECKED`.

Importing this imports nothing: it takes models and optimizers that are there. `tests/compat/test_keras.py` fails where
one of these names changes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

CHECKED = "3.15"


def all_layers(model: "keras.Model") -> list[Any]:
    """A model's layers with those inside other layers; `Model.layers` has only the outermost."""
    return list(model._flatten_layers())


def inbound_nodes(layer: Any) -> list[Any]:  # noqa: ANN401
    """The calls of a layer, each with `output_tensors` and `parent_nodes`; the public `output` allows only one."""
    return list(layer._inbound_nodes)


def producer(tensor: Any) -> tuple[Any, list[Any]]:  # noqa: ANN401
    """The layer or operation that a symbolic tensor comes from, and the symbolic tensors that it took for it."""
    operation, node_index, _ = tensor._keras_history
    return operation, list(operation._inbound_nodes[node_index].input_tensors)


def raw_iterations(optimizer: "keras.optimizers.Optimizer") -> int:
    """Steps that the schedule counts; the public `iterations` are divided by the steps that are accumulated."""
    return int(optimizer._iterations)


def schedule_of(optimizer: "keras.optimizers.Optimizer") -> Any:  # noqa: ANN401
    """The learning rate as it was given, which may be a schedule; the public `learning_rate` is its value."""
    return optimizer._learning_rate


def moving_averages(optimizer: "keras.optimizers.Optimizer") -> Iterator[tuple[Any, Any]]:
    """Each trained variable with its moving average, of an optimizer with `use_ema`."""
    return zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)


def variable_index(optimizer: "keras.optimizers.Optimizer", variable: Any) -> int:  # noqa: ANN401
    """The place of a variable among those that an optimizer was built for."""
    return int(optimizer._get_variable_index(variable))


def variable_path(optimizer: "keras.optimizers.Optimizer", variable: Any) -> str:  # noqa: ANN401
    """The path of a variable that `update_step` gets, which on TensorFlow is not Keras's own."""
    return str(optimizer._trainable_variables[variable_index(optimizer, variable)].path)


def sync_jax_state(model: "keras.Model") -> None:
    """Give a model's variables what `fit` has reached on JAX, which keeps it beside them until the epoch's end."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()


def share_any_batch(count: int) -> None:
    """Let every device compute the whole of a batch that cannot be shared evenly, such as the last one of val.

    Keras 3.15 splits every batch as it splits the first, and JAX refuses a batch that `count` devices do not divide.
    """
    import jax
    from keras.src.backend.jax import distribution_lib

    split = distribution_lib.distribute_data_input

    @wraps(split)
    def share(batch: Any, layout: Any, batch_dim_name: str) -> Any:  # noqa: ANN401
        if batch.shape[0] % count == 0:
            return split(batch, layout, batch_dim_name)
        sharding = getattr(layout, "backend_layout", layout)
        whole = jax.sharding.NamedSharding(sharding.mesh, jax.sharding.PartitionSpec())
        return jax.device_put(batch, whole)

    distribution_lib.distribute_data_input = share


class BuildsFromOnePart:
    """A model that builds itself from one device's part of the first batch, where it is shared between several.

    Keras 3.15 takes the mean of the parts, which fails where they are of unequal size. Stands before `keras.Model`.
    """

    def one_part(self, parts: Any) -> Any:  # noqa: ANN401
        """The first device's part of a batch."""
        raise NotImplementedError

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:  # noqa: ANN401
        if iterator is not None and getattr(self, "_distribute_strategy", None) is not None:
            iterator, data_batch = None, self.one_part(next(next(iter(iterator))[-1]))
        super()._maybe_symbolic_build(iterator, data_batch)  # type: ignore[misc]


class OwnExample:
    """A model that builds itself from an example of its own where its batches are not what it computes on.

    Stands before `keras.Model`.
    """

    def example(self) -> tuple[Any, ...] | None:
        """A batch as the model sees it, of which shapes and dtypes count; None takes the first of the batches."""
        return None

    def _symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:  # noqa: ANN401
        example = self.example()
        if iterator is not None and example is not None:
            iterator = _in_place_of(iterator, example)
        super()._symbolic_build(iterator, data_batch)  # type: ignore[misc]


def _in_place_of(iterator: Iterator[Any], example: Any) -> Iterator[tuple[int, int, Any]]:  # noqa: ANN401
    """What the iterator of an epoch gives, with an example as its data.

    It is begun all the same where Keras looks at it: PyTorch's loaders draw from the process's random state then.
    """
    for begin, end, _ in iterator:
        yield begin, end, [example]


class MetricsOnDemand:
    """A model whose steps give their loss alone; the other metrics are computed when an epoch ends.

    Keras 3.15 computes the results of all metrics in every step, which takes as long as a small network's step itself.
    Stands before `keras.Model`.
    """

    _stepping = 0
    """Steps that are inside: under `MirroredStrategy` each device's is, one after another, until they meet."""

    @contextmanager
    def _loss_alone(self) -> Iterator[None]:
        self._stepping += 1
        try:
            yield
        finally:
            self._stepping -= 1

    def train_step(self, *args: Any) -> Any:  # noqa: ANN401
        """One step of training; see `keras.Model`."""
        with self._loss_alone():
            return super().train_step(*args)  # type: ignore[misc]

    def test_step(self, *args: Any) -> Any:  # noqa: ANN401
        """One step of an evaluation; see `keras.Model`."""
        with self._loss_alone():
            return super().test_step(*args)  # type: ignore[misc]

    def get_metrics_result(self) -> dict[str, Any]:
        """Results by name: of the loss inside a step, of all metrics outside."""
        if self._stepping:
            loss = self._loss_tracker  # type: ignore[attr-defined]
            return {loss.name: loss.result()}
        results: dict[str, Any] = super().get_metrics_result()  # type: ignore[misc]
        return results

    def _get_metrics_result_or_logs(self, logs: Any) -> dict[str, Any]:  # noqa: ANN401
        """What an epoch ends with, which Keras takes from its last step where that gave less than all metrics."""
        return self.get_metrics_result()
