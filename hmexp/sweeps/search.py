"""What a sweep tries next: every point of a list, or what an oracle proposes."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

from hmexp.sweeps.space import Space, Values, combinations

STOP_AFTER = "trainer.stop_after"
"""The parameter by which a search gives a point fewer epochs than the others."""


@dataclass(frozen=True)
class Point:
    """One point of the space.

    Attributes:
        parameters: Key -> value as text.
        parent: Number of the point whose jobs these go on from; None for a fresh start.
    """

    parameters: Values
    parent: int | None = None


class Search(Protocol):
    """Asked for points, told of results; its state is kept in the job table after each of both.

    Attributes:
        total: How many points there will be, where that is known.
        tries_again: Whether a sweep that goes on tries its failed jobs again, and may tell of a point twice.
    """

    total: int | None
    tries_again: bool

    def ask(self, number: int) -> Point | None:
        """The point of that number; None where there is none, or none before another one ends."""

    def tell(self, number: int, objective: float | None) -> None:
        """A point has ended, with its objective or without any."""

    def state(self) -> Any:  # noqa: ANN401
        """What it needs to go on, as JSON has it."""

    def load(self, state: Any) -> None:  # noqa: ANN401
        """Go on from a state."""


def num_hyperband_trials(max_epochs: int, factor: int) -> int:
    """Trials of one run of hyperband, as keras-tuner (1.4.8) has them: brackets of ever longer first rounds."""
    num_brackets, epochs = 0, float(max_epochs)
    while epochs >= 1:
        num_brackets, epochs = num_brackets + 1, epochs / factor
    last = math.ceil(1 + math.log(max_epochs, factor))
    rounds = ((bracket, number) for bracket in range(num_brackets) for number in range(bracket + 1))
    return sum(math.ceil(last / (bracket + 1) * factor ** (bracket - number)) for bracket, number in rounds)


class Grid:
    """Every combination of lists.

    Raises:
        UserError: An interval.
    """

    tries_again = True

    def __init__(self, space: Space) -> None:
        self.points = [Point(values) for values in combinations(space)]
        self.total: int | None = len(self.points)

    def ask(self, number: int) -> Point | None:
        """The points in their order."""
        return self.points[number] if number < len(self.points) else None

    def tell(self, number: int, objective: float | None) -> None:
        """Changes nothing."""

    def state(self) -> Any:  # noqa: ANN401
        """Nothing: the number of points is in the table."""

    def load(self, state: Any) -> None:  # noqa: ANN401
        """Nothing."""
