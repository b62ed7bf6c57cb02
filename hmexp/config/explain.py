"""Hydra's and OmegaConf's errors, said in one line."""

import errno
import re
import traceback
from dataclasses import fields, is_dataclass
from pathlib import Path

import yaml
from hydra.core.config_store import ConfigStore
from hydra.errors import CompactHydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException, ValidationError

from hmexp.compat.hydra import COMPOSING
from hmexp.config.errors import UserError, causes, invalid, unknown_key
from hmexp.config.keys import likely_key, options_with
from hmexp.config.schemas import GROUPS, LISTS
from hmexp.config.verbs import RunConfig

COMPOSERS = ("hydra", "omegaconf", "yaml", "antlr4")
"""Libraries that compose: what they raise while they do is about the words and files that they were given."""


def explain(error: BaseException) -> str | None:
    """Say a composition error in one line, or None where it is not the user's input that is wrong."""
    chain = list(causes(error))
    for cause in chain:
        if isinstance(cause, UserError):
            return str(cause)
    for cause in chain:
        if isinstance(cause, yaml.YAMLError):
            return _broken_yaml(cause)
        if isinstance(cause, MissingConfigException):
            return _missing_option(cause)
        if isinstance(cause, OverrideParseException):
            return f"{cause.override}: expected KEY=VALUE in Hydra's grammar, received {_first_line(cause)}"
    for cause in chain:
        if isinstance(cause, OmegaConfBaseException) and cause.full_key:
            return _bad_value(cause, error)
    if isinstance(error, CompactHydraException | OmegaConfBaseException):
        return _ambiguous(error) or _first_line(error)
    return _bad_place(error) or _uncomposable(error)


def _ambiguous(error: BaseException) -> str | None:
    """Several values where there is one, or None."""
    found = re.match(r"Ambiguous value for argument '([^=']*)=(.*)'\n", str(error))
    if found is None:
        return None
    key, value = found.groups()
    return f"{key}: expected one value, received {value} (a list is {key}=[{value}]; a sweep over them has -m)"


def _uncomposable(error: BaseException) -> str | None:
    """What the libraries that compose raise of themselves where they cannot, or None."""
    refusals = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError)
    too_long = isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG
    if not (isinstance(error, refusals) or too_long):
        return None
    modules = [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    rooms = [name.partition(".")[0] for name in modules]
    raised_in = next((room for room in reversed(rooms) if room in (*COMPOSERS, "hmexp")), "")
    if raised_in not in COMPOSERS or not set(modules) & {*COMPOSING, "hmexp.config.schemas"}:
        return None
    received = "values in values, too deep to be read" if isinstance(error, RecursionError) else _first_line(error)
    return f"configuration: expected words and files that can be composed, received {received}"


def _bad_place(error: BaseException) -> str | None:
    """A folder or a file that the user may not touch, or None."""
    if isinstance(error, PermissionError | NotADirectoryError) and error.filename:
        return f"{error.filename}: expected a place that can be read and written, received {error.strerror}"
    return None


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split("\n", 1)[0].split())


def _broken_yaml(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"{mark.name}, line {mark.line + 1}" if mark else "a config file"
    return f"{place}: expected YAML, received {getattr(error, 'problem', None) or _first_line(error)}"


def _missing_option(error: MissingConfigException) -> str:
    file = error.missing_cfg_file or ""
    group, _, name = str(file).rpartition("/")
    options = [option for option in error.options or () if option != "schema"]
    if not group:
        return _first_line(error)
    if group in LISTS:  # Hydra lists options only where one of them is chosen
        options = sorted({Path(name).stem for name in ConfigStore.instance().repo.get(group, {})} | set(GROUPS[group]))
    if not options:
        return f"{group}: expected a group of the configuration, received {group}={name}"
    return str(invalid(group, f"one of {', '.join(options)}", name, options))


def _bad_value(cause: OmegaConfBaseException, outer: BaseException) -> str:
    """A key that does not exist, or a value of the wrong type."""
    key = str(cause.full_key)
    schema = cause.object_type
    message = _first_line(cause.__cause__ or cause)
    if isinstance(cause, InterpolationResolutionError):
        return f"{key}: expected ${{...}} of a key that is there, received {_first_line(cause)}"
    if not isinstance(cause, ValidationError) and isinstance(schema, type) and is_dataclass(schema):
        prefix = key.rpartition(".")[0]
        valid = [f"{prefix}.{f.name}" if prefix else f.name for f in fields(schema)]
        if elsewhere := options_with(key):
            group = elsewhere[0].partition("=")[0]
            return (
                f"{key}: expected a key of the chosen {group}, received one of {' and '.join(elsewhere)}{_place(outer)}"
            )
        likely = likely_key(key) if prefix or issubclass(schema, RunConfig) else None
        return f"{unknown_key(key, valid, likely)}{_place(outer)}"
    if (section := key.partition(".")[0]) in LISTS and "not in struct" in message:
        name = key.split(".")[1]
        return (
            f"{key}: expected an option that the command chooses, received {name} (choose it with {section}=[{name}])"
        )
    if "is not a subclass of" in message:
        group = key.replace(".", "/")
        return f"{key}: expected keys of that group, received a name (an option is chosen with {group}=NAME)"
    wrong_type = re.search(r"Value '(.*)' of type '(\w+)' (?:could not be converted to|is not a valid) (\w+)", message)
    if wrong_type:
        value, _, kind = wrong_type.groups()
        return str(invalid(key, f"a value of type {kind.lower()}", value)) + _place(outer)
    return f"{key}: {message}{_place(outer)}"


def _place(outer: BaseException) -> str:
    """Where a file rather than the command line holds the mistake."""
    file = re.match(r"In '([^']+)': \w+ raised while composing", str(outer))
    return f" in {file.group(1)}.yaml" if file else ""
