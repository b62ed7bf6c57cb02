"""How well similar pictures are found."""

import numpy as np


def normalised(features: np.ndarray) -> np.ndarray:
    """Rows at length 1, float32 `[n, features]`; a row of zeros stays one."""
    features = np.asarray(features, np.float32)
    # float32 squares overflow above 1e19: the largest number comes out first.
    features = features / np.maximum(np.abs(features).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return np.asarray(features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1.0), np.float32)
