"""What a mode of training, or the size of the data, changes in a configuration or asks of it."""

from dataclasses import replace
from typing import Any

from hmexp.batches.order import num_batches
from hmexp.config.augment import AugmentConfig
from hmexp.config.errors import require
from hmexp.config.pretrained import PretrainedConfig
from hmexp.config.schedule import ConstantSchedule
from hmexp.config.verbs import RunConfig
from hmexp.console import log
from hmexp.datamodule import DataModule
from hmexp.metrics.names import is_retrieval

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


def within_steps(config: RunConfig, data: DataModule) -> RunConfig:
    """The configuration with as many epochs as `trainer.max_steps` has room for, one at least."""
    cfg = config.trainer
    if cfg.max_steps is None or cfg.minutes is not None:
        return config
    steps = num_batches(len(data.rows("train")), cfg.batch_size)
    epochs = max(1, round(cfg.max_steps / steps))
    if epochs >= cfg.epochs:
        return config
    log.info(f"trainer.max_steps={cfg.max_steps}: {epochs} of {cfg.epochs} epochs, as each has {steps:,} steps")
    return of_length(config, epochs)


def of_length(config: RunConfig, epochs: int) -> RunConfig:
    """The configuration laid over so many epochs; where these are fewer, what counts epochs is shorter alike.

    That is `schedule.warmup_epochs`, `schedule.every` and `model.freeze_epochs`, of which one epoch stays at least.
    """
    share = min(1.0, epochs / config.trainer.epochs)
    schedule: Any = config.schedule
    model: Any = config.model
    for name in ("warmup_epochs", "every"):
        if hasattr(schedule, name):
            schedule = replace(schedule, **{name: share * getattr(schedule, name)})
    if share < 1 and getattr(model, "freeze_epochs", False):
        model = replace(model, freeze_epochs=max(1, round(share * model.freeze_epochs)))
    return replace(config, trainer=config.trainer.of_length(epochs), schedule=schedule, model=model)


def check_frozen(config: RunConfig) -> None:
    """Raise `UserError` where `trainer.cache_features` is asked for and features would not stay the same."""
    if not config.trainer.cache_features:
        return
    model, trainer, beside = config.model, config.trainer, "with trainer.cache_features"
    pretrained = isinstance(model, PretrainedConfig) and model.has_weights
    kind = type(model).__name__.removesuffix("Config").lower()
    require(pretrained, "trainer.cache_features", "a pretrained model (model=backbone, model=imagenet)", kind)
    frozen = model.fine_tuning.freeze_epochs
    require(frozen >= trainer.epochs, "model.freeze_epochs", f"null {beside}: a backbone that never learns", frozen)
    plain = f"none {beside}: features are those of pictures as they are"
    require(not config.augment.active, "augment", plain, "one that changes pictures")
    require(trainer.image_sizes is None, "trainer.image_sizes", f"null {beside}", trainer.image_sizes)
    require(trainer.precision != "auto", "trainer.precision", f"float32 or another one by its name {beside}", "auto")
    require(config.loss.rows_together == 1, "loss", f"one of logits alone {beside}", "one that moves the features")
    require(not is_retrieval(trainer.monitor), "trainer.monitor", f"a metric of the classes {beside}", trainer.monitor)
