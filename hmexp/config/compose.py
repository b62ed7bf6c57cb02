"""Composing a configuration outside the command line: Hydra's compose API, in any thread, without a trace."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf, open_dict

from hmexp.config.errors import UserError, unknown_key
from hmexp.config.explain import explain
from hmexp.config.presets import shipped_dir
from hmexp.config.quoting import quote
from hmexp.config.schemas import register_schemas

ONE_AT_A_TIME = threading.RLock()
"""Hydra keeps what it composes with in the process."""


@dataclass(frozen=True)
class Composed:
    """A composed configuration.

    Attributes:
        tree: As Hydra has it, without its own section.
        choices: Config group -> chosen option.
    """

    tree: DictConfig
    choices: tuple[tuple[str, str], ...]


def compose_words(words: Sequence[str], config: str = "train") -> Composed:
    """Compose what a command of these words would run with.

    Args:
        words: As on the command line, behind the verb; free text needs no quotes.
        config: Primary config, a file of `conf/`.

    Raises:
        UserError: Words that cannot be composed.
    """
    flag = next((word for word in words if word.startswith("-") or "=" not in word.lstrip("~")), None)
    if flag is not None and not flag.startswith("~"):
        raise UserError(f"{flag}: expected KEY=VALUE, received {flag}")
    with ONE_AT_A_TIME, _own_hydra(), explained():
        cfg = compose(config, [quote(word) for word in words], return_hydra_config=True)
        groups: Mapping[str, Any] = cfg.hydra.runtime.choices
        own = {group: str(option) for group, option in groups.items() if not group.startswith(("hydra", "schema"))}
        with open_dict(cfg):
            del cfg["hydra"]
    return Composed(cfg, tuple(sorted((group, option) for group, option in own.items() if option != "None")))


def put_values(tree: DictConfig, section: str, values: Mapping[str, Any]) -> None:
    """Put Python's values into a section of a composed configuration.

    Raises:
        UserError: A key that the section does not have, or a value of another type.
    """
    for name, value in values.items():
        schema: Any = OmegaConf.get_type(tree, section)
        known = [key.name for key in fields(schema)]
        if name not in known:
            raise unknown_key(f"{section}.{name}", [f"{section}.{key}" for key in known])
        with explained():
            OmegaConf.update(tree, f"{section}.{name}", value, merge=True)


@contextmanager
def explained() -> Iterator[None]:
    """Say what Hydra and OmegaConf refuse in one line."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        raise UserError(line) from error


@contextmanager
def _own_hydra() -> Iterator[None]:
    """Hydra set up for hmexp's configs inside the block, and afterwards as it was."""
    register_schemas()
    state = GlobalHydra.instance()
    before, state.hydra = state.hydra, None
    try:
        with initialize_config_dir(str(shipped_dir("conf")), version_base="1.3"):
            yield
    finally:
        state.hydra = before
