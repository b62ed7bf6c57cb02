"""The `augment` and `loss` sections: what training does to its pictures, and what it minimises."""

from dataclasses import dataclass

from hmexp.config.errors import require


@dataclass
class AugmentConfig:
    """Random changes of the training pictures: each picture's is a function of (seed, epoch, index)."""

    flip: float = 0.0
    """Share of the pictures that are mirrored left to right."""
    shift: float = 0.0
    """Largest shift, as a share of the side; the edge is repeated."""
    crop: float = 1.0
    """Smallest share of the area that a random crop keeps; 1 does not crop."""
    aspect: float = 1.0
    """Largest change of the aspect ratio by a crop; 1 keeps it."""
    turn: float = 0.0
    """Largest turn, in degrees."""
    colour: float = 0.0
    """Largest change of brightness, contrast and saturation, each by a factor around 1; half of it for the balance
    of red, green and blue."""
    ops: int = 0
    """Operations a picture out of RandAugment's list (Cubuk et al. 2020): turn, shear, shift, light, colour, ..."""
    magnitude: float = 0.5
    """Strength of these, from 0 to 1; each is drawn up to it."""
    erase: float = 0.0
    """Share of the pictures in which a rectangle is painted over (Zhong et al. 2020)."""
    mixup: float = 0.0
    """Alpha of mixup (Zhang et al. 2018): two pictures and their targets are blended; 0 is off."""
    cutmix: float = 0.0
    """Alpha of CutMix (Yun et al. 2019): a rectangle comes from another picture; 0 is off."""
    mix_share: float = 1.0
    """Share of the pictures that mixup or cutmix is done to; with both on, each gets half of them."""

    def __post_init__(self) -> None:
        for name in ("flip", "erase", "mix_share", "magnitude"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"augment.{name}", "a share from 0 to 1", value)
        require(0 <= self.shift <= 0.5, "augment.shift", "a share from 0 to 0.5", self.shift)
        require(0 < self.crop <= 1, "augment.crop", "a share above 0, up to 1", self.crop)
        require(1 <= self.aspect <= 4, "augment.aspect", "a ratio from 1 to 4", self.aspect)
        require(0 <= self.turn <= 180, "augment.turn", "degrees from 0 to 180", self.turn)
        require(0 <= self.colour < 1, "augment.colour", "a share from 0 to below 1", self.colour)
        require(0 <= self.ops <= 10, "augment.ops", "a whole number from 0 to 10", self.ops)
        for name in ("mixup", "cutmix"):
            value = getattr(self, name)
            require(value >= 0, f"augment.{name}", "a number of at least 0", value)

    @property
    def moves(self) -> bool:
        """Whether pixels change their place."""
        return bool(self.flip or self.shift or self.crop < 1 or self.aspect > 1 or self.turn or self.ops)

    @property
    def recolours(self) -> bool:
        """Whether colours change."""
        return bool(self.colour or self.ops)

    @property
    def mixes(self) -> bool:
        """Whether pictures and targets are mixed."""
        return bool((self.mixup or self.cutmix) and self.mix_share)

    @property
    def active(self) -> bool:
        """Whether anything is done at all."""
        return self.moves or self.recolours or self.mixes or self.erase > 0


@dataclass
class LossConfig:
    """What training minimises. `val/loss` and `test/loss` are always the plain cross-entropy, so runs compare."""

    label_smoothing: float = 0.0
    """Share of the target that is spread over all classes (Szegedy et al. 2016)."""

    def __post_init__(self) -> None:
        share = self.label_smoothing
        require(0 <= share < 1, "loss.label_smoothing", "a share from 0 to below 1", share)


@dataclass
class CrossEntropyConfig(LossConfig):
    """Cross-entropy."""


@dataclass
class FocalConfig(LossConfig):
    """Focal loss: easy pictures count less (Lin et al. 2017)."""

    gamma: float = 2.0
    """How much less; 0 is cross-entropy."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.gamma >= 0, "loss.gamma", "a number of at least 0", self.gamma)
