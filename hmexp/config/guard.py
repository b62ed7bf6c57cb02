"""The `guard` section: what a challenger has to show before it replaces the champion."""

from dataclasses import dataclass

from hmexp.config.fields import Section, number


@dataclass
class GuardConfig(Section, key="guard"):
    """What has to hold on articles that neither model has learned from; the defaults are for 4,000 articles or more.

    Point estimates are no guards: at 4,000 articles 42 % of equal models are ahead, and "no class worse by 2 points"
    blocks 78 % of them. So every limit but those of size and latency is on what the bootstrap leaves possible.
    """

    metric: str = "macro_f1"
    """Metric that the challenger has to be better by: its one-sided 95 % bound is above 0, or above minus `margin`."""
    margin: float = number(0.0, ge=0, le=1)
    """Loss of the metric that is not minded, for a model that is cheaper (guard=non_inferior has 0.01)."""
    min_articles: int = number(1000, ge=1, le=1_000_000_000)
    """Articles below which nothing is decided (guard=small has 100)."""
    class_articles: int = number(100, ge=1, le=1_000_000_000)
    """Articles below which a class is not judged by itself."""
    class_drop: float = number(0.02, ge=0, le=1)
    """Drop of a class's F1 that is not minded; a larger one blocks where it is beyond chance: p below 0.05, adjusted
    for the number of classes as Holm does."""
    large_class_drop: float = number(0.10, ge=0, le=1)
    """Drop of a class's F1 that blocks without that adjustment."""
    ece_increase: float = number(0.02, ge=0, le=1)
    """Upper 95 % bound of how much worse the calibration error may become."""
    size_ratio: float = number(1.5, gt=0, le=1_000_000)
    """Size of the model's file, as a multiple of the champion's."""
    latency_ratio: float = number(1.5, gt=0, le=1_000_000)
    """Time for a batch of 32 pictures, as a multiple of the champion's, both timed in turns."""
