"""Sweeps: what is tried, in which processes, and what is kept of it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras_tuner

__all__ = ["hypermodel"]


def hypermodel(
    words: Sequence[str], params: Mapping[str, str], num_classes: int, when: Mapping[str, Any] | None = None
) -> "keras_tuner.HyperModel":
    """The models and the space of hmexp as a `keras_tuner.HyperModel`, for a Tuner of keras-tuner's own.

    It builds the network of a trial and compiles it with the trial's optimizer, a constant learning rate and sparse
    cross-entropy; pictures (uint8 `[batch, data.image_size, data.image_size, 3]`) and targets (int64 `[batch]`) are
    the caller's. Schedules, augmentation and balance belong to hmexp's own sweeps: `hydra/sweeper=keras_tuner`.

    Args:
        words: As on the command line, such as `["model=cnn", "data.image_size=32"]`.
        params: Key -> values as on the command line, such as `{"model.dropout": "interval(0,0.5)"}`.
        num_classes: Width of the logits.
        when: Conditional parameters, as `hydra.sweeper.when` has them.

    Raises:
        UserError: Words that cannot be composed, or values that are no list, range or interval.
    """
    from hmexp.sweeps.tuning import NetworkHyperModel

    return NetworkHyperModel(words, params, num_classes, when or {})
