"""Hydra's flags, read by its own parser: abbreviated, in any order, and answered in one line where they do not fit."""

import re
from argparse import Namespace
from collections.abc import Sequence
from typing import NoReturn

from hmexp.compat.hydra import flags_parser
from hmexp.config.errors import UserError
from hmexp.config.invocation import MULTIRUN_FLAGS

MODES = ("run", "multirun", "cfg", "info", "shell_completion")
"""What a command can be for; one at a time."""
SWITCHES = ("help", "hydra_help", "run", "multirun", "shell_completion", "resolve")
VALUED = ("cfg", "info", "package", "config_dir", "config_name", "config_path", "experimental_rerun")
REFUSED_FLAGS = {
    **dict.fromkeys(
        ("--config-name", "-cn", "--config-path", "-cp"), "--config-dir DIR, which puts your configs beside hmexp's"
    ),
    "--experimental-rerun": "rerun=RUN, which reads a configuration and unpickles nothing",
}
"""Flags of Hydra's that hmexp has another way for -> that way."""


def flags_first(words: list[str]) -> list[str]:
    """The words with their flags written out and in front: behind a flag Hydra takes no more of them.

    Raises:
        UserError: Flags that are unknown, lack their value or exclude each other, or a word that could only be a flag.
    """
    parser = flags_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    found = parser.parse_intermixed_args(words)
    _check_together(found)
    for word in found.overrides:
        if word.startswith("-"):
            raise UserError(f"{word}: expected KEY=VALUE, received {word}")
    flags = [_flag(name) for name in SWITCHES if getattr(found, name)]
    flags += [f"{_flag(name)}={value}" for name in VALUED if (value := getattr(found, name)) is not None]
    return [*flags, *found.overrides]


def check_flags(words: Sequence[str], verb: str, sweeping: Sequence[str]) -> None:
    """Refuse flags that hmexp has another way for, and a sweep of a verb that does not sweep.

    Args:
        words: As they were typed, or as `flags_first` gives them.
        verb: The name of the command's verb.
        sweeping: Names of the verbs that sweep.

    Raises:
        UserError: Such a flag.
    """
    for word in words:
        flag = word.partition("=")[0]
        if flag in REFUSED_FLAGS:
            raise UserError(f"{flag}: expected {REFUSED_FLAGS[flag]}, received {flag}")
        sweeps = word in MULTIRUN_FLAGS or re.fullmatch(r"hydra\.mode=['\"]?MULTIRUN['\"]?", word)
        if sweeps and verb not in sweeping:
            raise UserError(f"{flag}: expected a verb that sweeps ({', '.join(sweeping)}), received {verb}")


def _check_together(found: Namespace) -> None:
    given = [_flag(name) for name in MODES if getattr(found, name)]
    if len(given) > 1:
        raise UserError(f"{given[0]}: expected one of {', '.join(map(_flag, MODES))}, received {' and '.join(given)}")
    if found.resolve and found.cfg is None:
        raise UserError("--resolve: expected --cfg beside it, received it alone")
    if found.config_dir == "":
        raise UserError("--config-dir: expected a folder, received nothing")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _refuse(message: str) -> NoReturn:
    """Say in hmexp's words what the parser says."""
    unknown = re.fullmatch(r"unrecognized arguments: (.*)", message, re.DOTALL)
    if unknown:
        from hmexp.config.keys import likely_key

        name, _, value = unknown[1].split()[0].partition("=")
        key = likely_key(name.lstrip("-"))
        if key is not None:
            raise UserError(f"{name}: expected KEY=VALUE, received a flag (did you mean {key}={value or '...'}?)")
        raise UserError(f"{unknown[1]}: expected flags that --hydra-help lists, received unknown ones")
    of_flag = re.fullmatch(r"argument (\S+): (.*)", message, re.DOTALL)
    raise UserError(f"{of_flag[1]}: {of_flag[2]}" if of_flag else f"flags: {message}")
