"""Muon for convolutional networks: orthogonal steps for kernels, Adam for everything else."""

from typing import Any

import keras
from keras import ops

from hmexp.compat.keras import variable_index

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the Newton-Schulz iteration (Jordan et al., Muon, 2024)."""
RMS = 0.2
"""Size of a step like Adam's (Liu et al., Muon is Scalable, 2025)."""
BETAS = (0.9, 0.99)
EPSILON = 1e-8
COLOURS = 3


@keras.saving.register_keras_serializable(package="hmexp")
class Muon(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Replaces the momentum of each kernel by the nearest orthogonal matrix.

    `keras.optimizers.Muon` (3.15) leaves kernels of convolutions, which have four dimensions, to Adam. Here they are
    taken as matrices `[height * width * inputs, outputs]`. The first convolution, the last layer, biases and norms
    go by Adam with `adam_ratio` times the learning rate.

    Args:
        learning_rate: Of the kernels: a number or a schedule.
        momentum: Share of the last step that is taken again, with Nesterov's look ahead.
        adam_ratio: Factor of the learning rate for all else.
        steps: Newton-Schulz iterations.
        **arguments: Of every Keras optimizer.
    """

    def __init__(
        self,
        learning_rate: Any = 0.02,  # noqa: ANN401
        momentum: float = 0.95,
        adam_ratio: float = 0.2,
        steps: int = 5,
        **arguments: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(learning_rate=learning_rate, **arguments)
        self.momentum, self.adam_ratio, self.steps = momentum, adam_ratio, steps

    def build(self, variables: list[Any]) -> None:
        """Make a momentum for each variable, and a second moment for those that go by Adam."""
        if self.built:
            return
        super().build(variables)
        self.momenta = [self.add_variable_from_reference(variable, "momentum") for variable in variables]
        self.squares = [
            None if self.orthogonal(variable) else self.add_variable_from_reference(variable, "square")
            for variable in variables
        ]

    @staticmethod
    def orthogonal(variable: Any) -> bool:  # noqa: ANN401
        """Whether a variable is a kernel between hidden layers."""
        shape = variable.shape
        if len(shape) == 4:
            return bool(shape[2] > COLOURS and shape[3] > 1)
        return len(shape) == 2 and "logits" not in variable.path

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:  # noqa: ANN401
        """Move one variable."""
        place = variable_index(self, variable)
        momentum, square = self.momenta[place], self.squares[place]
        rate, gradient = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
        if square is not None:
            self._adam(variable, gradient, rate * self.adam_ratio, momentum, square)
            return
        self.assign(momentum, momentum * self.momentum + gradient * (1 - self.momentum))
        ahead = momentum * self.momentum + gradient * (1 - self.momentum)
        inputs, outputs = _matrix_shape(variable)
        step = _orthogonalised(ops.reshape(ahead, (inputs, outputs)), self.steps)
        self.assign_sub(variable, rate * RMS * max(inputs, outputs) ** 0.5 * ops.reshape(step, variable.shape))

    def _adam(self, variable: Any, gradient: Any, rate: Any, mean: Any, square: Any) -> None:  # noqa: ANN401
        step = ops.cast(self.iterations + 1, variable.dtype)
        self.assign_add(mean, (gradient - mean) * (1 - BETAS[0]))
        self.assign_add(square, (ops.square(gradient) - square) * (1 - BETAS[1]))
        unbiased = ops.sqrt(square / (1 - ops.power(BETAS[1], step))) + EPSILON
        self.assign_sub(variable, rate * mean / (1 - ops.power(BETAS[0], step)) / unbiased)

    def get_config(self) -> dict[str, Any]:
        """What makes it again."""
        own = {"momentum": self.momentum, "adam_ratio": self.adam_ratio, "steps": self.steps}
        config: dict[str, Any] = super().get_config()
        return config | own


def _matrix_shape(variable: Any) -> tuple[int, int]:  # noqa: ANN401
    *inputs, outputs = (int(size) for size in variable.shape)
    rows = 1
    for size in inputs:
        rows *= size
    return rows, outputs


def _orthogonalised(matrix: Any, steps: int) -> Any:  # noqa: ANN401
    """Nearly the orthogonal matrix nearest to `[n, m]`, by Newton-Schulz on the smaller of its two Gram matrices."""
    wide = matrix.shape[0] < matrix.shape[1]
    tall = ops.transpose(matrix) if wide else matrix
    gram = ops.matmul(ops.transpose(tall), tall)
    norm = ops.trace(gram) + 1e-12
    gram = gram / norm
    identity = ops.eye(gram.shape[0], dtype=gram.dtype)
    product = None
    a, b, c = COEFFICIENTS
    for step in range(steps):
        polynomial = a * identity + b * gram + c * ops.matmul(gram, gram)
        product = polynomial if product is None else ops.matmul(product, polynomial)
        if step < steps - 1:
            gram = ops.matmul(ops.matmul(polynomial, gram), polynomial)
    result = ops.matmul(tall, product) / ops.sqrt(norm)
    return ops.transpose(result) if wide else result
