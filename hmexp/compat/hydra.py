"""What hmexp takes from Hydra and OmegaConf that they do not export; checked against `CHECKED`.

`tests/compat/test_hydra.py` fails where one of these names changes.
"""

import argparse
from collections.abc import Sequence
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra._internal.utils import get_args_parser
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.config_source import ConfigSource
from omegaconf import DictConfig

__all__ = ["FileConfigSource", "flags_parser", "header_of", "put_words", "raw_node", "use_source"]
CHECKED = {"hydra": "1.3", "omegaconf": "2.3"}
COMPOSING = (
    "hydra._internal.config_loader_impl",
    "hydra._internal.hydra",
    "hydra.core.override_parser.overrides_parser",
)
"""Modules that read words and files, and set Hydra up as they say."""


def put_words(loader: ConfigLoader, words: Sequence[str], cfg: DictConfig) -> None:
    """Put words such as `model.dropout=0.2` into a composed configuration, as Hydra does it while it composes."""
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(words))
    ConfigLoaderImpl._apply_overrides_to_config(parsed, cfg)


def header_of(text: str) -> dict[str, str | None]:
    """What the first lines of a config file say to Hydra, such as `# @package _global_`."""
    return ConfigSource._get_header_dict(text)


def use_source(source: type[ConfigSource]) -> None:
    """Let Hydra read all places of a scheme with this class, in place of its own, whose name it has to have.

    A launcher's process registers Hydra's own once more: one of the same name is left out, any other is an error.
    """
    if source.scheme() in SourcesRegistry.instance().types:
        name = SourcesRegistry.instance().types[source.scheme()].__name__
        assert source.__name__ == name, f"expected a class called {name}"
    SourcesRegistry.instance().types[source.scheme()] = source


def flags_parser() -> argparse.ArgumentParser:
    """The parser of Hydra's flags, with the words that are none under `overrides`."""
    return get_args_parser()


def raw_node(cfg: DictConfig, key: str) -> Any:  # noqa: ANN401
    """The node at `key`, with no interpolation resolved; the public `cfg[key]` resolves."""
    return cfg._get_node(key)
