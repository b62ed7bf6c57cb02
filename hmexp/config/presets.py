"""Where Hydra finds presets: `experiments/NAME.yaml`, shipped or in the current directory, as `experiment=NAME`.

Hydra looks for the group `experiment` in a folder of that name. This source gives it a folder of another name.
"""

import io
from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import Container, OmegaConf

from hmexp.compat.hydra import FileConfigSource as HydraFileSource
from hmexp.compat.hydra import header_of, use_source
from hmexp.config.errors import UserError

GROUP = "experiment"
HEADER_LETTERS = 4096
PACKAGE_DIR = Path(__file__).resolve().parent.parent


def shipped_dir(name: str) -> Path:
    """The folder `conf` or `experiments`: inside the package in a wheel, beside it in a checkout."""
    checkout = PACKAGE_DIR.parent / name
    return checkout if (PACKAGE_DIR.parent / "pyproject.toml").is_file() else PACKAGE_DIR / name


def read_config(path: Path) -> tuple[Container, dict[str, str | None]]:
    """Read a config file, whatever an editor has put before its first letter; gives what it holds, and its header.

    Raises:
        UserError: It is not UTF-8, its header says nothing that Hydra understands, or a value in it is none.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path}: expected YAML in UTF-8, received bytes that are none") from None
    stream = io.StringIO(text)
    stream.name = str(path)  # for YAML's errors
    try:
        return OmegaConf.load(stream), header_of(text[:HEADER_LETTERS])
    except RecursionError:
        raise UserError(f"{path}: expected YAML, received values in values, too deep to be read") from None
    except ValueError as error:  # a number that is none, a header of three words
        reason = " ".join(str(error).split("\n", 1)[0].split())
        raise UserError(f"{path}: expected YAML with a header such as # @package _global_, received {reason}") from None


class FileConfigSource(HydraFileSource):
    """A folder of configs, such as that of `--config-dir`: read like presets. It has the name of Hydra's: see there."""

    def load_config(self, config_path: str) -> ConfigResult:
        """Read one of its files."""
        path = Path(self.path) / self._normalize_file_name(config_path)
        if not path.is_file():
            return super().load_config(config_path)
        config, header = read_config(path)
        return ConfigResult(provider=self.provider, path=self.full_path(), config=config, header=header)


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
        config, header = read_config(self._file(config_path))
        return ConfigResult(provider=self.provider, path=self.full_path(), config=config, header=header)

    def is_group(self, config_path: str) -> bool:
        """Only the root and `experiment` are groups."""
        return config_path in ("", GROUP)

    def is_config(self, config_path: str) -> bool:
        """Whether `experiment/NAME` has a file."""
        try:
            return config_path.startswith(f"{GROUP}/") and self._file(config_path).is_file()
        except (OSError, ValueError):  # a name that is too long, or has a NUL in it
            return False

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
    """Let Hydra look in `./experiments` first, then in the shipped presets, and read all of its files as ours."""
    use_source(FileConfigSource)
    folders = {Path.cwd() / "experiments": "yours", shipped_dir("experiments"): "hmexp"}
    for folder, provider in folders.items():
        search_path.append(provider, f"{PresetSource.scheme()}://{folder}")
