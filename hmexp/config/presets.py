"""Where Hydra finds presets: `experiments/NAME.yaml`, shipped or in the current directory, as `experiment=NAME`.

Hydra looks for the group `experiment` in a folder of that name. This source gives it a folder of another name.
"""

import io
from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf

from hmexp.compat.hydra import header_of
from hmexp.config.errors import UserError

GROUP = "experiment"
PACKAGE_DIR = Path(__file__).resolve().parent.parent


def shipped_dir(name: str) -> Path:
    """The folder `conf` or `experiments`: inside the package in a wheel, beside it in a checkout."""
    checkout = PACKAGE_DIR.parent / name
    return checkout if (PACKAGE_DIR.parent / "pyproject.toml").is_file() else PACKAGE_DIR / name


class PresetSource(ConfigSource):
    """A folder of presets that Hydra sees as the group `experiment`."""

    @staticmethod
    def scheme() -> str:
        """The scheme in Hydra's search path: `presets://FOLDER`."""
        return "presets"

    def available(self) -> bool:
        """Whether the folder is there."""
        return Path(self.path).is_dir()

    def load_config(self, config_path: str) -> ConfigResult:
        """Read `experiment/NAME` from `FOLDER/NAME.yaml`."""
        path = self._file(config_path)
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UserError(f"{path}: expected YAML in UTF-8, received bytes that are none") from None
        stream = io.StringIO(text)
        stream.name = str(path)  # for YAML's errors
        config = OmegaConf.load(stream)
        header = header_of(text[:4096])
        return ConfigResult(provider=self.provider, path=self.full_path(), config=config, header=header)

    def is_group(self, config_path: str) -> bool:
        """Only the root and `experiment` are groups."""
        return config_path in ("", GROUP)

    def is_config(self, config_path: str) -> bool:
        """Whether `experiment/NAME` has a file."""
        return config_path.startswith(f"{GROUP}/") and self._file(config_path).is_file()

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Names under the root (`experiment`) or under `experiment` (the presets)."""
        if config_path == "":
            return [GROUP] if results_filter in (None, ObjectType.GROUP) else []
        if config_path != GROUP or results_filter == ObjectType.GROUP:
            return []
        return sorted(path.stem for path in Path(self.path).glob("*.yaml"))

    def _file(self, config_path: str) -> Path:
        name = config_path.removeprefix(f"{GROUP}/").removesuffix(".yaml")
        return Path(self.path) / f"{name}.yaml"


def add_preset_folders(search_path: ConfigSearchPath) -> None:
    """Let Hydra look in `./experiments` first, then in the shipped presets."""
    folders = {Path.cwd() / "experiments": "yours", shipped_dir("experiments"): "hmexp"}
    for folder, provider in folders.items():
        search_path.append(provider, f"{PresetSource.scheme()}://{folder}")
