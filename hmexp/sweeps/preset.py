"""The best point of a sweep as a preset that can be run."""

from pathlib import Path
from typing import Any

import yaml

from hmexp.config.schemas import GROUPS

NAME = "winner"
LEFT_OUT = ("paths", "tracking", "resume", "rerun", "fork", "seeds", "folds")
"""Sections that say where and how often, not what."""


def save_preset(folder: Path, job_dir: Path, truncated: bool, header: str) -> Path:
    """Write `FOLDER/experiment/winner.yaml`, which `--config-dir FOLDER experiment=winner` runs.

    It holds the whole configuration of the best job, so that it needs no other preset, and no run, to be there.

    Args:
        folder: Of the sweep.
        job_dir: Of the best job.
        truncated: Whether the search ended the job early, which the preset does not.
        header: What the preset is; a comment.
    """
    config: dict[str, Any] = yaml.safe_load((job_dir / "config.yaml").read_text(encoding="utf-8"))
    about = yaml.safe_load((job_dir / ".hydra" / "hydra.yaml").read_text(encoding="utf-8"))
    chosen = {group: option for group, option in about["choices"].items() if group in GROUPS and group not in LEFT_OUT}
    values = {key: value for key, value in config.items() if key not in LEFT_OUT}
    values["data"]["split"] |= {"folds": None, "fold": 0}
    if truncated:
        values["trainer"]["stop_after"] = None
    content = {"defaults": [*({f"override /{group}": option} for group, option in chosen.items()), "_self_"]} | values
    path = folder / "experiment" / f"{NAME}.yaml"
    path.parent.mkdir(exist_ok=True)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path.write_text(f"# @package _global_\n# {header}\n{text}", encoding="utf-8")
    return path
