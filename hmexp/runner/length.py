"""`trainer.minutes`: how many epochs fit, by training a little and timing it."""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from hmexp.config.schedule import ConstantSchedule
from hmexp.console import log
from hmexp.runner.assemble import Assembly
from hmexp.training.interruption import Interruption
from hmexp.training.recorder import NoRecorder

EPOCHS, STEPS = 3, 40
"""Of a trial. The first epoch compiles; the others are counted."""
LONGEST = 100_000
"""Epochs, as many as `trainer.epochs` may be."""


@dataclass(frozen=True)
class Timed:
    """What a trial has shown.

    Attributes:
        epoch: Seconds of a whole epoch with its val and its checkpoint.
        compilation: Seconds that the first epoch takes beyond that.
    """

    epoch: float
    compilation: float


def epochs_that_fit(assembly: Assembly, folder: Path, interruption: Interruption, done: int = 0) -> int:
    """Time a few steps at each size of the training pictures, and lay epochs over what is left of the minutes.

    Names, seeds and formats are to be set anew after this. A network that was handed over keeps its weights.

    Args:
        assembly: With `trainer.minutes`.
        folder: Where the trials are, until this is over; what was there goes.
        interruption: May end it.
        done: Epochs of a checkpoint that the run starts from, which count among the result.

    Returns:
        Epochs of the whole schedule.
    """
    cfg = assembly.config.trainer
    start = time.monotonic()
    sizes: list[int | None] = [*cfg.image_sizes] if cfg.image_sizes else [None]
    with _empty(folder):
        timed = {size: _try(assembly, folder / str(size), size, interruption) for size in dict.fromkeys(sizes)}
    spent = time.monotonic() - start
    each = sum(timed[size].epoch for size in sizes) / len(sizes)
    left = 60 * (cfg.minutes or 0.0) - spent - sum(trial.compilation for trial in timed.values())
    epochs = min(LONGEST, done + max(1, int(left / each)))
    again = f"trainer.minutes=null trainer.max_steps=null trainer.epochs={epochs} has the same schedule again"
    log.info(f"trainer.minutes={cfg.minutes:g}: {epochs} epochs of {each:.1f} s, timed in {spent:.0f} s ({again})")
    return epochs


def _try(assembly: Assembly, folder: Path, size: int | None, interruption: Interruption) -> Timed:
    """Train a little at one size."""
    cfg = assembly.config.trainer
    limit = min(cfg.limit_batches or STEPS, STEPS)
    little = replace(cfg.of_length(EPOCHS), stop_after=None, early_stopping=None, limit_batches=limit)
    little = replace(little, image_sizes=None if size is None else [size])
    config = replace(assembly.config, trainer=little, schedule=ConstantSchedule())
    trial = replace(assembly, config=config, callbacks=())
    learner, loaders, whole = trial.learner(), trial.loaders(), assembly.loaders()
    folder.mkdir()
    with _kept(assembly.network), _quiet(), assembly.device.scope():
        trainer = trial.trainer(folder, NoRecorder(), interruption)
        if trainer.fine_tuning.freeze_epochs < cfg.epochs:  # a frozen part is thawed some time, and costs more then
            trainer = replace(trainer, fine_tuning=replace(trainer.fine_tuning, freeze_epochs=0))
        history = trainer.fit(learner, loaders).history
    later = history.iloc[1:].mean()
    step = cfg.batch_size / later["images_per_second"]
    val = max(0.0, later["seconds"] - loaders.steps_per_epoch * step) * whole.val_steps / loaders.val_steps
    first = history.iloc[0]["seconds"] - later["seconds"]
    return Timed(whole.steps_per_epoch * step + val, max(0.0, first))


@contextmanager
def _empty(folder: Path) -> Iterator[None]:
    """A folder that is there inside the block alone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _kept(network: keras.Model | None) -> Iterator[None]:
    """Give a network that was handed over its values again."""
    variables = [] if network is None else network.variables
    values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


@contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of the trial's epochs."""
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)
