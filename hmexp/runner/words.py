"""What a run is about to do, in a few lines, before it does it."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from rich.filesize import decimal

from hmexp.config.record import MlflowTracking
from hmexp.config.verbs import RunConfig
from hmexp.models.memory import Size
from hmexp.runner.assemble import Assembly

USUAL = {"loss": "cross_entropy", "schedule": "constant", "augment": "none"}
"""Options that go without saying."""


def in_words(
    assembly: Assembly, size: Size | None, precision: str, choices: Mapping[str, str], done: int
) -> list[tuple[str, str]]:
    """Data, model, device, training: name and words of each.

    Args:
        assembly: Of the run.
        size: Of its network; None where it is known once it is built.
        precision: That it computes in.
        choices: Group -> option, as the command chose them.
        done: Epochs of the checkpoint that it starts from.
    """
    config, data, device = assembly.config, assembly.data, assembly.device
    sizes = ", ".join(f"{num:,} in {split}" for split, num in data.sizes().items())
    side, classes = config.data.image_size, len(data.class_names)
    name = choices.get("model", "a network") if assembly.network is None else assembly.network.name
    facts = [
        ("data", f"{data.catalogue.name}: {sizes}; {classes} classes, {side}x{side} pixels"),
        ("model", name + _large(size, config.trainer.batch_size)),
        ("device", f"{device.words}, {precision}, {config.backend}"),
        ("pictures", assembly.feeding.placement.words),
        ("training", _training(assembly, choices, done)),
    ]
    monitor = ("kept", f"the epoch that is best by {config.trainer.monitor}")
    return [*facts, monitor] if config.trainer.mode in ("fit", "overfit") else facts


def goes_to(config: RunConfig, job_dir: Path) -> list[tuple[str, str]]:
    """Where the run is to be found."""
    folder = ("goes to", shlex.quote(str(job_dir)))
    tracking = config.tracking
    if not isinstance(tracking, MlflowTracking):
        return [folder]
    return [folder, ("recorded", f"in MLflow's experiment {tracking.experiment}")]


def _large(size: Size | None, batch_size: int) -> str:
    if size is None:
        return ""
    return f": {size.parameters:,} parameters, about {decimal(size.training_bytes(batch_size))} to train it"


def _training(assembly: Assembly, choices: Mapping[str, str], done: int) -> str:
    """How long it trains, and with what."""
    config, cfg = assembly.config, assembly.config.trainer
    unusual = [f"{group}={choices[group]}" for group, usual in USUAL.items() if choices.get(group, usual) != usual]
    optimizer = type(config.optimizer).__name__.removesuffix("Config").lower()
    how = ", ".join([optimizer, f"learning rate {config.optimizer.learning_rate:g}", *unusual])
    if cfg.mode == "lr_find":
        return f"{cfg.probe_steps:,} steps of {cfg.batch_size} pictures with {optimizer}, at rising learning rates"
    if cfg.mode == "profile":
        return f"{cfg.probe_steps:,} steps of {cfg.batch_size} pictures, {how}"
    first, last = done + 1, cfg.last_epoch
    if first > last:
        return f"none, as all {last} epochs are done; the evaluation is left"
    whole = f"{cfg.epochs} epoch{'s' if cfg.epochs > 1 else ''}"
    some = f"epoch {last}" if first == last else f"epochs {first} to {last}"
    epochs = whole if (first, last) == (1, cfg.epochs) else f"{some} of {cfg.epochs}"
    steps = f"{assembly.feeding.steps_per_epoch:,} steps of {cfg.batch_size} pictures{'' if first == last else ' each'}"
    return f"{epochs}, {steps}, {how}"
