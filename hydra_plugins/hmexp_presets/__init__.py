"""Hydra finds plugins only in this namespace; the code is in hmexp.config.presets."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from hmexp.config import presets


class PresetSource(presets.PresetSource):
    """`experiments/NAME.yaml` as `experiment=NAME`."""


class PresetSearchPath(SearchPathPlugin):
    """Adds the folders of presets to Hydra's search path."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called by Hydra once a command."""
        presets.add_preset_folders(search_path)
