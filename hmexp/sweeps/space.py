"""The space of a sweep, read from Hydra's own sweep syntax."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from random import Random
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from omegaconf import DictConfig, OmegaConf

from hmexp.config.errors import UserError, invalid

WHOLE = re.compile(r"interval\(\s*(start=)?-?\d+\s*,\s*(end=)?-?\d+\s*\)")
Values = dict[str, str]
"""Key -> value, as a word of the command line has them."""


@dataclass(frozen=True)
class Parameter:
    """One key that a sweep varies.

    Attributes:
        key: As on the command line, such as `model.widths`, or a group, such as `model`.
        choices: Values as text; empty for an interval.
        low: Least value of an interval.
        high: Greatest value of an interval.
        log: Whether an interval is searched on a logarithmic scale.
        integer: Whether an interval holds whole numbers.
        under: Choice -> the parameters that exist only where it is taken.
    """

    key: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    integer: bool = False
    under: Mapping[str, "Space"] = field(default_factory=dict)

    @property
    def ends(self) -> tuple[str, ...]:
        """The choices, or both ends of an interval."""
        both = (self.low, self.high)
        return self.choices or tuple(str(int(end)) if self.integer else f"{end:g}" for end in both)

    def describe(self) -> str:
        """The values as one would type them; two spaces are the same where these are."""
        text = ",".join(self.choices)
        if not self.choices:
            text = f"interval({self.low:g},{self.high:g})"
            text = f"tag(log,{text})" if self.log else text
        inner = [f"{value}: {p.key}={p.describe()}" for value, space in self.under.items() for p in space]
        return text + (f" {{{'; '.join(inner)}}}" if inner else "")


Space = tuple[Parameter, ...]


@dataclass(frozen=True)
class Request:
    """What the words of a sweep ask for: the words that all jobs share, and the space."""

    fixed: tuple[str, ...]
    space: Space


class Reader:
    """Reads words into a space.

    Args:
        parser: Hydra's, with its config loader for `glob(*)`.
        when: The section `hydra.sweeper.when`.
        is_integer: Whether the value of a key is a whole number; None where that is not known.
        max_values: Most values that one key may have.
    """

    def __init__(
        self,
        parser: OverridesParser,
        when: Mapping[str, Any],
        is_integer: Callable[[str], bool | None],
        max_values: int = 10_000,
    ) -> None:
        self.parser, self.when, self.is_integer, self.max_values = parser, when, is_integer, max_values

    def read(self, params: Mapping[str, str], words: Sequence[str]) -> Request:
        """Split words into fixed ones and the space.

        Args:
            params: The section `hydra.sweeper.params`, below the words.
            words: Of the command.

        Raises:
            UserError: A value that is no list, range or interval, or a `when` that can never hold.
        """
        given = {override.get_key_element(): override for override in self._parse(params)}
        given |= {override.get_key_element(): override for override in self.parser.parse_overrides(list(words))}
        swept = {key: override for key, override in given.items() if override.is_sweep_override()}
        fixed = tuple(str(override.input_line) for key, override in given.items() if key not in swept)
        space = tuple(self._parameter(override, ()) for override in swept.values())
        known = {parameter.key for parameter in _all(space)}
        for key in self.when:
            if key not in known:
                raise invalid("hydra.sweeper.when", "keys that the sweep varies", key, known)
        return Request(fixed, space)

    def _parse(self, params: Mapping[str, Any]) -> list[Override]:
        return self.parser.parse_overrides([f"{key}={_text(value)}" for key, value in params.items()])

    def _parameter(self, override: Override, above: tuple[str, ...]) -> Parameter:
        key = override.get_key_element()
        value = override.value()
        if isinstance(value, IntervalSweep):
            if key in self.when:
                raise UserError(
                    f"hydra.sweeper.when.{key}: expected a parameter with a list of values, received an interval"
                )
            return self._interval(key, value, override)
        if isinstance(value, RangeSweep):
            self._check_range(key, value, str(override.get_value_string()))
        choices = _choices(override)
        if not choices:
            raise UserError(f"{key}: expected values to choose from, received none that {override.input_line} fits")
        under = {} if key in above else self._under(key, choices, (*above, key))
        return Parameter(key, choices, under=under)

    def _check_range(self, key: str, value: RangeSweep, text: str) -> None:
        """Count a range without going through it."""
        start, stop, step = (Decimal(number or 0) for number in (value.start, value.stop, value.step))
        if not (start.is_finite() and stop.is_finite() and step.is_finite() and step):
            raise UserError(
                f"{key}: expected range(START,STOP,STEP) of numbers with a STEP other than 0, received {text}"
            )
        size = max(0, int(((stop - start) / step).to_integral_value(ROUND_CEILING)))
        if size > self.max_values:
            expected = f"at most {self.max_values:,} values (hydra.sweeper.max_jobs)"
            number = f"{size:,}" if size < 10**15 else f"{Decimal(size):.0e}"
            raise UserError(f"{key}: expected {expected}, received the {number} of {text}")

    def _interval(self, key: str, value: IntervalSweep, override: Override) -> Parameter:
        low, high = (float(edge) for edge in (value.start, value.end))  # type: ignore[arg-type]
        log = "log" in value.tags
        if not -math.inf < low < high < math.inf or (log and low <= 0):
            expected = "interval(LOW,HIGH) with LOW below HIGH" + (", above 0 on a log scale" if log else "")
            raise UserError(f"{key}: expected {expected}, received interval({low:g},{high:g})")
        known = self.is_integer(key)
        whole = WHOLE.search(str(override.input_line)) is not None
        return Parameter(key, low=low, high=high, log=log, integer=whole if known is None else known)

    def _under(self, key: str, choices: Sequence[str], above: tuple[str, ...]) -> dict[str, Space]:
        """The conditional parameters of a key."""
        under = {}
        for value, params in dict(self.when.get(key, {})).items():
            text = _text(value)
            if text not in choices:
                raise invalid(f"hydra.sweeper.when.{key}", f"one of {', '.join(choices)}", text, choices)
            parsed = self._parse(params)
            under[text] = tuple(self._parameter(override, above) for override in parsed if override.is_sweep_override())
            for override in parsed:
                if not override.is_sweep_override():  # a single value is a list of one
                    one = Parameter(override.get_key_element(), (override.get_value_element_as_str(),))
                    under[text] = (*under[text], one)
        return under


def is_integer(cfg: DictConfig, key: str) -> bool | None:
    """Whether the value of a key is a whole number; None where the configuration has no number there."""
    value = OmegaConf.select(cfg, key, throw_on_missing=False)
    return {int: True, float: False}.get(type(value))


def num_points(space: Space) -> int:
    """How many points `combinations` gives, without going through them; an interval counts as one value."""
    if not space:
        return 1
    first, rest = space[0], space[1:]
    own = sum(num_points(first.under.get(value, ())) for value in first.choices or ("",))
    return own * num_points(rest)


def combinations(space: Space) -> Iterator[Values]:
    """Every point of a space of lists; the first parameter changes slowest.

    Raises:
        UserError: An interval, of which there is no end.
    """
    if not space:
        yield {}
        return
    first, rest = space[0], space[1:]
    if not first.choices:
        received = f"{first.describe()} (hydra/sweeper=keras_tuner searches intervals)"
        raise UserError(f"{first.key}: expected a list, a range or a glob, received {received}")
    for value in first.choices:
        for others in combinations((*first.under.get(value, ()), *rest)):
            yield {first.key: value} | others


def example(space: Space) -> Values:
    """One point of a space, whatever it is: the first choices, and the low ends of intervals."""
    values: Values = {}
    for parameter in space:
        value = parameter.ends[0]
        values |= {parameter.key: value} | example(parameter.under.get(value, ()))
    return values


def edges(space: Space) -> Iterator[Values]:
    """Points in which each choice, and each end of an interval, is there at least once; conditional ones too."""
    first = example(space)
    yield first
    for number, parameter in enumerate(space):
        before, after = example(space[:number]), example(space[number + 1 :])
        for value in parameter.ends:
            for inner in edges(parameter.under.get(value, ())):
                point = before | {parameter.key: value} | inner | after
                if point != first:
                    yield point


def words_of(values: Values) -> list[str]:
    """A point as words of the command line."""
    return [f"{key}={value}" for key, value in values.items()]


def _choices(override: Override) -> tuple[str, ...]:
    """The values of a list; a shuffled one comes in the same order every time, or a sweep could not go on."""
    value = override.value()
    shuffled = bool(getattr(value, "shuffle", False))
    if shuffled:
        value.shuffle = False  # type: ignore[union-attr]
    choices = list(dict.fromkeys(override.sweep_string_iterator()))
    if shuffled:
        Random(override.get_key_element()).shuffle(choices)
    return tuple(choices)


def _all(space: Space) -> Iterator[Parameter]:
    """Every parameter, the conditional ones too."""
    for parameter in space:
        yield parameter
        for inner in parameter.under.values():
            yield from _all(inner)


def _text(value: object) -> str:
    """A YAML value as a word of the command line has it."""
    return "null" if value is None else str(value)
