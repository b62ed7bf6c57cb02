"""The keys of a configuration with their values and meanings, read from the schemas."""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields, is_dataclass
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from hmexp.compat.hydra import raw_node
from hmexp.config.errors import NEAR
from hmexp.config.fields import CHOICE, default_of
from hmexp.config.schemas import GROUPS, LISTS, VERBS
from hmexp.config.sweep import GridConfig, KerasTunerConfig, ProcessConfig

OTHER_NAMES = {
    **dict.fromkeys(("lr", "rate"), "learning_rate"),
    **dict.fromkeys(("batch", "bs", "train_batch_size"), "batch_size"),
    **dict.fromkeys(("max_epochs", "num_epochs", "n_epochs", "nb_epochs", "num_train_epochs"), "epochs"),
    **dict.fromkeys(("img_size", "imgsz", "image", "resolution", "input_size"), "image_size"),
    **dict.fromkeys(("gpu", "gpus", "cuda", "accelerator", "devices"), "device"),
    **dict.fromkeys(("wd", "decay", "l2"), "weight_decay"),
    **dict.fromkeys(("patience", "early_stop", "earlystopping"), "early_stopping"),
    **dict.fromkeys(("dtype", "amp", "fp16", "bf16", "mixed_precision"), "precision"),
    **dict.fromkeys(("dir", "path", "folder", "data_dir", "dataset"), "root"),
    **dict.fromkeys(("hidden", "channels", "filters"), "widths"),
    **dict.fromkeys(("random_state", "random_seed"), "seed"),
    **dict.fromkeys(("workers", "num_workers", "n_jobs", "jobs"), "n_workers"),
}
"""What other tools call a key -> the last part of its name here."""


@dataclass(frozen=True)
class Key:
    """A key.

    Attributes:
        path: In full, such as `trainer.epochs`.
        value: As it would be typed.
        field: Of the schema.
        schema: The dataclass that has the field.
    """

    path: str
    value: str
    field: "Field[Any]"
    schema: type

    @property
    def meaning(self) -> str:
        """The docstring below the field."""
        return meanings(self.schema).get(self.field.name, "")

    @property
    def options(self) -> tuple[str, ...]:
        """The words that may stand there; empty where there is no list of them."""
        if self.field.type in (bool, "bool"):
            return ("true", "false")
        words: tuple[str, ...] = self.field.metadata.get(CHOICE, ())
        return words


@dataclass(frozen=True)
class Keys:
    """Keys that belong together.

    Attributes:
        option: The option of a group that has them, such as `model=cnn3`, or the group where there is one option;
            empty for those of the verb itself.
        summary: What that option is.
        keys: In the order of the schema.
    """

    option: str
    summary: str
    keys: tuple[Key, ...]


def keys_of_options(schema: type, prefix: str = "") -> list[Keys]:
    """The keys of a verb with their defaults: its own, then those of every option of every group.

    Args:
        schema: Of the verb, or of a part of a configuration.
        prefix: The place of that part, such as `hydra.sweeper.`.
    """
    return _grouped(_Walk(None, {}), schema, prefix)


def keys_of_choice(schema: type, tree: DictConfig, choices: Mapping[str, str]) -> list[Keys]:
    """The keys of a verb as a command sets them: its own, then those of the options that it chooses.

    Args:
        schema: Of the verb.
        tree: What the command's words compose.
        choices: Config group -> chosen option.
    """
    return _grouped(_Walk(tree, choices), schema, "")


def sweep_keys() -> list[Keys]:
    """The keys of the sweepers and of the launcher; those that both sweepers have once."""
    chosen = {
        "hydra/sweeper=grid": ("hydra.sweeper.", GridConfig),
        "hydra/sweeper=keras_tuner": ("hydra.sweeper.", KerasTunerConfig),
        "hydra/launcher=process": ("hydra.launcher.", ProcessConfig),
    }
    seen: set[str] = set()
    groups = []
    for option, (prefix, schema) in chosen.items():
        (own, *_) = keys_of_options(schema, prefix)
        groups.append(Keys(option, own.summary, tuple(key for key in own.keys if key.path not in seen)))
        seen |= {key.path for key in own.keys}
    return groups


def options_of(group: str) -> dict[str, type]:
    """The options of a group, such as `model` or `data/merge`, by their schemas; those of plugins come last."""
    store = ConfigStore.instance()
    own = dict(GROUPS[group])
    nodes = {name: store.load(f"{group}/{name}.yaml").node for name in names_in_store(group) if name not in own}
    schemas = {name: OmegaConf.get_type(node) for name, node in nodes.items()}
    return own | {name: each for name, each in schemas.items() if isinstance(each, type) and is_dataclass(each)}


def names_in_store(group: str) -> list[str]:
    """The options of a group, or the presets, that plugins have put into Hydra's store."""
    try:
        found = ConfigStore.instance().list(group)
    except OSError:  # none has
        return []
    return [name.removesuffix(".yaml") for name in found if name.endswith(".yaml")]


