"""What a debug mode changes in a configuration, whatever preset or stored run it was composed from."""

from dataclasses import replace

from hmexp.config.augment import AugmentConfig
from hmexp.config.schedule import ConstantSchedule
from hmexp.config.verbs import RunConfig

HOLDING_BACK = ("dropout", "stochastic_depth")


def under_mode(config: RunConfig) -> RunConfig:
    """The configuration that `trainer.mode` trains under.

    `lr_find` moves the learning rate itself, so there is no schedule. `overfit` leaves out whatever keeps a model from
    learning by heart: augmentation, label smoothing, dropout, stochastic depth.
    """
    mode = config.trainer.mode
    if mode == "lr_find":
        return replace(config, schedule=ConstantSchedule())
    if mode == "overfit":
        free = {name: 0.0 for name in HOLDING_BACK if hasattr(config.model, name)}
        model, loss = replace(config.model, **free), replace(config.loss, label_smoothing=0.0)
        return replace(config, augment=AugmentConfig(), model=model, loss=loss)
    return config
