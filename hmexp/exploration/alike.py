"""Classes that may be one: by their names, and by how their pictures look."""

import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

PICTURES_A_CLASS = 150
"""Of each class as many, so that a large one is not next to everything because there is so much of it."""
FEWEST = 10
"""Pictures of a class below which it is left out: a share of so few says nothing."""
MOST_CLASSES = 100
"""The largest of more: there would be tens of thousands of pictures."""
FILLERS = frozenset(("and", "or", "of", "the", "for", "with", "other", "misc"))
SHARED = 0.5
"""Share of the words of two names, together, that both have, from which the names are alike."""


def alike_by_name(classes: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of classes whose names share half of their words, or one of which names the other.

    Args:
        classes: Names, such as `Underwear` and `Underwear/nightwear`.
    """
    words = {name: _words(name) for name in classes}
    pairs = combinations(sorted(name for name in classes if words[name]), 2)
    return [(one, two) for one, two in pairs if _share(words[one], words[two]) >= SHARED]


def _words(name: str) -> frozenset[str]:
    """The words of a name in small letters, without fillers and the plural's s."""
    found = re.findall(r"[^\W\d_]{2,}", name.casefold())
    return frozenset(word.removesuffix("s") if len(word) > 3 else word for word in found if word not in FILLERS)


def _share(one: frozenset[str], two: frozenset[str]) -> float:
    return len(one & two) / len(one | two)


def alike_by_look(rows: pd.DataFrame, thumbnails: np.ndarray) -> pd.DataFrame:
    """For each class, the other one that the pictures most like its own are of.

    A rough look, before anything is trained: the nearest of at most 150 thumbnails a class, by their pixels, where the
    other pictures of the same product do not count.

    Args:
        rows: `label, group` of pictures.
        thumbnails: Of the same pictures, uint8 `[n, side, side, 3]`.

    Returns:
        `label, num, other, share, own, place, near`, the largest share first: pictures of the class that were
        compared, the share of them that are nearest to one of `other`, and to one of the class itself; and the places
        in `rows` of a picture and of the one of `other` that is nearest to it.
    """
    sizes = rows["label"].value_counts()
    wide = rows.assign(place=np.arange(len(rows)))[rows["label"].isin(sizes.index[:MOST_CLASSES]).to_numpy()]
    drawn = wide.sample(frac=1, random_state=0).groupby("label").head(PICTURES_A_CLASS)
    columns = ["label", "num", "other", "share", "own", "place", "near"]
    if drawn["label"].nunique() < 2:
        return pd.DataFrame(columns=columns)
    places = drawn["place"].to_numpy()
    labels, groups = drawn["label"].to_numpy(object), pd.factorize(drawn["group"])[0]
    near = _nearest(thumbnails[places].reshape(len(places), -1).astype(np.float32) / 255, groups)
    found = []
    for label in np.unique(labels):
        mine = np.flatnonzero((labels == label) & (near >= 0))
        if len(mine) < FEWEST:
            continue
        shares = pd.Series(labels[near[mine]]).value_counts(normalize=True)
        others = shares.drop(label, errors="ignore")
        if others.empty:
            continue
        one = mine[labels[near[mine]] == others.index[0]][0]
        numbers = (label, len(mine), others.index[0], others.iloc[0], shares.get(label, 0.0))
        found.append((*numbers, places[one], places[near[one]]))
    return pd.DataFrame(found, columns=columns).sort_values("share", ascending=False, ignore_index=True)


def _nearest(features: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The place of the nearest of another group, int64 `[n]`; -1 where there is no other group."""
    squares = (features**2).sum(1)
    nearest = np.full(len(features), -1)
    for start in range(0, len(features), 512):
        part = slice(start, start + 512)
        distances = squares[None] - 2 * features[part] @ features.T
        distances[groups[part, None] == groups[None]] = np.inf
        best = distances.argmin(1)
        nearest[part] = np.where(np.isfinite(distances[np.arange(len(best)), best]), best, -1)
    return nearest
