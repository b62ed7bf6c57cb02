"""A package that extends hmexp: `hmexp plugins=[shop_plugin] model=mlp data/merge=initial callbacks=[stop_at]`.

Its preset `experiment=shop` chooses the first two.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from hydra.core.config_store import ConfigStore

from hmexp.catalogue.manifest import Manifest
from hmexp.catalogue.merge import merge
from hmexp.catalogue.report import Step
from hmexp.config.callbacks import CallbackConfig
from hmexp.config.fields import number
from hmexp.config.model import ModelConfig
from hmexp.config.strategies import MergeConfig
from hmexp.models.build import build_model
from hmexp.training.build import build_callback


@dataclass
class MlpConfig(ModelConfig):
    """One hidden layer."""

    width: int = number(128, ge=1, le=65_536)
    """Units."""


@build_model.register
def _(cfg: MlpConfig, image_size: int, num_classes: int) -> keras.Model:
    pictures = keras.Input((image_size, image_size, 3), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255, dtype="float32")(pictures))
    x = keras.layers.Dense(cfg.width, activation="relu", name="features")(x)
    logits = keras.layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(pictures, logits, name="mlp")


@dataclass
class InitialMerge(MergeConfig):
    """Labels with the same first letter become one class."""


@merge.register
def _(cfg: InitialMerge, manifest: Manifest) -> tuple[Manifest, Step]:
    merged = manifest.with_frame(manifest.frame.assign(label=manifest.frame["label"].str[0]))
    return merged, Step("merge: initial", "By first letter.", len(manifest), len(merged))


@dataclass
class StopAtConfig(CallbackConfig):
    """Ends the run once training has reached an accuracy."""

    accuracy: float = number(0.95, gt=0, le=1)
    """On train, as a share."""


class StopAt(keras.callbacks.Callback):
    """Ends the run once `accuracy` of an epoch has reached a value."""

    def __init__(self, accuracy: float) -> None:
        super().__init__()
        self.accuracy = accuracy

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the accuracy."""
        if (logs or {})["accuracy"] >= self.accuracy:
            self.model.stop_training = True


@build_callback.register
def _(cfg: StopAtConfig, job_dir: Path) -> keras.callbacks.Callback:
    return StopAt(cfg.accuracy)


store = ConfigStore.instance().store
store(group="model", name="mlp", node=MlpConfig)
store(group="data/merge", name="initial", node=InitialMerge)
store(group="callbacks", name="stop_at", package="callbacks.stop_at", node=StopAtConfig)
PRESET = {
    "defaults": [{"override /model": "mlp"}, {"override /data/merge": "initial"}, "_self_"],
    "model": {"width": 64},
    "trainer": {"epochs": 3},
}
store(group="experiment", name="shop", package="_global_", node=PRESET)
