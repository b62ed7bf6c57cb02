"""The order of an epoch: a function of (seed, epoch), so that any epoch can be replayed."""

import numpy as np


def epoch_order(num: int, seed: int, epoch: int) -> np.ndarray:
    """A permutation of `range(num)`, int64 `[num]`.

    Args:
        num: Rows of the training split.
        seed: The run's seed.
        epoch: Counted from 1.
    """
    return np.random.default_rng((seed, epoch)).permutation(num)


def num_batches(num: int, batch_size: int, limit: int | None = None) -> int:
    """Steps that `num` rows make, the last batch may be smaller; at most `limit`."""
    steps = -(-num // batch_size)
    return steps if limit is None else min(steps, limit)
