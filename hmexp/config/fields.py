"""Fields of a schema that say what may stand in them: numbers with a range, one of some words, and free text.

What a field says is checked by `Section`, shown by the help pages, and read by `hmexp.config.quoting`; a schema of a
plugin that is below one of hmexp's, or below `Section`, gets all three.
"""

import math
import types
from collections.abc import Iterable
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

from hmexp.config.errors import invalid, one_of, require

RANGE, TEXT, CHOICE = "range", "text", "choice"
LONGEST_PATH = 4096
LONGEST_NAME = 250
"""Characters that MLflow takes in a name or a value."""


@dataclass(frozen=True)
class Range:
    """An interval of finite numbers.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        open_low: Whether `low` itself is outside.
        open_high: Whether `high` itself is outside.
        noun: What the number is, such as `a share`.
    """

    low: float
    high: float
    open_low: bool
    open_high: bool
    noun: str

    def __contains__(self, value: float) -> bool:
        """Whether a number, which NaN is not, lies in the interval."""
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)

    def __str__(self) -> str:
        """In words: `from 0 to below 1`."""
        low, high = _plain(self.low), _plain(self.high)
        if self.open_low:
            return f"between {low} and {high}" if self.open_high else f"above {low}, up to {high}"
        return f"from {low} to {'below ' if self.open_high else ''}{high}"


@dataclass(frozen=True)
class Text:
    """Free text, which the command line takes as it is typed.

    Attributes:
        is_path: Whether it names a file or a folder.
    """

    is_path: bool = False


def default_of(field: "Field[Any]") -> Any:  # noqa: ANN401
    """The default of a field; None where it has none."""
    made = field.default_factory() if field.default_factory is not MISSING else field.default
    return None if made is MISSING else made


def number(
    default: Any,  # noqa: ANN401
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    noun: str = "",
) -> Any:  # noqa: ANN401
    """Make a field for a number, or for a list of numbers, with a range; the bounds have pydantic's names.

    Args:
        default: Its default; None where it may be null.
        ge: Smallest value.
        gt: The value that it has to be above.
        le: Largest value.
        lt: The value that it has to be below.
        noun: What the number is, for messages; "" takes `a number` or `a whole number`, by the type.
    """
    low, high = ge if gt is None else gt, le if lt is None else lt
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("expected two finite bounds")
    return field(default=default, metadata={RANGE: Range(low, high, gt is not None, lt is not None, noun)})


def choice(default: Any, options: Iterable[str]) -> Any:  # noqa: ANN401
    """Make a field for one of some words, which completion offers."""
    return field(default=default, metadata={CHOICE: tuple(options)})


def text(default: Any = MISSING, *, is_path: bool = False, default_factory: Any = MISSING) -> Any:  # noqa: ANN401
    """Make a field for free text, for a list of it, or for a mapping from text to text."""
    metadata = {TEXT: Text(is_path)}
    if default_factory is not MISSING:
        return field(default_factory=default_factory, metadata=metadata)
    return field(default=default, metadata=metadata)


class Section:
    """Base of the schemas: an instance checks its fields against what they say.

    A subclass names its place in the configuration, `class ModelConfig(Section, key="model")`; those below it inherit
    that. One with rules of its own calls `super().__post_init__()` before them.
    """

    section_key: ClassVar[str] = ""

    def __init_subclass__(cls, key: str | None = None) -> None:
        """Take the place in the configuration from the class statement."""
        super().__init_subclass__()
        if key is not None:
            cls.section_key = key

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            UserError: A number outside its range, or text that cannot be a name or a path.
        """
        for each in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            key = f"{self.section_key}.{each.name}" if self.section_key else each.name
            value = getattr(self, each.name)
            if RANGE in each.metadata:
                _check_numbers(key, type(self), each, value)
            if CHOICE in each.metadata and value is not None:
                one_of(key, value, each.metadata[CHOICE])
            if TEXT in each.metadata:
                for item in _texts(value):
                    _check_text(key, item, each.metadata[TEXT])


@cache
def hints(schema: type) -> dict[str, Any]:
    """Field -> its type, with names resolved."""
    return get_type_hints(schema)


def bare_type(kind: object) -> object:
    """A type without `| None`; a union of several others stays one."""
    if get_origin(kind) not in (Union, types.UnionType):
        return kind
    others = [option for option in get_args(kind) if option is not type(None)]
    return others[0] if len(others) == 1 else Union[tuple(others)]  # noqa: UP007 (of types that are known later)


def expected(schema: type, each: "Field[Any]") -> str:
    """What a number may be, in words: `null or a whole number from 1 to 100`."""
    kind = hints(schema)[each.name]
    bare = bare_type(kind)
    is_list = get_origin(bare) is list
    whole = int in get_args(bare) if is_list else bare is int
    interval: Range = each.metadata[RANGE]
    noun = interval.noun or ("whole number" if whole else "number")
    noun = f"a list of {noun.removeprefix('a ')}s" if is_list else noun if interval.noun else f"a {noun}"
    return f"{'null or ' if bare is not kind else ''}{noun} {interval}"


def _check_numbers(key: str, schema: type, each: "Field[Any]", value: object) -> None:
    values = value if isinstance(value, list) else [value]
    for item in values:
        if isinstance(item, int | float) and item not in each.metadata[RANGE]:
            raise invalid(key, expected(schema, each), value)


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [str(item) for pair in value.items() for item in pair]
    return [str(item) for item in value] if isinstance(value, list) else [] if value is None else [str(value)]


def _check_text(key: str, value: str, rule: Text) -> None:
    """Refuse what no file system, database or page can hold."""
    shown = ascii(value if len(value) <= 60 else f"{value[:57]}...")
    printable = not any(ord(letter) < 32 or ord(letter) == 127 for letter in value)
    require(printable, key, "text without control characters", shown)
    require(not any("\ud800" <= letter <= "\udfff" for letter in value), key, "text in Unicode", shown)
    if not rule.is_path:
        plain = value not in ("True", "False")
        require(plain, key, "a name (in quotes, where YAML takes yes, no, true or false for a truth value)", value)
        require(len(value) <= LONGEST_NAME, key, f"at most {LONGEST_NAME} characters", f"{len(value)}: {shown}")
        return
    if "://" in value:
        return
    fits = len(value.encode()) < LONGEST_PATH and all(len(part.encode()) < 256 for part in Path(value).parts)
    require(fits, key, "a path whose parts have at most 255 bytes", shown)
    try:
        Path(value).expanduser()
    except RuntimeError:
        raise invalid(key, "a path of a user that this machine knows", value) from None


def _plain(bound: float) -> str:
    """A bound as one would write it: 4294967295, 0.5, 1e-12."""
    return str(int(bound)) if float(bound).is_integer() and abs(bound) < 1e15 else f"{bound:g}"
