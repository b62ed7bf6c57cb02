"""Optimizers: a builder for the dataclass of each schema, with the learning-rate schedule."""

from functools import singledispatch
from typing import Any

import keras

from hmexp.config.training import AdamConfig, AdamWConfig, OptimizerConfig, SgdConfig


@singledispatch
def build_optimizer(cfg: OptimizerConfig, steps_per_epoch: int, epochs: int) -> keras.optimizers.Optimizer:
    """Build an optimizer whose schedule is laid over `epochs`, however early the run stops.

    An optimizer of your own is a dataclass below `OptimizerConfig` and a function registered for it here.

    Args:
        cfg: The `optimizer` section.
        steps_per_epoch: Steps of a whole epoch.
        epochs: Epochs of the schedule.
    """
    raise TypeError(f"expected an optimizer that is registered, received {type(cfg).__name__}")


@build_optimizer.register
def _(cfg: AdamConfig, steps_per_epoch: int, epochs: int) -> keras.optimizers.Optimizer:
    common = _common(cfg, steps_per_epoch, epochs)
    return keras.optimizers.Adam(beta_1=cfg.beta_1, beta_2=cfg.beta_2, epsilon=cfg.epsilon, **common)


@build_optimizer.register
def _(cfg: AdamWConfig, steps_per_epoch: int, epochs: int) -> keras.optimizers.Optimizer:
    common = _common(cfg, steps_per_epoch, epochs)
    return keras.optimizers.AdamW(
        beta_1=cfg.beta_1, beta_2=cfg.beta_2, epsilon=cfg.epsilon, weight_decay=cfg.weight_decay, **common
    )


@build_optimizer.register
def _(cfg: SgdConfig, steps_per_epoch: int, epochs: int) -> keras.optimizers.Optimizer:
    common = _common(cfg, steps_per_epoch, epochs)
    return keras.optimizers.SGD(momentum=cfg.momentum, nesterov=cfg.nesterov, **common)


def _common(cfg: OptimizerConfig, steps_per_epoch: int, epochs: int) -> dict[str, Any]:
    return {"learning_rate": _learning_rate(cfg, steps_per_epoch, epochs), "global_clipnorm": cfg.clip_norm}


def _learning_rate(
    cfg: OptimizerConfig, steps_per_epoch: int, epochs: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Constant, or a cosine down to 0 (Loshchilov and Hutter, SGDR, 2017) after a linear warm-up."""
    if cfg.schedule == "constant":
        return cfg.learning_rate
    total = steps_per_epoch * epochs
    warmup = min(round(cfg.warmup_epochs * steps_per_epoch), total - 1)
    if warmup == 0:
        return keras.optimizers.schedules.CosineDecay(cfg.learning_rate, total)
    return keras.optimizers.schedules.CosineDecay(
        0.0, total - warmup, warmup_target=cfg.learning_rate, warmup_steps=warmup
    )
