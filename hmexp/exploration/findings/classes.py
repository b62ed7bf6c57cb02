"""Findings on the classes: how unequal, how small, how alike."""

from hmexp.catalogue.merge import HM9_GROUPS
from hmexp.config.strategies import NoBalance, NoMerge
from hmexp.exploration.alike import alike_by_name
from hmexp.exploration.findings.finding import FINE, NOTICE, PROBLEM, Finding, named, percent
from hmexp.exploration.survey import Survey

UNEQUAL, VERY_UNEQUAL = 3.0, 10.0
"""Times that the largest class is larger than the smallest, from which they are unequal, and from which it is a
problem."""
NEAR_EMPTY = 100
"""Articles below which a class is nearly empty."""
FEW_IN_VAL = 10
"""Pictures in val below which a class's F1 says little: one mistake moves it by several points."""
CONFUSED = 0.25
"""Share of a class's pictures that look most like one of another class, from which the two are alike."""
MOST_PAIRS = 6
UNKNOWN = ("unknown", "other", "undefined", "misc", "not specified")


def imbalance(survey: Survey) -> list[Finding]:
    """The largest class against the smallest."""
    counts = survey.classes["catalogue"]
    if len(counts) < 2:
        return [
            Finding(PROBLEM, "classes", f"There is one class, {counts.index[0]}: nothing to tell apart", "data.label=")
        ]
    ratio = counts.iloc[0] / counts.iloc[-1]
    largest, smallest = f"{counts.index[0]}", f"{counts.index[-1]}"
    text = f"{percent(counts.iloc[0] / counts.sum())} of the articles are {largest} ({counts.iloc[0]:,})"
    if ratio < UNEQUAL:
        return [Finding(FINE, "classes", f"The classes are about equal: {text}, {counts.iloc[-1]:,} are {smallest}")]
    text += f", {ratio:,.0f} times as many as {smallest} ({counts.iloc[-1]:,})"
    level = PROBLEM if ratio >= VERY_UNEQUAL else NOTICE
    cap = _round(int(counts.median()))
    chosen = not isinstance(survey.cfg.balance, NoBalance)
    option = f"data/balance=undersample data.balance.cap={cap} (or data/balance=class_weight, which drops nothing)"
    return [Finding(level, "classes", text, option, chosen)]


def near_empty(survey: Survey) -> list[Finding]:
    """Labels that hardly have an article."""
    small = survey.counts[survey.counts < NEAR_EMPTY].sort_values()
    if small.empty:
        return []
    examples = [f"{label} {count:,}" for label, count in small.items()]
    which = "classes have" if len(small) > 1 else "class has"
    text = f"{len(small):,} {which} fewer than {NEAR_EMPTY} articles with a picture: {named(examples)}"
    known = set(small.index) & set(HM9_GROUPS)
    option = "data/merge=hm9 or " if len(known) > 1 else ""
    option += f"data/merge=rare data.merge.min_count={NEAR_EMPTY}"
    merged = {survey.merged[str(label)] for label in small.index}
    chosen = not isinstance(survey.cfg.merge, NoMerge) and bool(
        survey.classes.loc[list(merged)].min().iloc[0] >= NEAR_EMPTY
    )
    return [Finding(PROBLEM, "classes", text, option, chosen)]


def unknown_classes(survey: Survey) -> list[Finding]:
    """A label that stands for having none."""
    found = [str(label) for label in survey.counts.index if str(label).casefold() in UNKNOWN]
    texts = [f"{survey.counts[label]:,} articles are {label}, which looks like no class of its own" for label in found]
    into = "{" + ", ".join(f"{label}: CLASS" for label in found) + "}"
    chosen = all(survey.merged[label] != label for label in found)
    return (
        [Finding(NOTICE, "classes", "; ".join(texts), f"data/merge=map 'data.merge.mapping={into}'", chosen)]
        if found
        else []
    )


def alike_names(survey: Survey) -> list[Finding]:
    """Labels whose names share words."""
    pairs = alike_by_name([str(label) for label in survey.counts.index])
    if not pairs:
        return []
    text = "Similar classes by their names: " + named([f"{one} and {two}" for one, two in pairs], MOST_PAIRS)
    chosen = all(survey.merged[one] == survey.merged[two] for one, two in pairs)
    option = "data/merge=map where two are one; else read their rows of the confusion matrix first"
    return [Finding(NOTICE, "alike", text, option, chosen)]


def alike_looks(survey: Survey) -> list[Finding]:
    """Labels whose pictures look like those of another."""
    if survey.pictures is None:
        return []
    pairs = survey.pictures.alike
    pairs = pairs[pairs["share"] >= CONFUSED]
    if pairs.empty:
        return [Finding(FINE, "alike", "No class's pictures look most like those of one other class, at a rough look")]
    words = [f"{row.label} like {row.other} ({percent(row.share)})" for row in pairs.itertuples()]
    text = f"Similar classes by their pictures, at a rough look: {named(words)}"
    option = "a model that sees more than colour and outline (model=resnet, data.image_size=); data/merge=map where two are one"
    return [Finding(NOTICE, "alike", text, option)]


def small_val(survey: Survey) -> list[Finding]:
    """Classes that val, or test, has too few pictures of."""
    found = []
    for split in ("val", "test"):
        counts = survey.classes[split]
        few = counts[counts < FEW_IN_VAL].sort_values()
        if counts.sum() == 0 or few.empty:
            continue
        examples = named([f"{label} {count:,}" for label, count in few.items()])
        text = f"{len(few):,} of {len(counts):,} classes have fewer than {FEW_IN_VAL} pictures in {split}: {examples}"
        option = f"data/merge=rare, or a larger data.split.fractions.{split}, or -m folds=5 for intervals"
        found.append(Finding(NOTICE, "strategies", text, option))
    return found


def _round(number: int) -> int:
    """One significant digit of a number of two or more."""
    unit = 10 ** max(0, len(str(number)) - 1)
    return max(1, round(number / unit)) * unit
