"""Hydra's and OmegaConf's private names are what hmexp takes them for, in the versions that are installed."""

import importlib

import hydra
import omegaconf
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from omegaconf import DictConfig, OmegaConf

from hmexp.compat import hydra as compat
from hmexp.config.flags import SWITCHES, VALUED


def test_it_was_checked_against_these_versions():
    assert hydra.__version__.startswith(f"{compat.CHECKED['hydra']}.")
    assert omegaconf.__version__.startswith(f"{compat.CHECKED['omegaconf']}.")


def test_words_are_put_into_a_configuration():
    loader = ConfigLoaderImpl(ConfigSearchPathImpl())
    cfg = OmegaConf.create({"model": {"dropout": 0.0, "widths": [1]}})
    OmegaConf.set_struct(cfg, True)
    compat.put_words(loader, ["model.dropout=0.2", "model.widths=[2,3]", "+model.norm=batch"], cfg)
    assert cfg == {"model": {"dropout": 0.2, "widths": [2, 3], "norm": "batch"}}


def test_the_header_of_a_config_file():
    assert compat.header_of("# @package _global_\nseed: 1\n") == {"package": "_global_"}
    assert compat.header_of("seed: 1\n").get("package") is None


def test_a_node_is_not_resolved():
    cfg = OmegaConf.create({"a": "${b}", "b": {"c": 1}})
    assert not isinstance(compat.raw_node(cfg, "a"), DictConfig)
    assert isinstance(compat.raw_node(cfg, "b"), DictConfig)


def test_hydras_flags_are_these():
    found = compat.flags_parser().parse_intermixed_args(["a=1", "-m", "b=2", "--config-dir", "x"])
    assert found.overrides == ["a=1", "b=2"]
    assert found.multirun
    assert found.config_dir == "x"
    switches = {name for name, value in vars(found).items() if isinstance(value, bool)}
    assert switches == set(SWITCHES)
    assert set(vars(found)) - switches - {"overrides"} == set(VALUED)


def test_a_source_takes_the_place_of_hydras_own(monkeypatch):
    class FileConfigSource(compat.FileConfigSource):
        pass

    registry = compat.SourcesRegistry.instance()
    monkeypatch.setattr(registry, "types", {"file": compat.FileConfigSource})
    compat.use_source(FileConfigSource)
    registry.register(compat.FileConfigSource)  # as a launcher's process does
    assert registry.resolve("file") is FileConfigSource


def test_composing_is_done_in_these_modules():
    for name in compat.COMPOSING:
        assert importlib.import_module(name)
