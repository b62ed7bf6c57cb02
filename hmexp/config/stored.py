"""A recorded run's configuration as the base of a new composition: `resume=`, `rerun=`, `fork=`.

The stored values go into Hydra's ConfigStore as an option of the hidden group `stored`, which stands between the
groups and the presets in the defaults list; so what the user gives on top wins, and is checked as ever.
"""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import yaml
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from hmexp.config.errors import UserError
from hmexp.config.fields import default_of
from hmexp.config.quoting import WORDS_OF_HYDRA, plugin_modules
from hmexp.config.schemas import LISTS
from hmexp.config.secrets import HIDDEN

GROUP = "stored"
KINDS = ("resume", "rerun", "fork")
PLACES = ("paths", "tracking", "name")
"""Keys that say where things go and what they are called: a new run takes them from its own command."""
BAKED_IN = ("experiment", "debug", GROUP)
"""Groups whose values are in the stored config already."""


def run_words(words: list[str]) -> dict[str, str]:
    """The keys among `words` that name a stored run, and the RUN that each names."""
    given = (word.partition("=") for word in words)
    named = {key: value.strip("'\"") for key, _, value in given if key in (*KINDS, "run")}
    return {key: value for key, value in named.items() if value not in WORDS_OF_HYDRA}


def base_words(job_dir: Path, words: list[str], leave_out: tuple[str, ...] = ()) -> list[str]:
    """The words that put a stored run below the user's.

    A group that the user chooses anew (`model=resnet`) brings its own values: the stored ones are left out.

    Args:
        job_dir: Folder of the stored run.
        words: The user's overrides.
        leave_out: Sections that the command gives, not the stored run.

    Raises:
        UserError: A preset on top: it would fight with the stored values.
    """
    given = {re.split("[=@]", word.lstrip("+~"))[0] for word in words}
    if "experiment" in given:
        raise UserError("experiment: expected no preset on top of a stored run, received one; give its keys instead")
    choices = stored_choices(job_dir)
    config = stored_config(job_dir)
    choices |= {group: f"[{','.join(map(str, config.get(group, {})))}]" for group in LISTS}
    kept = {group: option for group, option in choices.items() if group not in (*BAKED_IN, *leave_out)}
    anew = {group for group in kept if group in given or any(group.startswith(f"{name}/") for name in given)}
    for key in (*KINDS, *leave_out, *(group.replace("/", ".") for group in anew)):
        _remove(config, key)
    name = re.sub(r"\W", "_", f"of_{job_dir.name}")  # the name of a sweep's job alone is a number
    ConfigStore.instance().store(group=GROUP, name=name, node=config, package="_global_", provider="hmexp")
    _check_plugins(job_dir.name, config, words)
    return [f"{GROUP}={name}", *(f"{group}={option}" for group, option in kept.items() if group not in anew)]


def _check_plugins(name: str, config: DictConfig, words: list[str]) -> None:
    """Raise `UserError` where a stored run needs modules that the command does not name: a folder runs no code."""
    needed = [str(module) for module in config.get("plugins", [])]
    missing = [module for module in needed if module not in plugin_modules(words)]
    if missing:
        expected = f"plugins=[{','.join(needed)}], which {name} was trained with, in the command"
        raise UserError(f"plugins: expected {expected}, received it without {', '.join(missing)}")


def stored_config(job_dir: Path) -> DictConfig:
    """The resolved config that a run was started with."""
    path = job_dir / "config.yaml"
    try:
        config = OmegaConf.load(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split("\n", 1)[0].split())
        raise UserError(f"{path}: expected the configuration of a run, received {reason}") from None
    if not isinstance(config, DictConfig):
        raise UserError(f"{path}: expected the configuration of a run, received a {type(config).__name__}")
    return config


def stored_choices(job_dir: Path) -> dict[str, str]:
    """Config group -> option that a run was started with.

    Raises:
        UserError: A damaged file.
    """
    path = job_dir / ".hydra" / "hydra.yaml"
    try:
        choices = OmegaConf.to_container(OmegaConf.load(path)).get("choices")  # type: ignore[union-attr]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError) as error:
        reason = " ".join(str(error).split("\n", 1)[0].split())
        raise UserError(f"{path}: expected the choices of a run, received {reason}") from None
    if not isinstance(choices, dict):
        raise UserError(f"{path}: expected the choices of a run, received none")
    return {str(group): str(option) for group, option in choices.items()}


def differences(config: object, stored: DictConfig, leave_out: tuple[str, ...]) -> list[str]:
    """`key=value (was old)` of each key whose value is not the stored one.

    A key that an earlier hmexp did not have had its default.

    Args:
        config: Dataclasses of the same kind.
        stored: As `stored_config` gives it.
        leave_out: Keys, or sections, that may differ.
    """
    now = _flat(OmegaConf.structured(config))
    then = _flat(stored)
    hidden = {key for key, value in then.items() if HIDDEN in value}  # a secret was not written down
    known = (key for key in now | then if key not in hidden)
    keys = [key for key in known if not any(key == name or key.startswith(f"{name}.") for name in leave_out)]
    before = {key: then[key] if key in then else _default(config, key) for key in keys}
    return [f"{key}={now.get(key)} (was {before[key]})" for key in keys if now.get(key) != before[key]]


def _default(config: object, key: str) -> str:
    """The default of a key of dataclasses, as text."""
    *sections, name = key.split(".")
    for section in sections:
        config = getattr(config, section, None)
    found = {field.name: field for field in fields(config)} if is_dataclass(config) else {}  # a mapping has none
    return str(default_of(found[name]) if name in found else None)


def _flat(config: DictConfig) -> dict[str, str]:
    """`section.key` -> text, lists whole."""
    flat: dict[str, str] = {}

    def walk(node: object, prefix: str) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, f"{prefix}.{key}" if prefix else str(key))
        else:
            flat[prefix] = str(node)

    walk(OmegaConf.to_container(config, resolve=True), "")
    return flat


def _remove(config: DictConfig, key: str) -> None:
    """Take a key, or a section, out of a config."""
    parent, _, name = key.rpartition(".")
    section = OmegaConf.select(config, parent) if parent else config
    if isinstance(section, DictConfig) and name in section:
        del section[name]
