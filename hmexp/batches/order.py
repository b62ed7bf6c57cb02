"""The order of an epoch: a function of (seed, epoch), so that any epoch can be replayed from any step."""

from dataclasses import dataclass

import numpy as np

from hmexp.batches.draws import draw
from hmexp.config.augment import AugmentConfig


@dataclass(frozen=True)
class Rows:
    """Rows of one split.

    Attributes:
        rows: Places in the store, int64 `[rows]`.
        targets: int64 `[rows]`.
        weights: float32 `[rows]`, or None where every row weighs 1.
        groups: Numbers of their groups, int64 `[rows]`, or None where nobody asks for them.
    """

    rows: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Order:
    """Which epochs, in what batches, and what is drawn for each picture.

    Attributes:
        batch_size: Pictures a batch; the last one of an epoch may be smaller.
        seed: The run's seed.
        first_epoch: Counted from 1.
        last_epoch: The last one.
        steps: Batches an epoch; None means all.
        first_step: Batches of the first epoch that are left out, because they are done already.
        augment: What is drawn for each picture; None for nothing.
        together: Rows of a group that stand side by side, at most; 1 shuffles rows one by one.
    """

    batch_size: int
    seed: int
    first_epoch: int
    last_epoch: int
    steps: int | None = None
    first_step: int = 0
    augment: AugmentConfig | None = None
    together: int = 1

    @property
    def augments(self) -> bool:
        """Whether batches carry draws."""
        return self.augment is not None

    def epoch(self, num: int, epoch: int, groups: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """One epoch of `num` rows, from `first_step` on if it is the first; with `groups`, see `side_by_side`.

        Returns:
            Indices, int64 `[rows of the epoch]`, and their draws, float32 `[rows of the epoch, columns]`; no
            columns where nothing is augmented.
        """
        chosen = epoch_order(num, self.seed, epoch)
        if groups is not None:
            chosen = side_by_side(chosen, groups, self.together)
        draws = draw(self.augment, num, self.seed, epoch)[chosen] if self.augment else np.empty((num, 0))
        first = self.first_step * self.batch_size if epoch == self.first_epoch else 0
        last = None if self.steps is None else self.steps * self.batch_size
        return chosen[first:last], draws[first:last].astype(np.float32)


def epoch_order(num: int, seed: int, epoch: int) -> np.ndarray:
    """A permutation of `range(num)`, int64 `[num]`.

    Args:
        num: Rows of the training split.
        seed: The run's seed.
        epoch: Counted from 1.
    """
    return np.random.default_rng((seed, epoch)).permutation(num)


def side_by_side(order: np.ndarray, groups: np.ndarray, together: int) -> np.ndarray:
    """The same rows, those of a group in runs of up to `together`; a run stands where its first row stood.

    A batch, which is a piece of the order, then holds pairs of most groups that it holds at all.

    Args:
        order: A permutation of the rows, int64 `[rows]`.
        groups: Numbers of their groups, int64 `[rows]`.
        together: Rows of a run, at most.
    """
    places = np.arange(len(order))
    of_group = np.argsort(groups[order], kind="stable")  # places in the order, group by group
    sorted_groups = groups[order][of_group]
    starts = np.flatnonzero(np.r_[True, sorted_groups[1:] != sorted_groups[:-1]])
    rank = places - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    first = of_group[places - rank % together]  # the place of the run's first row
    return np.asarray(order[of_group[np.lexsort((rank, first))]])


def num_batches(num: int, batch_size: int, limit: int | None = None) -> int:
    """Steps that `num` rows make, the last batch may be smaller; at most `limit`."""
    steps = -(-num // batch_size)
    return steps if limit is None else min(steps, limit)
