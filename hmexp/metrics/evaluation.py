"""Figures of a split from its predictions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hmexp.metrics.names import METRICS

ECE_BINS = 15
TOP = 3
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Evaluation:
    """What a model does on a split.

    Attributes:
        split: `train`, `val` or `test`.
        classes: Names by target.
        num: Pictures.
        metrics: Every metric of `hmexp.metrics.names.METRICS`.
        per_class: `label, precision, recall, f1, support`, a row a class.
        confusion: Counts, int64 `[classes, classes]`, rows = target.
        absent: Classes without a picture in the split; means over classes leave them out.
        probabilities: float32 `[num, classes]`.
    """

    split: str
    classes: tuple[str, ...]
    num: int
    metrics: dict[str, float]
    per_class: pd.DataFrame
    confusion: np.ndarray
    absent: tuple[str, ...]
    probabilities: np.ndarray

    def confusion_table(self) -> pd.DataFrame:
        """The cells of the confusion that hold a picture: `target, predicted, count`, in the order of the classes."""
        target, predicted = np.nonzero(self.confusion)
        names = np.array(self.classes, dtype=object)
        columns = {"target": names[target], "predicted": names[predicted], "count": self.confusion[target, predicted]}
        return pd.DataFrame(columns)


def evaluate_logits(split: str, logits: np.ndarray, targets: np.ndarray, classes: tuple[str, ...]) -> Evaluation:
    """Evaluate a split.

    Args:
        split: Its name.
        logits: float32 `[n, classes]`.
        targets: int64 `[n]`.
        classes: Names by target.

    Raises:
        ValueError: No rows.
    """
    if not len(targets):
        raise ValueError(f"expected predictions of {split}, received none")
    # Imported here: scikit-learn takes a second.
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    log_probabilities = log_softmax(logits)
    predicted = log_probabilities.argmax(axis=1)
    labels = np.arange(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(targets, predicted, labels=labels, zero_division=0)
    present = support > 0
    of_classes = {"balanced_accuracy": float(recall[present].mean()), "macro_f1": float(f1[present].mean())}
    metrics = _of_pictures(log_probabilities, targets) | of_classes
    columns = {
        "label": classes,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "support": support.astype(np.int64),
    }
    return Evaluation(
        split=split,
        classes=classes,
        num=len(targets),
        metrics={name: metrics[name] for name in METRICS},
        per_class=pd.DataFrame(columns),
        confusion=confusion_matrix(targets, predicted, labels=labels).astype(np.int64),
        absent=tuple(name for name, there in zip(classes, present, strict=True) if not there),
        probabilities=np.exp(log_probabilities).astype(np.float32),
    )


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of logits, float64 `[n, classes]`, always finite.

    A picture whose logits hold no number (a training that diverged) gets equal probabilities; infinite logits count as
    the largest numbers of float32.
    """
    # Imported here: scipy.special takes a third of a second.
    from scipy.special import log_softmax as of_finite

    broken = np.isnan(logits).any(axis=1, keepdims=True)
    finite = np.where(broken, 0.0, np.nan_to_num(logits.astype(np.float64), posinf=LARGEST, neginf=-LARGEST))
    return np.asarray(of_finite(finite, axis=1))


def expected_calibration_error(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """|accuracy - confidence|, weighted over 15 bins of confidence (Guo et al., On Calibration, ICML 2017)."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    place = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.bincount(place, weights=right - confidence, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(targets))


def in_top(scores: np.ndarray, targets: np.ndarray, top: int) -> np.ndarray:
    """Whether each target is among the `top` highest scores, bool `[n]`; of equal scores the first class is higher."""
    of_target = scores[np.arange(len(targets)), targets][:, None]
    before = np.arange(scores.shape[1]) < targets[:, None]
    return np.asarray(((scores > of_target) | ((scores == of_target) & before)).sum(axis=1) < top)


def _of_pictures(log_probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """The metrics that are means over pictures."""
    return {
        "loss": float(-log_probabilities[np.arange(len(targets)), targets].mean()),
        "accuracy": float((log_probabilities.argmax(axis=1) == targets).mean()),
        "top3_accuracy": float(in_top(log_probabilities, targets, TOP).mean()),
        "ece": expected_calibration_error(np.exp(log_probabilities), targets),
    }
