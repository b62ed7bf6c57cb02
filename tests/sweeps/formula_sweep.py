"""A sweep as `hmexp -m` runs it, whose jobs compute a formula instead of training.

Each job leaves in its folder what a run leaves that a sweep looks at. `executed.log` in the current folder has a line
a beginning and a line an end.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from hmexp.config.presets import shipped_dir
from hmexp.config.schemas import register_schemas
from hmexp.console import set_up_console


def say(line: str) -> None:
    with Path("executed.log").open("a") as stream:
        stream.write(line + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def job(cfg: DictConfig) -> float:
    folder = Path(HydraConfig.get().runtime.output_dir)
    epochs = cfg.trainer.stop_after or cfg.trainer.epochs
    say(f"begin {folder.name} epochs={epochs} fork={Path(cfg.fork or '').name or None} resume={bool(cfg.resume)}")
    record = {"run_id": folder.name, "root": str(Path.cwd()), "status": "RUNNING"}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=True))
    (folder / ".hydra").mkdir(exist_ok=True)
    choices = {group: option for group, option in HydraConfig.get().runtime.choices.items() if "hydra" not in group}
    OmegaConf.save(OmegaConf.create({"choices": choices}), folder / ".hydra" / "hydra.yaml")
    time.sleep(0.03)
    checkpoint = folder / "checkpoints" / f"epoch-{epochs:06d}-step-00000000"
    checkpoint.mkdir(parents=True, exist_ok=True)
    (checkpoint / "state.json").write_text("{}")
    rate, dropout = cfg.optimizer.learning_rate, cfg.model.dropout
    value = 1 - 0.02 * (epochs < cfg.trainer.epochs) - 100 * abs(rate - 0.003) - (dropout - 0.3) ** 2
    (folder / "metrics.json").write_text(json.dumps({"best/val/macro_f1": value}))
    (folder / "run.json").write_text(json.dumps(record | {"status": "FINISHED"}))
    say(f"end {folder.name}")
    return value


def main(words: Sequence[str]) -> None:
    """Sweep as `hmexp WORDS` does."""
    register_schemas()
    set_up_console()
    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv = ["hmexp", *words]
    hydra.main(version_base="1.3", config_path=str(shipped_dir("conf")), config_name="train")(job)()
