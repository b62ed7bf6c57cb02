"""Splitting into train, val and test: manifest -> manifest and what changed."""

import hashlib
from functools import singledispatch

import numpy as np
import pandas as pd

from hmexp.catalogue.manifest import GIVEN_SPLIT, SPLIT_NAMES, Manifest
from hmexp.catalogue.report import Step
from hmexp.config.errors import invalid
from hmexp.config.strategies import (
    SPLITS,
    FixedSplit,
    FolderSplit,
    Fractions,
    GroupedSplit,
    HashSplit,
    RandomSplit,
    SplitConfig,
    StratifiedSplit,
)

FOLDER_COLUMN = "folder_split"
"""Column that `data=folder` fills with the name of the folder above the class, or an empty string."""


@singledispatch
def split(cfg: SplitConfig, manifest: Manifest) -> tuple[Manifest, Step]:
    """Fill the column `split` of a manifest as `cfg` says.

    A strategy of your own is a dataclass below `SplitConfig` and a function registered for it here.

    Args:
        cfg: The `data.split` section.
        manifest: Rows whose labels are merged already.

    Raises:
        UserError: A column that the catalogue lacks, or a value of it that names no split.
    """
    raise TypeError(f"expected a split strategy that is registered, received {type(cfg).__name__}")


@split.register
def _(cfg: GroupedSplit, manifest: Manifest) -> tuple[Manifest, Step]:
    frame = manifest.frame
    names, lonely = deal(frame, frame["group"], _shares(cfg.fractions), cfg.seed)
    text = f"Stratified by class with every group kept whole, seed {cfg.seed}."
    return _finish(manifest, names, "split: grouped", text, lonely)


@split.register
def _(cfg: StratifiedSplit, manifest: Manifest) -> tuple[Manifest, Step]:
    frame = manifest.frame
    names, lonely = deal(frame, frame["article_id"], _shares(cfg.fractions), cfg.seed)
    text = f"Stratified by class, article by article, seed {cfg.seed}."
    return _finish(manifest, names, "split: stratified", text, lonely)


@split.register
def _(cfg: RandomSplit, manifest: Manifest) -> tuple[Manifest, Step]:
    # Sizes are cut down, and train takes the rest, as keras.utils.image_dataset_from_directory does.
    total = len(manifest)
    num_val, num_test = (int(share * total + 1e-9) for share in (cfg.fractions.val, cfg.fractions.test))
    names = np.full(total, "train", dtype=object)
    order = np.random.default_rng(cfg.seed).permutation(total)
    names[order[:num_val]] = "val"
    names[order[num_val : num_val + num_test]] = "test"
    return _finish(manifest, names, "split: random", f"At random, seed {cfg.seed}.")


@split.register
def _(cfg: HashSplit, manifest: Manifest) -> tuple[Manifest, Step]:
    places = manifest.frame["article_id"].map(lambda article: _place(article, cfg.seed)).to_numpy()
    edges = np.cumsum([cfg.fractions.train, cfg.fractions.val])
    names = np.array(SPLITS, dtype=object)[np.searchsorted(edges, places, side="right")]
    text = f"By a hash of the id, seed {cfg.seed}: an article keeps its side when the catalogue grows."
    return _finish(manifest, names, "split: hash", text)


@split.register
def _(cfg: FixedSplit, manifest: Manifest) -> tuple[Manifest, Step]:
    own = manifest.frame.drop(columns="split").rename(columns={GIVEN_SPLIT: "split"})
    if cfg.column not in own or (own[cfg.column] == "").all():
        raise invalid(
            "data.split.column",
            "a column of the catalogue",
            cfg.column,
            [str(name) for name in own if name != cfg.column],
        )
    values = own[cfg.column].astype(str).str.strip()
    unknown = sorted(set(values.str.lower()) - set(SPLIT_NAMES))
    if unknown:
        expected = f"the values {', '.join(SPLIT_NAMES)} in the column {cfg.column}"
        raise invalid("data.split.column", expected, unknown[0], SPLIT_NAMES)
    return _given(cfg, manifest, values, "split: fixed", f"As the column {cfg.column} says.")


@split.register
def _(cfg: FolderSplit, manifest: Manifest) -> tuple[Manifest, Step]:
    if FOLDER_COLUMN in manifest.frame and (manifest.frame[FOLDER_COLUMN] != "").any():
        text = "As the folders train, val and test say."
        return _given(cfg, manifest, manifest.frame[FOLDER_COLUMN], "split: folders", text)
    same = GroupedSplit(fractions=cfg.fractions, seed=cfg.seed)
    done, step = split(same, manifest)
    text = f"There are no folders train, val and test. {step.text}"
    return done, Step("split: folders", text, step.before, step.after, warnings=step.warnings)


