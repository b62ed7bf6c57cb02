"""Figures of a split from its predictions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

ECE_BINS = 15
SMALL_GAP, LARGE_GAP = 0.03, 0.10


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

    log_probabilities = _log_softmax(logits)
    probabilities = np.exp(log_probabilities)
    predicted = logits.argmax(axis=1)
    labels = np.arange(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(targets, predicted, labels=labels, zero_division=0)
    present = support > 0
    top = np.argsort(-logits, axis=1, kind="stable")[:, :3]
    metrics = {
        "loss": float(-log_probabilities[np.arange(len(targets)), targets].mean()),
        "accuracy": float((predicted == targets).mean()),
        "balanced_accuracy": float(recall[present].mean()),
        "macro_f1": float(f1[present].mean()),
        "top3_accuracy": float((top == targets[:, None]).any(axis=1).mean()),
        "ece": expected_calibration_error(probabilities, targets),
    }
    columns = {"label": classes, "precision": precision, "recall": recall, "f1": f1, "support": support}
    return Evaluation(
        split=split,
        classes=classes,
        num=len(targets),
        metrics=metrics,
        per_class=pd.DataFrame(columns),
        confusion=confusion_matrix(targets, predicted, labels=labels).astype(np.int64),
        absent=tuple(name for name, there in zip(classes, present, strict=True) if not there),
        probabilities=probabilities.astype(np.float32),
    )


def expected_calibration_error(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """|accuracy - confidence|, weighted over 15 bins of confidence (Guo et al., On Calibration, ICML 2017)."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    place = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.bincount(place, weights=right - confidence, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(targets))


def overfit_sentence(train: Evaluation, val: Evaluation, name: str = "accuracy") -> str:
    """The gap between train and validation, said plainly."""
    on_train, on_val = train.metrics[name], val.metrics[name]
    gap = on_train - on_val
    if gap < -SMALL_GAP:
        verdict = "val is easier than train here, as with strong regularisation or few articles"
    elif gap < SMALL_GAP:
        verdict = "the model does not overfit"
    elif gap < LARGE_GAP:
        verdict = "the model overfits somewhat"
    else:
        verdict = "the model overfits"
    head = f"{name.capitalize().replace('_', ' ')} is {on_train:.3f} on train and {on_val:.3f} on val"
    return f"{head}: a gap of {gap * 100:.1f} points, so {verdict}." if gap >= -SMALL_GAP else f"{head}: {verdict}."


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
