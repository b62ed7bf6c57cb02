"""The best point of a sweep as a preset that can be run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from hmexp.config.schemas import GROUPS

NAME = "winner"
LEFT_OUT = ("paths", "tracking", "hydra", "plugins", "resume", "rerun", "fork", "seeds", "folds")
PRESET_GROUPS = (*GROUPS, "debug")


def save_preset(folder: Path, words: Sequence[str], header: str) -> Path:
    """Write `FOLDER/experiment/winner.yaml`, which `--config-dir FOLDER experiment=winner` runs.

    Args:
        folder: Of the sweep.
        words: All words of the best point.
        header: What the preset is; a comment.
    """
    groups: list[Any] = []
    values: dict[str, Any] = {}
    for override in OverridesParser.create().parse_overrides(list(words)):
        key = override.key_or_group
        if key.split(".")[0].split("/")[0] in LEFT_OUT or override.is_delete():
            continue
        if key == "experiment":  # a preset of presets: its deltas come first
            groups.insert(0, str(override.value()))
        elif key in PRESET_GROUPS:
            groups.append({f"override /{key}": override.value()})
        else:
            _set(values, key.split("."), override.value())
    content = {"defaults": [*groups, "_self_"]} | values if groups else values
    path = folder / "experiment" / f"{NAME}.yaml"
    path.parent.mkdir(exist_ok=True)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True) if content else ""
    path.write_text(f"# @package _global_\n# {header}\n{text}", encoding="utf-8")
    return path


def _set(values: dict[str, Any], keys: Sequence[str], value: object) -> None:
    """Set a nested value."""
    for key in keys[:-1]:
        values = values.setdefault(key, {})
    values[keys[-1]] = value
