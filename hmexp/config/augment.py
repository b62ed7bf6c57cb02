"""The `augment` section: what training does to its pictures."""

from dataclasses import dataclass

from hmexp.config.fields import Section, number


@dataclass
class AugmentConfig(Section, key="augment"):
    """Random changes of the training pictures: each picture's is a function of (seed, epoch, index)."""

    flip: float = number(0.0, ge=0, le=1, noun="a share")
    """Share of the pictures that are mirrored left to right."""
    shift: float = number(0.0, ge=0, le=0.5, noun="a share")
    """Largest shift, as a share of the side; the edge is repeated."""
    crop: float = number(1.0, gt=0, le=1, noun="a share")
    """Smallest share of the area that a random crop keeps; 1 does not crop."""
    aspect: float = number(1.0, ge=1, le=4, noun="a ratio")
    """Largest change of the aspect ratio by a crop; 1 keeps it."""
    turn: float = number(0.0, ge=0, le=180, noun="degrees")
    """Largest turn, in degrees."""
    colour: float = number(0.0, ge=0, lt=1, noun="a share")
    """Largest change of brightness, contrast and saturation, each by a factor around 1; half of it for the balance
    of red, green and blue."""
    ops: int = number(0, ge=0, le=10)
    """Operations a picture out of RandAugment's list (Cubuk et al. 2020): turn, shear, shift, light, colour, ..."""
    magnitude: float = number(0.5, ge=0, le=1, noun="a share")
    """Strength of these, from 0 to 1; each is drawn up to it."""
    blend: float = number(0.0, ge=0, le=1, noun="a share")
    """Share of the pictures whose red, green and blue each become a random blend of the three, so that no colour can
    be relied on."""
    gamma: float = number(1.0, ge=1, le=16, noun="an exponent")
    """Largest exponent, or its inverse, that brightness is raised to: dark cloth becomes light, white stays white; 1
    is off."""
    invert: float = number(0.0, ge=0, le=1, noun="a share")
    """Share of the pictures that become their negative."""
    erase: float = number(0.0, ge=0, le=1, noun="a share")
    """Share of the pictures in which a rectangle is painted over (Zhong et al. 2020)."""
    mixup: float = number(0.0, ge=0, le=1000)
    """Alpha of mixup (Zhang et al. 2018): two pictures and their targets are blended; 0 is off."""
    cutmix: float = number(0.0, ge=0, le=1000)
    """Alpha of CutMix (Yun et al. 2019): a rectangle comes from another picture; 0 is off."""
    mix_share: float = number(1.0, ge=0, le=1, noun="a share")
    """Share of the pictures that mixup or cutmix is done to; with both on, each gets half of them."""

    @property
    def moves(self) -> bool:
        """Whether pixels change their place."""
        return bool(self.flip or self.shift or self.crop < 1 or self.aspect > 1 or self.turn or self.ops)

    @property
    def recolours(self) -> bool:
        """Whether colours change."""
        return bool(self.colour or self.ops)

    @property
    def breaks_colour(self) -> bool:
        """Whether pictures get the colours of something else altogether."""
        return bool(self.blend or self.gamma > 1 or self.invert)

    @property
    def mixes(self) -> bool:
        """Whether pictures and targets are mixed."""
        return bool((self.mixup or self.cutmix) and self.mix_share)

    @property
    def active(self) -> bool:
        """Whether anything is done at all."""
        return self.moves or self.recolours or self.breaks_colour or self.mixes or self.erase > 0
