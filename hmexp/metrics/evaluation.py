"""Figures of a split from its predictions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hmexp.metrics.names import METRICS

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
    predicted = logits.argmax(axis=1)
    labels = np.arange(len(classes))
    precision, recall, f1, support = precision_recall_fscore_support(targets, predicted, labels=labels, zero_division=0)
    present = support > 0
    of_classes = {"balanced_accuracy": float(recall[present].mean()), "macro_f1": float(f1[present].mean())}
    metrics = _of_pictures(log_probabilities, targets) | of_classes
    columns = {"label": classes, "precision": precision, "recall": recall, "f1": f1, "support": support}
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


def expected_calibration_error(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """|accuracy - confidence|, weighted over 15 bins of confidence (Guo et al., On Calibration, ICML 2017)."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    place = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.bincount(place, weights=right - confidence, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(targets))


def overfit_sentence(train: Evaluation, val: Evaluation, name: str = "accuracy") -> str:
    """The gap between train and validation, said plainly.

    Args:
        train: On train.
        val: On val.
        name: A metric from 0 to 1 of which more is better, so that points mean something.

    Raises:
        ValueError: Another metric.
    """
    if not METRICS[name].higher_is_better:
        raise ValueError(f"expected a metric of which more is better, received {name}")
    on_train, on_val = train.metrics[name], val.metrics[name]
    gap = on_train - on_val
    words = name.replace("_", " ").replace(" f1", " F1")
    head = f"{words[0].upper()}{words[1:]} is {on_train:.3f} on train and {on_val:.3f} on val"
    points = f"{abs(gap) * 100:.1f} points"
    if gap <= -SMALL_GAP:
        return f"{head}: val is easier by {points}, as with strong regularisation, augmentation or few articles."
    if gap < 0:
        return f"{head}: val is ahead by {points}, so the model does not overfit."
    if gap < SMALL_GAP:
        verdict = "the model does not overfit"
    elif gap < LARGE_GAP:
        verdict = "the model overfits somewhat"
    else:
        verdict = "the model overfits"
    return f"{head}: a gap of {points}, so {verdict}."


def _of_pictures(log_probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """The metrics that are means over pictures."""
    ranked = np.argsort(-log_probabilities, axis=1, kind="stable")
    return {
        "loss": float(-log_probabilities[np.arange(len(targets)), targets].mean()),
        "accuracy": float((ranked[:, 0] == targets).mean()),
        "top3_accuracy": float((ranked[:, :3] == targets[:, None]).any(axis=1).mean()),
        "ece": expected_calibration_error(np.exp(log_probabilities), targets),
    }


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
