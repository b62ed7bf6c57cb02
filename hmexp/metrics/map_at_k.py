"""MAP@12 as the competition defines it, and hit rates, customer by customer."""

import numpy as np

K = 12


def average_precision(hits: np.ndarray, num_bought: np.ndarray, k: int = K) -> np.ndarray:
    """Average precision at k of each customer.

    The sum over the places of precision times whether the article there was bought, over min(m, k), where m is the
    number of articles that were bought (Kaggle, h-and-m-personalized-fashion-recommendations, "Evaluation"). Customers
    who bought nothing do not count there: leave them out before.

    Args:
        hits: Whether the article at each place was bought and stands at no earlier place, bool `[customers, places]`;
            places behind the k-th do not count.
        num_bought: Articles that each customer bought, each once, int64 `[customers]`, at least 1.
        k: Places that count.

    Returns:
        float64 `[customers]`, from 0 to 1.

    Raises:
        ValueError: A customer who bought nothing.
    """
    if len(num_bought) and num_bought.min() < 1:
        raise ValueError("expected customers who bought something, received one who did not")
    hits = np.asarray(hits, bool)[:, :k]
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.asarray((precision * hits).sum(axis=1) / np.minimum(num_bought, k))


def hits_of(predicted: np.ndarray, customers: np.ndarray, bought: np.ndarray) -> np.ndarray:
    """Which predictions were bought, each article of a customer once.

    Args:
        predicted: Articles by number, int64 `[customers, places]`, the best first; below 0 is none.
        customers: Row in `predicted` of each purchase, int64 `[purchases]`.
        bought: Article of each purchase, int64 `[purchases]`; a repeated one counts once.

    Returns:
        bool `[customers, places]`.
    """
    num, places = predicted.shape
    width = int(max(predicted.max(initial=0), bought.max(initial=0))) + 1
    keys = np.arange(num, dtype=np.int64)[:, None] * width + predicted
    found = np.isin(keys, customers.astype(np.int64) * width + bought) & (predicted >= 0)
    for place in range(1, places):
        found[:, place] &= ~(predicted[:, :place] == predicted[:, place, None]).any(axis=1)
    return found
