"""Pictures that are equal, or nearly: by the bytes of their files, and by a perceptual hash."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hmexp.exploration.looks import Looks
from hmexp.process import check_interrupted

NEAR, NEAR_ANYWHERE = 6.0, 24.0
"""Distance, of 255, up to which two thumbnails show the same: in the mean, and in the pixel where it is largest. A grey
hash does not see colours, and a product's other colour has its shape; on a white background a small article hardly
moves the mean. A picture that was saved again, at another size or quality, differs by 1 to 3, and by up to 10."""
TILE = (256, 2048)
"""Hashes that are compared with each other at once: their distances stay in the processor's cache."""
AT_ONCE = 4096
"""Thumbnails that are compared at once."""


@dataclass(frozen=True)
class Copies:
    """Which pictures are the same.

    Attributes:
        equal: Number of each picture's group of equal files, int64 `[n]`.
        near: Number of each picture's group of equal and near-equal pictures, int64 `[n]`.
    """

    equal: np.ndarray
    near: np.ndarray


def find_copies(looks: Looks, digests: list[str], max_distance: int) -> Copies:
    """Group the pictures that are equal, and those that are nearly so.

    Args:
        looks: Of all pictures.
        digests: The hash of each picture file's bytes.
        max_distance: Bits in which the perceptual hashes of near-equal pictures may differ.
    """
    _, first, equal = np.unique(np.array(digests, dtype=str), return_index=True, return_inverse=True)
    pairs = _near_pairs(looks.hashes[first], looks.thumbnails[first], max_distance)
    places, others = (np.concatenate(ends) for ends in zip(*pairs, strict=True))
    links = coo_array((np.ones(len(places), bool), (places, others)), (len(first), len(first)))
    _, near = connected_components(links, directed=False)
    return Copies(equal.astype(np.int64), near.astype(np.int64)[equal])


def groups_of(numbers: np.ndarray) -> list[np.ndarray]:
    """Places of the members of each group of two or more, the largest group first."""
    order = np.argsort(numbers, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1) if len(order) else []
    return sorted((part for part in parts if len(part) > 1), key=len, reverse=True)


def _near_pairs(
    hashes: np.ndarray, thumbnails: np.ndarray, max_distance: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of places whose hashes and thumbnails are near each other.

    Pictures that share hash and rough colour are compared with the first of them alone, so that thousands of blank
    ones do not make millions of pairs.
    """
    rough = thumbnails.reshape(len(thumbnails), 2, 8, 2, 8, 3).mean((2, 4)).astype(np.uint8).reshape(-1, 12) >> 4
    keys = np.concatenate([hashes[:, None].view(np.uint8), rough], axis=1)
    _, first, place = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    alike = np.flatnonzero(first[place.ravel()] != np.arange(len(hashes)))
    yield _confirmed(thumbnails, alike, first[place.ravel()][alike])
    rows, columns = TILE
    for top in range(0, len(first), rows):
        check_interrupted()
        for left in range(top // columns * columns, len(first), columns):
            tile = hashes[first[top : top + rows], None] ^ hashes[None, first[left : left + columns]]
            here, there = np.nonzero(np.bitwise_count(tile) <= max_distance)
            above = here + top < there + left
            if above.any():
                yield _confirmed(thumbnails, first[here[above] + top], first[there[above] + left])


def _confirmed(thumbnails: np.ndarray, some: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs whose thumbnails are near each other."""
    kept = np.zeros(len(some), bool)
    for start in range(0, len(some), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        distance = np.abs(thumbnails[some[part]].astype(np.int16) - thumbnails[others[part]]).mean(3)
        kept[part] = (distance.mean((1, 2)) <= NEAR) & (distance.max((1, 2)) <= NEAR_ANYWHERE)
    return some[kept], others[kept]
