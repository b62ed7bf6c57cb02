"""What a page says first: how good a model is, how sure that is, against what, and what goes wrong."""

import math

import numpy as np
import pandas as pd

from hmexp.evaluation.saved import SavedFolder
from hmexp.metrics.calibration import calibration_error, reliability, with_temperature
from hmexp.metrics.confused import most_confused
from hmexp.metrics.evaluation import Evaluation
from hmexp.metrics.overfitting import overfit_sentence
from hmexp.reports.blocks import Reference, Score
from hmexp.reports.gallery import CONFIDENT, confident, mistakes_of

WIDE = 0.02
"""Half of an interval on val from which a reader is warned: runs are often closer to each other."""
FEW = 20
"""Pictures of a class below which its figures say little."""
NAMED = 3
OVERCONFIDENT = 0.05


def scores(saved: SavedFolder) -> tuple[Score, ...]:
    """Macro F1 and accuracy of the split with intervals, beside val's and those of always saying one class."""
    evaluation = saved.splits[saved.split].evaluation
    intervals = saved.table(f"intervals_{saved.split}.csv")
    found = []
    for name, words in (("macro_f1", "Macro F1"), ("accuracy", "Accuracy")):
        ends = interval_of(intervals, name)
        label, value = always(evaluation, name)
        references = [Reference(f"always {label}", value)]
        if saved.split != "val" and "val" in saved.splits:
            references.append(Reference("the same on val", saved.splits["val"].evaluation.metrics[name]))
        found.append(Score(f"{words} on {saved.split}", evaluation.metrics[name], ends[0], ends[1], tuple(references)))
    return tuple(found)


def always(evaluation: Evaluation, name: str) -> tuple[str, float]:
    """The most frequent class of a split, and what saying nothing else would reach there.

    Args:
        evaluation: The split.
        name: `accuracy` or `macro_f1`.
    """
    support = evaluation.per_class["support"].to_numpy(np.float64)
    label = str(evaluation.per_class["label"].iloc[int(support.argmax())])
    share = float(support.max() / max(1.0, support.sum()))
    return label, share if name == "accuracy" else 2 * share / (1 + share) / max(1, int((support > 0).sum()))


def lead(saved: SavedFolder) -> str:
    """One sentence on how often the model is right, and how sure that is."""
    evaluation = saved.splits[saved.split].evaluation
    low, high = interval_of(saved.table(f"intervals_{saved.split}.csv"), "accuracy")
    sure = "" if low is None or high is None else f" (95 % interval {low:.1%} to {high:.1%})"
    label, share = always(evaluation, "accuracy")
    right = f"{evaluation.metrics['accuracy']:.1%} right{sure}"
    pictures = f"{evaluation.num:,} pictures of {saved.split}"
    return f"Of {pictures} the model has {right}; always saying {label} would have {share:.1%}."


def findings(saved: SavedFolder) -> tuple[str, ...]:
    """Sentences on what goes wrong, and on what the numbers cannot tell."""
    found = []
    if saved.split != "train" and {"train", "val"} <= set(saved.splits):
        found.append(overfit_sentence(saved.splits["train"].evaluation, saved.splits["val"].evaluation))
    found += [*_weak_classes(saved), *_confusions(saved), *_sure_mistakes(saved), *_weak_slices(saved)]
    return (*found, *_confidence(saved), *_small_val(saved))


def interval_of(intervals: pd.DataFrame, name: str) -> tuple[float, float] | tuple[None, None]:
    """Ends of a metric's interval, where it was saved."""
    row = intervals[intervals["metric"] == name] if len(intervals) else intervals
    if row.empty or not np.isfinite(row[["low", "high"]].to_numpy(np.float64)).all():
        return None, None
    return float(row["low"].iloc[0]), float(row["high"].iloc[0])


def _weak_classes(saved: SavedFolder) -> list[str]:
    table = saved.splits[saved.split].evaluation.per_class
    present = table[table["support"] > 0].sort_values("f1", kind="stable")
    mean = float(present["f1"].mean())
    weak = present[present["f1"] < mean - 0.1].head(NAMED)
    names = [f"{row.label} (F1 {row.f1:.2f}, {row.support:,} pictures)" for row in weak.itertuples()]
    sentences = [f"Weakest: {', '.join(names)}, where the mean is {mean:.2f}."] if names else []
    few = present[present["support"] < FEW]["label"].astype(str).tolist()
    if few:
        some = ", ".join(few[:NAMED]) + (f" and {len(few) - NAMED} more" if len(few) > NAMED else "")
        them = "them" if len(few) > 1 else "it"
        sentences.append(f"Fewer than {FEW} pictures of {some}: what is said of {them} may be chance.")
    return sentences


def _confusions(saved: SavedFolder) -> list[str]:
    evaluation = saved.splits[saved.split].evaluation
    pairs = most_confused(evaluation.confusion, evaluation.classes, NAMED)
    texts = [
        f"{target} for {predicted} ({count:,} times, {share:.0%} of it)"
        for target, predicted, count, share in pairs.itertuples(index=False, name=None)
    ]
    return [f"Taken most often: {'; '.join(texts)}."] if texts else ["No picture is taken for another class."]


def _sure_mistakes(saved: SavedFolder) -> list[str]:
    wrong = mistakes_of(saved.splits[saved.split].predictions)
    sure = confident(wrong)
    if not sure:
        return []
    return [
        f"{sure:,} of {len(wrong):,} mistakes are made with a confidence of {CONFIDENT:.0%} or more: "
        "often it is the label that is wrong, so look at these first."
    ]


def _weak_slices(saved: SavedFolder) -> list[str]:
    """The slice that is worst by more than chance."""
    overall = saved.splits[saved.split].evaluation.metrics["accuracy"]
    found = []
    for column, table in slice_tables(saved).items():
        rows = table[table["high"] < overall]
        if len(rows):
            found += [(float(rows["accuracy"].iloc[0]), column, rows.iloc[0])]
    if not found:
        return []
    accuracy, column, row = min(found, key=lambda item: item[0])
    return [f"Weakest by {column}: {row['value']}, {accuracy:.1%} of {int(row['num']):,} pictures right."]


def slice_tables(saved: SavedFolder) -> dict[str, pd.DataFrame]:
    """Column of the catalogue -> its slices, of those that were saved."""
    ending = f"_{saved.split}.csv"
    paths = sorted(saved.path.glob(f"slices_*{ending}"))
    return {path.name.removeprefix("slices_").removesuffix(ending): saved.table(path.name) for path in paths}


def _confidence(saved: SavedFolder) -> list[str]:
    split = saved.splits[saved.split]
    after = reliability(with_temperature(split.logits, saved.temperature), split.targets)
    error = calibration_error(after)
    if not math.isfinite(error) or error < OVERCONFIDENT:
        return []
    off = f"Confidences are off by {100 * error:.0f} points on average, temperature included"
    return [f"{off}: do not set thresholds by them."]


def _small_val(saved: SavedFolder) -> list[str]:
    """Caution where runs cannot be told apart on val."""
    low, high = interval_of(saved.table("intervals_val.csv"), "macro_f1")
    if low is None or high is None or "val" not in saved.splits or (high - low) / 2 < WIDE:
        return []
    num = saved.splits["val"].evaluation.num
    return [
        f"Val is small: macro F1 on its {num:,} pictures is known to ±{50 * (high - low):.0f} points only. "
        "Two runs closer than that cannot be told apart; repeat them with -m seeds=3 or -m folds=5."
    ]
