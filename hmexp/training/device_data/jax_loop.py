"""JAX: many steps in one dispatch, a loop whose number of turns is an argument.

One program does any number of steps, so that where a training was cut, for a checkpoint or by an interruption, moves
no bit of it.
"""

import time
from collections import deque
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax import numpy as jnp

from hmexp.batches.chunks import COUNT
from hmexp.batches.draws import take_pictures

if TYPE_CHECKING:
    from hmexp.training.device_data.protocol import TrainFunction
    from hmexp.training.learner import Learner

LONGEST = 64
"""Steps of a dispatch, at most: what it costs the host is next to nothing, and its rows and draws are few bytes."""
SECONDS = 0.25
"""Of a dispatch, where steps are slow: an interruption waits for two of them."""


class Pace:
    """How many steps a dispatch shall have, from how long those before took."""

    def __init__(self) -> None:
        self.steps, self.done = 1, 0.0
        self.running: deque[tuple[int, float, Any]] = deque()

    def began(self, steps: int, result: Any) -> None:  # noqa: ANN401
        """A dispatch is on its way; wait for the one before, so that two are at most."""
        self.running.append((steps, time.perf_counter(), result))
        if len(self.running) < 2:
            return
        before, begun, result = self.running.popleft()
        jax.block_until_ready(result)
        now = time.perf_counter()
        took = now - max(begun, self.done)
        self.done = now
        self.steps = max(1, min(LONGEST, int(SECONDS * before / max(took, 1e-6)), 2 * self.steps))


def gather(pictures: Any, rows: Any) -> Any:  # noqa: ANN401
    """Pictures of some rows that are there, uint8 `[len(rows), height, width, 3]`."""
    return pictures.at[rows].get(mode="promise_in_bounds")


def many_steps(learner: "Learner", pictures: Any) -> "TrainFunction":  # noqa: ANN401
    """Gives Keras the loss of one step at a time, and does many where none that is done is left."""
    many, pace = jax.jit(_loop_of(learner), donate_argnums=0), Pace()
    done: deque[_Entry] = deque()
    source, data, first, count = None, (), 0, 0

    def function(state: Any, iterator: Any) -> tuple[dict[str, Any], Any]:  # noqa: ANN401
        nonlocal source, data, first, count
        if source is not iterator:  # another call of `fit`
            source, first, count = iterator, 0, 0
            done.clear()
        if not done:
            if first == count:
                data = next(iterator)
                first, count = 0, int(data[0][COUNT])
            last = min(first + pace.steps, count)
            state, losses = many(state, pictures, data, first, last)
            pace.began(last - first, losses)
            done.extend(_Entry(losses, number) for number in range(first, last))
            first = last
        loss = done.popleft()
        learner.between_dispatches = not done
        return {"loss": loss}, state

    return function


class _Entry:
    """One number of an array on the device."""

    def __init__(self, values: jax.Array, place: int) -> None:
        self.values, self.place = values, place

    def __float__(self) -> float:
        return float(np.asarray(self.values)[self.place])


def _loop_of(learner: "Learner") -> Any:  # noqa: ANN401
    def many(state: Any, pictures: Any, data: Any, first: Any, last: Any) -> Any:  # noqa: ANN401
        def one(number: Any, carried: Any) -> Any:  # noqa: ANN401
            state, losses = carried
            inputs, *columns = jax.tree.map(lambda several: several[number], stacked)
            batch = (take_pictures(inputs, lambda rows: gather(pictures, rows)), *columns)
            logs, state = learner.train_step(state, batch)
            return state, losses.at[number].set(logs["loss"])

        stacked = ({name: values for name, values in data[0].items() if name != COUNT}, *data[1:])
        losses = jnp.zeros(data[1].shape[0], "float32")
        return jax.lax.fori_loop(first, last, one, (state, losses))

    return many
