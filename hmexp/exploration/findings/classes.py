"""Findings on the classes: how unequal, how small, how alike."""

import pandas as pd

from hmexp.catalogue.merge import HM9_GROUPS
from hmexp.config.strategies import ClassWeight, Hm9Merge, NoMerge, Oversample, Undersample
from hmexp.exploration.alike import alike_by_name
from hmexp.exploration.findings.finding import FINE, NOTICE, PROBLEM, Finding, named, percent
from hmexp.exploration.survey import Survey

UNEQUAL, VERY_UNEQUAL = 3.0, 10.0
"""Times that the largest class is larger than the smallest, from which they are unequal, and from which it is a
problem."""
NEAR_EMPTY = 100
"""Articles below which a class is nearly empty."""
HOPELESS = 10
"""Articles below which nothing can be learned or measured of it."""
FEW = 10
"""Pictures in val or test below which a class's F1 says little: one mistake moves it by several points."""
CONFUSED = 0.25
"""Share of a class's pictures that look most like one of another class, from which the two are alike."""
MOST_PAIRS = 6
UNKNOWN = ("unknown", "other", "undefined", "misc", "not specified")


def imbalance(survey: Survey) -> list[Finding]:
    """The largest class against the smallest, after merging."""
    counts = survey.classes["catalogue"]
    if len(counts) < 2:
        text = f"There is one class, {counts.index[0]}: nothing to tell apart"
        return [Finding(PROBLEM, "classes", text, "another column: `data.label=COLUMN`")]
    ratio = counts.iloc[0] / counts.iloc[-1]
    text = f"{percent(counts.iloc[0] / counts.sum())} of the articles are {counts.index[0]} ({counts.iloc[0]:,})"
    if ratio < UNEQUAL:
        return [
            Finding(FINE, "classes", f"The classes are about equal: {text}, {counts.iloc[-1]:,} {counts.index[-1]}")
        ]
    text = f"Imbalance: {text}, {ratio:,.0f} times as many as {counts.index[-1]} ({counts.iloc[-1]:,})"
    train = survey.classes["train"]
    left = train.max() / max(train.min(), 1)
    chosen = isinstance(survey.cfg.balance, ClassWeight | Oversample)
    if isinstance(survey.cfg.balance, Undersample):
        chosen = bool(left < VERY_UNEQUAL)
        text += f"; in train {left:,.0f} times, at most {survey.cfg.balance.cap} a class"
    cap = max(_round(int(train.median())), FEW)
    option = f"`data/balance=undersample data.balance.cap={cap}`, or `data/balance=class_weight`, which drops nothing"
    return [Finding(PROBLEM if ratio >= VERY_UNEQUAL else NOTICE, "classes", text, option, chosen)]


def near_empty(survey: Survey) -> list[Finding]:
    """Labels that hardly have an article, and what merging leaves of that."""
    small = survey.counts[survey.counts < NEAR_EMPTY].sort_values()
    if small.empty:
        return []
    text = f"Near-empty classes: {_with_counts(small)} have fewer than {NEAR_EMPTY} articles with a picture"
    merged = survey.classes["catalogue"]
    left = merged[merged < NEAR_EMPTY].sort_values()
    if not isinstance(survey.cfg.merge, NoMerge):
        text += f"; merged, {_with_counts(left) if len(left) else 'none'} still do" + "es" * (left.empty)
    rare = f"`data/merge=rare data.merge.min_count={NEAR_EMPTY}`"
    hm9 = len(set(small.index) & set(HM9_GROUPS)) > 1 and not isinstance(survey.cfg.merge, Hm9Merge)
    level = PROBLEM if len(left) and left.iloc[0] < HOPELESS else NOTICE
    return [Finding(level, "classes", text, f"`data/merge=hm9` or {rare}" if hm9 else rare, left.empty)]


def unknown_classes(survey: Survey) -> list[Finding]:
    """A label that stands for having none."""
    found = [str(label) for label in survey.counts.index if str(label).casefold() in UNKNOWN]
    if not found:
        return []
    text = "; ".join(f"{survey.counts[label]:,} articles are {label}, which looks like no class" for label in found)
    mapping = ", ".join(f"{label}: CLASS" for label in found)
    chosen = all(survey.merged[label] != label for label in found)
    option = f"`data/merge=map 'data.merge.mapping={{{mapping}}}'`"
    return [Finding(NOTICE, "classes", text, option, chosen)]


def alike_names(survey: Survey) -> list[Finding]:
    """Labels whose names share words."""
    pairs = alike_by_name([str(label) for label in survey.counts.index])
    if not pairs:
        return []
    text = "Similar classes by their names: " + named([f"{one} and {two}" for one, two in pairs], MOST_PAIRS)
    chosen = all(survey.merged[one] == survey.merged[two] for one, two in pairs)
    option = "`data/merge=map` where two are one; else read their rows of the confusion matrix first"
    return [Finding(NOTICE, "alike", text, option, chosen)]


def alike_looks(survey: Survey) -> list[Finding]:
    """Labels whose pictures look like those of another."""
    if survey.pictures is None:
        return []
    pairs = survey.pictures.alike
    pairs = pairs[pairs["share"] >= CONFUSED]
    if pairs.empty:
        return [Finding(FINE, "alike", "No class's pictures look most like those of one other class, at a rough look")]
    named_pairs = zip(pairs["label"], pairs["other"], pairs["share"], strict=True)
    words = [f"{label} like {other} ({percent(share)})" for label, other, share in named_pairs]
    text = f"Similar classes by their pictures, at a rough look: {named(words)}"
    option = "a model that sees more than colour and outline (`model=resnet`); `data/merge=map` where two are one"
    return [Finding(NOTICE, "alike", text, option)]


def small_splits(survey: Survey) -> list[Finding]:
    """Classes that val or test has too few pictures of."""
    found = []
    for split in ("val", "test"):
        counts = survey.classes[split]
        few = counts[counts < FEW].sort_values()
        if counts.sum() and len(few):
            found.append(f"{_with_counts(few)} in {split}")
    if not found:
        return []
    text = f"Fewer than {FEW} pictures to measure a class by: {'; '.join(found)}"
    option = "`data/merge=rare`, a larger `data.split.fractions.val`, or `-m folds=5`, which measures on all"
    return [Finding(NOTICE, "strategies", text, option)]


def _with_counts(counts: pd.Series) -> str:
    """How many classes, and the first with their counts."""
    examples = named([f"{label} {count:,}" for label, count in counts.items()])
    return f"{len(counts):,} ({examples})"


def _round(number: int) -> int:
    """One significant digit of a number of two or more."""
    unit: int = 10 ** max(0, len(str(number)) - 1)
    return max(1, round(number / unit)) * unit
