"""The `callbacks` section: Keras callbacks beside hmexp's own, each under the name of its option."""

from dataclasses import dataclass

from hmexp.config.fields import Section, number


@dataclass
class CallbackConfig(Section, key="callbacks"):
    """A callback; the subclasses say which. `hmexp.training.build.build_callback` has a builder for each."""


@dataclass
class TensorBoardConfig(CallbackConfig):
    """Curves, and histograms of the weights, for TensorBoard, in the run's folder under `tensorboard/`."""

    histogram_freq: int = number(0, ge=0, le=100_000)
    """Epochs from one set of histograms of the weights to the next; 0 writes none."""
