"""Whether confidence means what it says, and the one number that mends it (Guo et al., On Calibration, ICML 2017)."""

import numpy as np
import pandas as pd

from hmexp.metrics.evaluation import ECE_BINS, expected_calibration_error, log_softmax

TEMPERATURES = (0.05, 20.0)
PARTS = 5


def reliability(probabilities: np.ndarray, targets: np.ndarray) -> pd.DataFrame:
    """Confidence beside accuracy, in the 15 equal bins of confidence of the expected calibration error.

    Args:
        probabilities: float32 `[n, classes]`.
        targets: int64 `[n]`.

    Returns:
        `confidence, accuracy, count`, a row a bin from 0 to 1; means over the bin's pictures, NaN where it has none.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == targets
    place = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    count = np.bincount(place, minlength=ECE_BINS)
    some = np.where(count, count, np.nan)
    means = {
        name: np.bincount(place, weights=values, minlength=ECE_BINS) / some
        for name, values in (("confidence", confidence), ("accuracy", right.astype(np.float64)))
    }
    return pd.DataFrame(means | {"count": count})


def calibration_error(table: pd.DataFrame) -> float:
    """The expected calibration error of a table of `reliability`: |accuracy - confidence|, weighted by count."""
    gaps = (table["accuracy"] - table["confidence"]).abs().fillna(0.0)
    return float((gaps * table["count"]).sum() / max(1, table["count"].sum()))


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature from 0.05 to 20 by which the logits, divided, have the lowest mean cross-entropy.

    Fit it on validation and apply it to test: it moves no prediction, only confidences.

    Args:
        logits: float32 `[n, classes]`.
        targets: int64 `[n]`.

    Raises:
        ValueError: No rows.
    """
    if not len(targets):
        raise ValueError("expected logits to calibrate, received none")
    # Imported here: scipy.optimize takes a second.
    from scipy.optimize import minimize_scalar

    exact = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        return cross_entropy(exact / np.exp(log_temperature), targets)

    # Convex in 1/T, so the one valley that it has in log T is the lowest place.
    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def helpful_temperature(logits: np.ndarray, targets: np.ndarray, seed: int = 0) -> float:
    """The temperature of `fit_temperature` if it helps on pictures that it was not fitted on, else 1.

    Cross-fitted: each fifth of the pictures gets the temperature of the other four. It helps where both the mean
    cross-entropy and the calibration error of all pictures are lower than as trained.

    Args:
        logits: float32 `[n, classes]`, of validation.
        targets: int64 `[n]`.
        seed: Of the fifths.

    Raises:
        ValueError: No rows.
    """
    found = fit_temperature(logits, targets)
    if len(targets) < PARTS or np.isnan(logits).any():
        return 1.0
    exact = logits.astype(np.float64)
    parts = np.random.default_rng(seed).permutation(len(targets)) % PARTS
    cooled = exact.copy()
    for part in range(PARTS):
        held = parts == part
        cooled[held] /= fit_temperature(exact[~held], targets[~held])
    helps = [measure(cooled, targets) < measure(exact, targets) for measure in (cross_entropy, _error_of_logits)]
    return found if all(helps) else 1.0


def with_temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities of logits at a temperature, float32 `[n, classes]`."""
    probabilities: np.ndarray = np.exp(log_softmax(logits.astype(np.float64) / temperature))
    return probabilities.astype(np.float32)


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> float:
    """Mean of -log p(target), in nats."""
    return float(-log_softmax(logits)[np.arange(len(targets)), targets].mean())


def _error_of_logits(logits: np.ndarray, targets: np.ndarray) -> float:
    return expected_calibration_error(np.exp(log_softmax(logits)), targets)
