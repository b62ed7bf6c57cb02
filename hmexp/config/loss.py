"""The `loss` section: what training minimises."""

from dataclasses import dataclass

from hmexp.config.fields import Section, number


@dataclass
class LossConfig(Section, key="loss"):
    """What training minimises. `val/loss` and `test/loss` are always the plain cross-entropy, so runs compare."""

    label_smoothing: float = number(0.0, ge=0, lt=1, noun="a share")
    """Share of the target that is spread over all classes (Szegedy et al. 2016)."""

    @property
    def rows_together(self) -> int:
        """Rows of a group that stand side by side in an epoch, at most; 1 for a loss that does not look at groups."""
        return 1


@dataclass
class CrossEntropyConfig(LossConfig):
    """Cross-entropy."""


@dataclass
class ContrastiveConfig(CrossEntropyConfig):
    """Cross-entropy of the classes, and a supervised contrastive term of the features.

    The term brings articles of one group (`product_code`: the colours of a product) together and apart from all
    others (Khosla et al., Supervised Contrastive Learning, 2020).
    """

    weight: float = number(1.0, ge=0, le=1000)
    """Weight of the contrastive term beside the cross-entropy."""
    temperature: float = number(0.05, gt=0, le=10)
    """What similarities are divided by before their softmax."""
    together: int = number(4, ge=2, le=1024)
    """Articles of a group that stand side by side in an epoch, at most, so that a batch has pairs of them."""

    @property
    def rows_together(self) -> int:
        """See `together`."""
        return self.together


@dataclass
class FocalConfig(LossConfig):
    """Focal loss: easy pictures count less (Lin et al. 2017)."""

    gamma: float = number(2.0, ge=0, le=100)
    """How much less; 0 is cross-entropy."""
