"""Optimizers: a builder for the dataclass of each schema."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

import keras

from hmexp.compat.keras import raw_iterations, schedule_of, variable_path
from hmexp.config.model import FineTuning
from hmexp.config.optimizer import AdamConfig, AdamWConfig, LionConfig, MuonConfig, OptimizerConfig, SgdConfig
from hmexp.models.backbone import LAYER as BACKBONE
from hmexp.training.muon import Muon
from hmexp.training.schedule import LearningRate, Shifted

UNDECAYED = ("bias", "gamma", "beta")
"""Parts of variables' names that weight decay leaves alone: it would only shrink what has no excess to shrink."""


@dataclass(frozen=True)
class Updates:
    """How the weights are updated, beyond what the `optimizer` section says.

    Attributes:
        learning_rate: A number or a Keras schedule.
        ema: Decay of the moving average of the weights, or None.
        accumulate: Steps whose gradients are averaged.
        rates: Path of a variable -> factor of its learning rate (discriminative learning rates).
    """

    learning_rate: LearningRate
    ema: float | None = None
    accumulate: int = 1
    rates: Mapping[str, float] = field(default_factory=dict)

    def arguments(self, cfg: OptimizerConfig) -> dict[str, Any]:
        """What every Keras optimizer takes."""
        return {
            "learning_rate": self.learning_rate,
            "global_clipnorm": cfg.clip_norm,
            "use_ema": self.ema is not None,
            "ema_momentum": 0.99 if self.ema is None else self.ema,
            "gradient_accumulation_steps": self.accumulate if self.accumulate > 1 else None,
        }


@singledispatch
def build_optimizer(cfg: OptimizerConfig, updates: Updates) -> keras.optimizers.Optimizer:
    """Build an optimizer.

    An optimizer of your own is a dataclass below `OptimizerConfig` and a function registered for it here.

    Args:
        cfg: The `optimizer` section.
        updates: Learning rate, moving average, accumulation, discriminative rates.
    """
    raise TypeError(f"expected an optimizer that is registered, received {type(cfg).__name__}")


@build_optimizer.register
def _(cfg: AdamConfig, updates: Updates) -> keras.optimizers.Optimizer:
    betas = {"beta_1": cfg.beta_1, "beta_2": cfg.beta_2, "epsilon": cfg.epsilon}
    return _make(keras.optimizers.Adam, updates, **betas, **updates.arguments(cfg))


@build_optimizer.register
def _(cfg: AdamWConfig, updates: Updates) -> keras.optimizers.Optimizer:
    betas = {"beta_1": cfg.beta_1, "beta_2": cfg.beta_2, "epsilon": cfg.epsilon}
    return _make(keras.optimizers.AdamW, updates, weight_decay=cfg.weight_decay, **betas, **updates.arguments(cfg))


@build_optimizer.register
def _(cfg: SgdConfig, updates: Updates) -> keras.optimizers.Optimizer:
    own = {"momentum": cfg.momentum, "nesterov": cfg.nesterov, "weight_decay": cfg.weight_decay or None}
    return _make(keras.optimizers.SGD, updates, **own, **updates.arguments(cfg))


@build_optimizer.register
def _(cfg: LionConfig, updates: Updates) -> keras.optimizers.Optimizer:
    own = {"beta_1": cfg.beta_1, "beta_2": cfg.beta_2, "weight_decay": cfg.weight_decay or None}
    return _make(keras.optimizers.Lion, updates, **own, **updates.arguments(cfg))


@build_optimizer.register
def _(cfg: MuonConfig, updates: Updates) -> keras.optimizers.Optimizer:
    own = {"momentum": cfg.momentum, "adam_ratio": cfg.adam_ratio, "weight_decay": cfg.weight_decay or None}
    return _make(Muon, updates, **own, **updates.arguments(cfg))


def _make(kind: type, updates: Updates, **arguments: Any) -> keras.optimizers.Optimizer:  # noqa: ANN401
    """An optimizer of this kind, with a factor for some variables, whose norms and biases do not decay."""
    if updates.rates:
        kind = _with_rates(kind, updates.rates)
    optimizer = kind(**arguments)
    # At the end of each `fit` Keras would put the average in place of the weights; a training has several calls.
    optimizer.finalize_variable_values = lambda variables: None
    if arguments.get("weight_decay"):
        optimizer.exclude_from_weight_decay(var_names=list(UNDECAYED))
    return optimizer


def _with_rates(kind: type, rates: Mapping[str, float]) -> type:
    """A subclass whose step is scaled for some variables."""

    class Discriminative(kind):  # type: ignore[misc]
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:  # noqa: ANN401
            super().update_step(gradient, variable, learning_rate * rates.get(variable_path(self, variable), 1.0))

    return Discriminative


def freeze_backbone(network: keras.Model, fine_tuning: FineTuning, frozen: bool) -> dict[str, float]:
    """Freeze or thaw a network's backbone; give the factors of its variables' learning rates, for `Updates.rates`."""
    names = [layer.name for layer in network.layers]
    if BACKBONE not in names or fine_tuning == FineTuning():
        return {}
    backbone = network.get_layer(BACKBONE)
    backbone.trainable = not frozen
    for layer in backbone.layers[: round(fine_tuning.freeze_share * len(backbone.layers))]:
        layer.trainable = False
    return {variable.path: fine_tuning.rate for variable in backbone.trainable_variables}


def shift_schedule(optimizer: keras.optimizers.Optimizer, done: int) -> None:
    """Let the schedule stand where the training is, after `done` steps, whenever the optimizer was made."""
    inner = inner_optimizer(optimizer)
    schedule = schedule_of(inner)
    if isinstance(schedule, Shifted):
        schedule.offset = done - raw_iterations(inner)


def inner_optimizer(optimizer: keras.optimizers.Optimizer) -> Any:  # noqa: ANN401
    """The optimizer itself, below one that scales the loss for float16."""
    return getattr(optimizer, "inner_optimizer", optimizer)