def _given(cfg: SplitConfig, manifest: Manifest, values: pd.Series, name: str, text: str) -> tuple[Manifest, Step]:
    """A split that is given; where it has no val, val is taken out of train, stratified."""
    names = values.str.lower().map(SPLIT_NAMES).to_numpy(dtype=object)
    train = names == "train"
    if (names == "val").any() or not train.any():
        return _finish(manifest, names, name, text)
    share = cfg.fractions.val / (cfg.fractions.train + cfg.fractions.val)
    frame = manifest.frame[train]
    names[train], lonely = deal(frame, frame["group"], {"train": 1 - share, "val": share}, cfg.seed)
    return _finish(manifest, names, name, f"{text} No article is in val: {share:.0%} of train becomes val.", lonely)


def deal(
    frame: pd.DataFrame, group: pd.Series, shares: dict[str, float], seed: int, small: str = "train"
) -> tuple[np.ndarray, list[str]]:
    """Deal whole groups out, class by class.

    A group belongs to the class that most of its rows have. Groups come in random order and go where the
    share that is filled is the smallest, so that sizes of groups are alike in all parts.

    Args:
        frame: Rows with their `label`.
        group: The group of each row.
        shares: Part -> the share of rows that it gets.
        seed: Of the order of the groups.
        small: The part that takes the classes with fewer groups than there are parts.

    Returns:
        The part of each row, and the classes that went to `small`.
    """
    table = pd.crosstab(group, frame["label"])
    home, sizes = table.idxmax(axis=1), table.sum(axis=1)
    rng = np.random.default_rng(seed)
    side: dict[str, str] = {}
    lonely = []
    for label in sorted(home.unique()):
        groups = home.index[home == label].to_numpy()
        if len(groups) < len(shares):
            lonely.append(label)
            side |= dict.fromkeys(groups, small)
            continue
        filled = dict.fromkeys(shares, 0.0)
        for name in rng.permutation(groups):
            target = min(shares, key=filled.__getitem__)
            side[name] = target
            filled[target] += sizes[name] / shares[target]
    return group.map(side).to_numpy(dtype=object), lonely


def cross_validate(cfg: SplitConfig, manifest: Manifest) -> tuple[Manifest, Step]:
    """Deal train and val into `cfg.folds` parts, stratified, with groups kept whole; part `cfg.fold` is val.

    Test stays as the split made it. A class with fewer groups than parts is in train in every fold.

    Args:
        cfg: The `data.split` section, with `folds`.
        manifest: Split already.
    """
    names = manifest.frame["split"].to_numpy(dtype=object)
    known = names != "test"
    frame = manifest.frame[known]
    folds = {str(fold): 1.0 for fold in range(cfg.folds or 1)}
    parts, lonely = deal(frame, frame["group"], folds, cfg.seed)
    names[known] = np.where(parts == str(cfg.fold), "val", "train")
    text = f"Fold {cfg.fold} of {cfg.folds} of train and val is val, groups kept whole, seed {cfg.seed}."
    return _finish(manifest, names, "cross-validation", text, lonely)


def _shares(fractions: Fractions) -> dict[str, float]:
    """The splits that get a share."""
    shares = {name: getattr(fractions, name) for name in SPLITS}
    return {name: share for name, share in shares.items() if share > 0}


def _place(article_id: str, seed: int) -> float:
    """A number in [0, 1) that depends on nothing but the id and the seed."""
    digest = hashlib.blake2b(f"{seed}:{article_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _finish(
    manifest: Manifest, names: np.ndarray, name: str, text: str, lonely: list[str] | None = None
) -> tuple[Manifest, Step]:
    done = manifest.with_frame(manifest.frame.assign(split=names))
    sizes = ", ".join(f"{part} {int((names == part).sum()):,}" for part in SPLITS)
    warnings = [f"{label} has fewer groups than splits, so all of it is in train" for label in lonely or []]
    for part in ("val", "test"):
        present = set(done.frame.loc[done.frame["split"] == part, "label"])
        absent = [label for label in done.classes if label not in present and label not in (lonely or [])]
        if present and absent:
            warnings.append(f"{part} has no article of {', '.join(absent)}")
    return done, Step(name, f"{text} {sizes}.", len(manifest), len(manifest), warnings=tuple(warnings))
