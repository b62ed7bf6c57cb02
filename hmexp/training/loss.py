"""Losses on shares of each class: a builder for the dataclass of each schema."""

from functools import singledispatch

import keras

from hmexp.config.loss import ContrastiveConfig, CrossEntropyConfig, FocalConfig, LossConfig
from hmexp.training.contrastive import ContrastiveLoss


@singledispatch
def build_loss(cfg: LossConfig) -> keras.losses.Loss:
    """Build a loss of targets float32 `[batch, classes]` and logits `[batch, classes]`.

    A loss of your own is a dataclass below `LossConfig` and a function registered for it here.
    """
    raise TypeError(f"expected a loss that is registered, received {type(cfg).__name__}")


@build_loss.register
def _(cfg: CrossEntropyConfig) -> keras.losses.Loss:
    return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=cfg.label_smoothing)


@build_loss.register
def _(cfg: ContrastiveConfig) -> keras.losses.Loss:
    return ContrastiveLoss(cfg.label_smoothing, cfg.weight, cfg.temperature)


@build_loss.register
def _(cfg: FocalConfig) -> keras.losses.Loss:
    return keras.losses.CategoricalFocalCrossentropy(
        alpha=1.0, gamma=cfg.gamma, from_logits=True, label_smoothing=cfg.label_smoothing
    )
