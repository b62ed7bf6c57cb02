"""Which classes are taken for which, and how precision is traded for recall in each."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Curve:
    """Precision over recall of one class against all others.

    Attributes:
        label: The class.
        support: Its pictures.
        precision: float64 `[thresholds]`, the highest threshold last.
        recall: Alike, from 1 down to 0.
        average_precision: The area below, as steps.
    """

    label: str
    support: int
    precision: np.ndarray
    recall: np.ndarray
    average_precision: float


def most_confused(confusion: np.ndarray, classes: tuple[str, ...], limit: int = 10) -> pd.DataFrame:
    """The pairs of classes that are confused most often.

    Args:
        confusion: Counts, int64 `[classes, classes]`, rows = target.
        classes: Names by target.
        limit: Pairs at most.

    Returns:
        `target, predicted, count, share`, the most frequent first; share is of the target's pictures. Among equal
        counts the larger share comes first.
    """
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    target, predicted = np.nonzero(wrong)
    count = wrong[target, predicted]
    share = count / confusion.sum(axis=1)[target]
    # The last key counts first; equal pairs keep the order of the classes.
    order = np.lexsort((-share, -count))[:limit]
    names = np.array(classes, dtype=object)
    columns = {"target": names[target], "predicted": names[predicted], "count": count, "share": share}
    return pd.DataFrame(columns).iloc[order].reset_index(drop=True)


def pr_curves(probabilities: np.ndarray, targets: np.ndarray, classes: tuple[str, ...]) -> tuple[Curve, ...]:
    """Precision and recall at every threshold, a curve a class; classes without a picture are left out.

    Args:
        probabilities: float32 `[n, classes]`.
        targets: int64 `[n]`.
        classes: Names by target.
    """
    return tuple(
        _curve(label, probabilities[:, number], targets == number)
        for number, label in enumerate(classes)
        if (targets == number).any()
    )


def _curve(label: str, scores: np.ndarray, positive: np.ndarray) -> Curve:
    # Imported here: scikit-learn takes a second.
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(positive, scores)
    return Curve(label, int(positive.sum()), precision, recall, float(-np.diff(recall) @ precision[:-1]))