def likely_key(key: str, verb: str = "train") -> str | None:
    """The key of a verb that somebody may have meant who typed `lr`, `epochs` or `trainer.epoch`; None for none."""
    section, _, last = key.replace("-", "_").rpartition(".")
    last = OTHER_NAMES.get(last, last)
    found: list[tuple[float, str]] = []
    for path in _paths(verb):
        own_section, _, name = path.rpartition(".")
        likeness = SequenceMatcher(None, last, name).ratio()
        if likeness > NEAR:
            found.append((likeness + (own_section == section) * 0.2, path))
    return max(found, key=lambda each: each[0])[1] if found else None  # the first of equals: `max` is stable


def options_with(key: str) -> list[str]:
    """The options of a training that have a key, such as `optimizer=muon` for `optimizer.adam_ratio`."""
    return [keys.option for keys in keys_of_options(VERBS["train"])[1:] if any(each.path == key for each in keys.keys)]


@cache
def meanings(schema: type) -> dict[str, str]:
    """Field -> the docstring below it, of a dataclass and of its parents."""
    if schema is object:
        return {}
    docs = {name: doc for parent in reversed(schema.__bases__) for name, doc in meanings(parent).items()}
    body = ast.parse(textwrap.dedent(inspect.getsource(schema))).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for field, doc in pairwise(statements):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            value = doc.value if isinstance(doc, ast.Expr) else None
            if isinstance(value, ast.Constant):
                docs[field.target.id] = " ".join(str(value.value).split())
    return docs


@cache
def _paths(verb: str) -> tuple[str, ...]:
    own, *groups = keys_of_options(VERBS[verb])
    return tuple(key.path for group in (*groups, own) for key in group.keys)


def _grouped(walk: "_Walk", schema: type, prefix: str) -> list[Keys]:
    """The verb's own keys first: those that only it has before those that it shares."""
    below: list[Keys] = []
    keys = tuple(walk.keys(schema, prefix, below))
    alone = [prefix + name for name in inspect.get_annotations(schema)]
    own = [key for key in keys if key.path in alone]
    shared = [key for key in keys if key.path not in alone]
    once = {keys.option: keys for keys in below}  # a group within several options of another one is found in each
    return [Keys("", _summary(schema), (*own, *shared)), *once.values()]


@dataclass(frozen=True)
class _Walk:
    """Walks a schema: with the values of `tree` where there is one, else with defaults, through all options."""

    tree: DictConfig | None
    choices: Mapping[str, str]

    def keys(self, schema: type, prefix: str, below: list[Keys]) -> Iterator[Key]:
        """Keys of a schema itself; those of groups are put into `below`."""
        for field in fields(schema):
            if field.name.startswith("_"):
                continue
            path = f"{prefix}{field.name}"
            kind = field.type if isinstance(field.type, type) else object
            if path.replace(".", "/") in GROUPS:
                below += self._options(path, kind)
            elif is_dataclass(kind):
                yield from self.keys(kind, f"{path}.", below)
            else:
                yield Key(path, self._value(field, path), field, schema)

    def _options(self, path: str, kind: type) -> Iterator[Keys]:
        """The keys of a group's options, those of groups within it after them."""
        group = path.replace(".", "/")
        listed = group in LISTS
        for option, schema in self._chosen(path, kind).items():
            below: list[Keys] = []
            within = f"{path}.{option}." if listed else f"{path}."
            name = f"{group}=[{option}]" if listed else f"{group}={option}".removesuffix("=default")
            yield Keys(name, _summary(schema), tuple(self.keys(schema, within, below)))
            yield from below

    def _chosen(self, path: str, kind: type) -> dict[str, type]:
        group = path.replace(".", "/")
        if self.tree is None:
            return {name: schema for name, schema in options_of(group).items() if issubclass(schema, kind)}
        node = OmegaConf.select(self.tree, path)
        if group in LISTS:
            found = {str(name): OmegaConf.get_type(raw_node(node, str(name))) for name in node or ()}
        else:
            found = {self.choices.get(group, "default"): OmegaConf.get_type(node)}
        return {name: schema for name, schema in found.items() if isinstance(schema, type) and is_dataclass(schema)}

    def _value(self, field: "Field[Any]", path: str) -> str:
        if self.tree is None:
            return typed(default_of(field))
        parent, _, name = path.rpartition(".")
        node = OmegaConf.select(self.tree, parent) if parent else self.tree
        values: Any = OmegaConf.to_container(node, resolve=False)
        return typed(values[name])


def typed(value: Any) -> str:  # noqa: ANN401
    """A value as it would be typed: `null`, `true`, `[4,8]`, `{a: 1}`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {typed(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(typed, value)) + "]"
    return str(value)


def _summary(schema: type) -> str:
    return (inspect.getdoc(schema) or "").split("\n", 1)[0]
