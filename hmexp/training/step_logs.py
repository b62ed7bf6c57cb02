"""What callbacks are told after a step, without waiting for the device that computes it.

Keras 3.15 turns all figures of every step into numbers before it calls the callbacks, so that the host waits for the
device after each step, and the device for the host before the next one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from hmexp.training.learner import Learner

Logs = dict[str, Any] | None


class StepLogs(Mapping[str, float]):
    """Figures of a step by name, each fetched when somebody looks at it.

    Args:
        step: What the step gave, on the device; its loss.
        results: Gives all figures as they are now.
    """

    def __init__(self, step: Mapping[str, Any], results: Callable[[], Mapping[str, Any]]) -> None:
        self._step, self._results = dict(step), results
        self._complete = False

    def __getitem__(self, name: str) -> float:
        return float(self._step[name] if name in self._step else self._all()[name])

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def copy(self) -> dict[str, float]:
        """All figures as numbers, as a callback may want to keep them."""
        return dict(self)

    def _all(self) -> dict[str, Any]:
        if not self._complete:
            self._step |= {name: value for name, value in self._results().items() if name not in self._step}
            self._complete = True
        return self._step


class StepCallbacks(keras.callbacks.CallbackList):  # type: ignore[misc]
    """Keras's list of callbacks, which tells them of a step in `StepLogs`.

    Args:
        callbacks: In the order in which they are called, in this thread.
        model: What is trained.
        params: What callbacks find in their `params`, such as `epochs` and `steps`.
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback], model: "Learner", params: dict[str, Any]) -> None:
        super().__init__(list(callbacks), add_history=True, model=model, **params)
        self.results = model.results  # not through `self.model`, which brings JAX's state back to the variables

    def __iter__(self) -> Iterator[keras.callbacks.Callback]:
        return iter(self.callbacks)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """A training step begins."""
        for callback in self:
            callback.on_train_batch_begin(batch, logs={})

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """A training step is on its way."""
        told = StepLogs(logs or {}, self.results)
        for callback in self:
            callback.on_train_batch_end(batch, logs=told)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """A step of val begins."""
        for callback in self:
            callback.on_test_batch_begin(batch, logs={})

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """A step of val is on its way."""
        told = StepLogs(logs or {}, self.results)
        for callback in self:
            callback.on_test_batch_end(batch, logs=told)
