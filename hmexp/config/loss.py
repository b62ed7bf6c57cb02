"""The `loss` section: what training minimises."""

from dataclasses import dataclass

from hmexp.config.fields import Section, number


@dataclass
class LossConfig(Section, key="loss"):
    """What training minimises. `val/loss` and `test/loss` are always the plain cross-entropy, so runs compare."""

    label_smoothing: float = number(0.0, ge=0, lt=1, noun="a share")
    """Share of the target that is spread over all classes (Szegedy et al. 2016)."""


@dataclass
class CrossEntropyConfig(LossConfig):
    """Cross-entropy."""


@dataclass
class FocalConfig(LossConfig):
    """Focal loss: easy pictures count less (Lin et al. 2017)."""

    gamma: float = number(2.0, ge=0, le=100)
    """How much less; 0 is cross-entropy."""
