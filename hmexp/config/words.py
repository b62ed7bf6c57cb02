"""The words of a command before Hydra sees them: what it would answer with a traceback, and what nobody may read."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hmexp.config.errors import UserError, invalid
from hmexp.config.schemas import GROUPS, LISTS
from hmexp.config.secrets import move_credentials

NO_NAME = re.compile(r"[-+]?(\d[\d_.eE+-]*|\.\d+|(?i:nan|inf))|\[.*\]|\{.*\}|(?i:true|false|null)|", re.DOTALL)
"""Values that Hydra does not take for the name of an option."""
NAMES = re.compile(r"\[[\w ,./-]*\]")
"""Several options, of a group that takes any number of them."""
LONGEST_NAME = 250
"""Bytes of a key or of an option's name: Hydra looks for files that are called so."""
MOST_DIGITS = 4300
"""Digits of a whole number that Python reads (`sys.int_info.default_max_str_digits`)."""


def check_words(words: list[str]) -> None:
    """Refuse what Hydra would answer with a traceback: options that are no names, and folders that cannot be one."""
    for word in words:
        key, equals, value = word.partition("=")
        group = key.lstrip("+")
        _check_sizes(key, value)
        if equals and group in (*GROUPS, "experiment", "debug") and NO_NAME.fullmatch(value):
            several = group in LISTS
            if not (several and NAMES.fullmatch(value)):
                expected = "names of options in brackets" if several else "the name of an option"
                raise invalid(key, f"{expected}, which --help lists", value)
    for folder in _given_folders(words):
        _check_place("hydra.run.dir", folder)


@contextmanager
def without_empty_folders(words: list[str]) -> Iterator[None]:
    """Take folders for `hydra.run.dir` away that the block has made and left empty: Hydra makes them unasked.

    It does so after it has composed and before the configuration is checked.
    """
    given = _given_folders(words)
    missing = [path for folder in given for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    finally:
        for path in missing:
            with suppress(OSError):  # it is in use, or was never made
                path.rmdir()


def _given_folders(words: list[str]) -> list[Path]:
    values = [word.partition("=")[2] for word in words if word.startswith("hydra.run.dir=")]
    return [Path(value.strip("'\"")).absolute() for value in values if "${" not in value]


def _check_sizes(key: str, value: str) -> None:
    """Raise `UserError` where a key is none, or it or its value is longer than what reads it can take."""
    if not key:
        raise UserError(f"={value}: expected KEY=VALUE, received no key")
    if (size := len(key.encode(errors="replace"))) > LONGEST_NAME:
        raise UserError(f"{key[:40]}...: expected a key of the configuration, received one of {size:,} bytes")
    is_group = "/" in key or key.lstrip("+~").split("@")[0] in (*GROUPS, "experiment", "debug")
    if is_group and len(value.encode(errors="replace")) > LONGEST_NAME:
        raise UserError(f"{key}: expected the name of an option, received {len(value):,} characters")
    if digits := max(map(len, re.findall(rf"[\d_]{{{MOST_DIGITS},}}", value)), default=0):
        raise UserError(f"{key}: expected a number of at most {MOST_DIGITS:,} digits, received one of {digits:,}")


def _check_place(key: str, folder: Path) -> None:
    """Raise `UserError` where a folder cannot be made: a file is in its way, or its name is none."""
    try:
        way = next((path for path in (folder, *folder.parents) if path.exists()), folder)
        fits = way.is_dir()
    except (OSError, ValueError):
        fits = False
    if not fits:
        raise UserError(f"{key}: expected a folder that can be made, received {folder}")


def without_credentials(words: list[str]) -> list[str]:
    """The words with the password of a tracking server moved to MLflow's own variables."""
    key = "tracking.uri="
    return [key + move_credentials(word.removeprefix(key)) if word.startswith(key) else word for word in words]
