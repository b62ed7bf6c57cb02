"""The guards: what a challenger has shown on articles that neither model has learned from; is it enough?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hmexp.config.guard import GuardConfig
from hmexp.metrics.names import METRICS
from hmexp.metrics.paired import ONE_SIDED, POWER_80, PairedResult, holm

FEW = 4000
"""Articles below which a gain of two points is found in half of the cases only."""


@dataclass(frozen=True)
class Evidence:
    """What was measured of challenger and champion.

    Attributes:
        paired: Challenger less champion; None where there are too few articles to compare at all.
        num_articles: Articles that neither has learned from, with the same label for both.
        num_bytes: Sizes of the models' files: challenger, champion.
        seconds: Time for a batch: challenger, champion.
    """

    paired: PairedResult | None
    num_articles: int
    num_bytes: tuple[int, int]
    seconds: tuple[float, float]


@dataclass(frozen=True)
class Finding:
    """What a guard found.

    Attributes:
        guard: Its name.
        holds: Whether it lets the challenger pass.
        text: What was found beside what is asked, in a line, with the key that changes it.
    """

    guard: str
    holds: bool
    text: str


def judge(evidence: Evidence, cfg: GuardConfig) -> list[Finding]:
    """What each guard says; the challenger is better where all hold."""
    enough = _enough(evidence, cfg)
    if evidence.paired is None or not enough.holds:
        return [enough]
    paired = evidence.paired
    return [enough, _better(paired, cfg), _classes(paired, cfg), _calibration(paired, cfg), *_cost(evidence, cfg)]


def smallest_gain(paired: PairedResult, metric: str) -> float:
    """The gain of a metric that this number of articles shows in 80 % of cases."""
    return POWER_80 * paired.metrics[metric].standard_error


def _enough(evidence: Evidence, cfg: GuardConfig) -> Finding:
    num, least = evidence.num_articles, cfg.min_articles
    text = f"{num:,} articles that neither has learned from; at least {least:,} (guard.min_articles)"
    if num < least:
        text += "; guard=small decides on 100, where only large gains show" if least > 100 else ""
    elif num < FEW:
        text += f"; below {FEW:,} small gains do not show"
    return Finding("articles", num >= least, text)


def _better(paired: PairedResult, cfg: GuardConfig) -> Finding:
    """Whether the metric is better beyond chance, or worse by no more than the margin."""
    found, up = paired.metrics[cfg.metric], METRICS[cfg.metric].higher_is_better
    gain, bound = (found.value, found.low) if up else (-found.value, -found.high)
    gained = f"{gain:+.4f}, at least {bound:+.4f} with 95 % confidence"
    detectable = f"a gain of {smallest_gain(paired, cfg.metric):.4f} would show in 80 % of cases"
    asked = f"above {-cfg.margin:.4f} (guard.margin)" if cfg.margin else "above 0"
    return Finding(cfg.metric, bound > -cfg.margin, f"gain {gained}; {asked}; {detectable}")


def _classes(paired: PairedResult, cfg: GuardConfig) -> Finding:
    """Whether no class is worse by more than chance and what is not minded."""
    table = paired.classes
    judged = table[table["articles"] >= cfg.class_articles]
    rest = int((table["articles"] > 0).sum()) - len(judged)
    unjudged = f"; {rest} with fewer than {cfg.class_articles:,} articles not judged" if rest else ""
    if judged.empty:
        return Finding("classes", True, f"none has {cfg.class_articles:,} articles (guard.class_articles){unjudged}")
    worse = _worse(judged, cfg)
    if worse.empty:
        return Finding("classes", True, f"none of {len(judged)} is worse beyond chance{unjudged}")
    named = ", ".join(f"{row.label} {row.a:.3f} from {row.b:.3f}" for row in worse.head(3).itertuples())
    more = f" and {len(worse) - 3} more" if len(worse) > 3 else ""
    limits = f"guard.class_drop={cfg.class_drop:g}, guard.large_class_drop={cfg.large_class_drop:g}"
    return Finding("classes", False, f"F1 has dropped beyond chance: {named}{more} ({limits})")


def _worse(judged: pd.DataFrame, cfg: GuardConfig) -> pd.DataFrame:
    """The classes that block, the largest drop first."""
    drop = -judged["difference"]
    beyond = holm(judged["p"].to_numpy(np.float64)) < ONE_SIDED
    clear = (drop > cfg.class_drop) & beyond
    large = (drop > cfg.large_class_drop) & (judged["p"] < ONE_SIDED)
    return judged[clear | large].sort_values("difference")


def _calibration(paired: PairedResult, cfg: GuardConfig) -> Finding:
    found, limit = paired.metrics["ece"], cfg.ece_increase
    text = f"error {found.a:.4f} from {found.b:.4f}, with 95 % confidence at most {found.high:+.4f}"
    return Finding("calibration", found.high <= limit, f"{text}; at most +{limit:g} (guard.ece_increase)")


def _cost(evidence: Evidence, cfg: GuardConfig) -> list[Finding]:
    size, before = evidence.num_bytes
    seconds, seconds_before = evidence.seconds
    larger, slower = size / before, seconds / seconds_before
    return [
        Finding(
            "size",
            larger <= cfg.size_ratio,
            f"{size / 1e6:.2f} MB, {larger:.2f} times; at most {cfg.size_ratio:g} (guard.size_ratio)",
        ),
        Finding(
            "latency",
            slower <= cfg.latency_ratio,
            f"{1000 * seconds:.1f} ms a batch, {slower:.2f} times; at most {cfg.latency_ratio:g} (guard.latency_ratio)",
        ),
    ]
