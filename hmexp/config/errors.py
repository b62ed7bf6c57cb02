"""The two errors that end a command, and the one line in which bad input is answered."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

NEAR = 0.75
"""Likeness of two names, from 0 to 1, from which one is taken for a slip of the other."""


class UserError(Exception):
    """The user's input was wrong: one line on stderr, exit code 2, nothing written."""


class LabelColumnError(UserError):
    """A column of labels that a catalogue's table does not have."""


class RunError(Exception):
    """The run itself failed for a known reason: one line on stderr, exit code 1."""


def invalid(key: str, expected: str, received: object, valid: Iterable[str] = ()) -> UserError:
    """Build the error for one key, in the shape that every message of hmexp has.

    Args:
        key: The full config key, such as `trainer.epochs`.
        expected: What would have been right, in words.
        received: What came instead.
        valid: Names that would have been right; the nearest one is suggested.
    """
    near = get_close_matches(str(received), [str(name) for name in valid], n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return UserError(f"{key}: expected {expected}, received {received}{hint}")


def unknown_key(key: str, valid: Iterable[str], likely: str | None = None) -> UserError:
    """Build the error for a key that no schema has.

    Args:
        key: As it was typed.
        valid: The keys that its section has; one whose name is nearly the same, or begins so, is suggested.
        likely: What else may have been meant.
    """
    names = {each.rpartition(".")[2]: each for each in valid}
    name = key.rpartition(".")[2]
    near = get_close_matches(name, names, n=1, cutoff=NEAR) or [each for each in names if each.startswith(name)]
    meant = names[near[0]] if near else likely
    hint = f" (did you mean {meant}?)" if meant else ""
    return UserError(f"{key}: expected a key of the configuration, received an unknown one{hint}")


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, the outermost first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def require(condition: bool, key: str, expected: str, received: object) -> None:
    """Raise `UserError` for `key` unless `condition` holds."""
    if not condition:
        raise invalid(key, expected, received)


def one_of(key: str, received: str, valid: Iterable[str]) -> None:
    """Raise `UserError` unless `received` is one of the `valid` names."""
    names = list(valid)
    if received not in names:
        raise invalid(key, f"one of {', '.join(names)}", received, names)
