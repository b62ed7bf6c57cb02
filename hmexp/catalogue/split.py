"""Splitting into train, val and test: manifest -> manifest and what changed."""

import hashlib
from functools import singledispatch

import numpy as np
import pandas as pd

from hmexp.catalogue.manifest import FOLDER_COLUMN, SPLIT_NAMES, Manifest, own, own_columns
from hmexp.catalogue.report import Step
from hmexp.config.errors import UserError, invalid
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

STRAY = 0.05
"""How far a split's share may be from the one that was asked for before it is said."""


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
    return _finish(manifest, names, "split: grouped", text, lonely, cfg.fractions)


@split.register
def _(cfg: StratifiedSplit, manifest: Manifest) -> tuple[Manifest, Step]:
    frame = manifest.frame
    names, lonely = deal(frame, frame["article_id"], _shares(cfg.fractions), cfg.seed)
    text = f"Stratified by class, article by article, seed {cfg.seed}."
    return _finish(manifest, names, "split: stratified", text, lonely, cfg.fractions)


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
    frame, columns = manifest.frame, own_columns(manifest.frame)
    if cfg.column not in columns or (frame[own(cfg.column)] == "").all():
        others = [name for name in columns if name != cfg.column]
        expected = f"a filled column of the catalogue ({', '.join(columns) or 'it has none'})"
        raise invalid("data.split.column", expected, cfg.column, others)
    values = frame[own(cfg.column)].astype(str).str.strip()
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
    home, sizes = _homes(frame, group)
    rng = np.random.default_rng(seed)
    side: dict[str, str] = {}
    lonely = []
    for label, members in home.groupby(home, sort=True):
        groups = members.index.to_numpy()
        if len(groups) < len(shares):
            lonely.append(str(label))
            side |= dict.fromkeys(groups, small)
            continue
        drawn = rng.permutation(groups)
        # The largest first, so that the small ones even out what these have left.
        drawn = drawn[np.argsort(-sizes.loc[drawn].to_numpy(), kind="stable")]
        filled = dict.fromkeys(shares, 0.0)
        for name, size in zip(drawn, sizes.loc[drawn].to_numpy(), strict=True):
            target = min(shares, key=filled.__getitem__)
            side[name] = target
            filled[target] += size / shares[target]
    return group.map(side).to_numpy(dtype=object), lonely


def _homes(frame: pd.DataFrame, group: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Of each group the class that most of its rows have (the first by name of several), and its rows."""
    counts = frame.groupby([group.rename("group"), frame["label"]], sort=True).size().rename("rows").reset_index()
    first = counts.sort_values(["group", "rows", "label"], ascending=[True, False, True], kind="stable")
    home = first.drop_duplicates("group").set_index("group")["label"]
    return home, counts.groupby("group")["rows"].sum()


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
    _check_folds(cfg, frame)
    folds = {str(fold): 1.0 for fold in range(cfg.folds or 1)}
    parts, lonely = deal(frame, frame["group"], folds, cfg.seed)
    names[known] = np.where(parts == str(cfg.fold), "val", "train")
    text = f"Fold {cfg.fold} of {cfg.folds} of train and val is val, groups kept whole, seed {cfg.seed}."
    return _finish(manifest, names, "cross-validation", text, lonely)


def _check_folds(cfg: SplitConfig, frame: pd.DataFrame) -> None:
    """Raise `UserError` where no class has a group for each fold."""
    home, _ = _homes(frame, frame["group"])
    most = home.value_counts()
    if cfg.folds is not None and cfg.folds > most.iloc[0]:
        expected = f"at most {most.iloc[0]}, the groups of train and val that {most.index[0]} has (no class has more)"
        raise UserError(f"data.split.folds: expected {expected}, received {cfg.folds}")


def _shares(fractions: Fractions) -> dict[str, float]:
    """The splits that get a share."""
    shares = {name: getattr(fractions, name) for name in SPLITS}
    return {name: share for name, share in shares.items() if share > 0}


def _place(article_id: str, seed: int) -> float:
    """A number in [0, 1) that depends on nothing but the id and the seed."""
    digest = hashlib.blake2b(f"{seed}:{article_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _finish(
    manifest: Manifest,
    names: np.ndarray,
    name: str,
    text: str,
    lonely: list[str] | None = None,
    fractions: Fractions | None = None,
) -> tuple[Manifest, Step]:
    done = manifest.with_frame(manifest.frame.assign(split=names))
    sizes = ", ".join(f"{part} {int((names == part).sum()):,}" for part in SPLITS)
    warnings = [f"{label} has fewer groups than splits, so all of it is in train" for label in lonely or []]
    warnings += _missing_classes(done, lonely or [])
    warnings += _strays(done, fractions) if fractions is not None else []
    return done, Step(name, f"{text} {sizes}.", len(manifest), len(manifest), warnings=tuple(warnings))


def _missing_classes(done: Manifest, lonely: list[str]) -> list[str]:
    """Sentences on the classes that a split lacks."""
    frame, warnings = done.frame, []
    there = {part: set(frame.loc[frame["split"] == part, "label"]) for part in SPLITS}
    for part in ("val", "test"):
        absent = [label for label in done.classes if label not in there[part] and label not in lonely]
        if there[part] and absent:
            warnings.append(f"{part} has no article of {', '.join(absent)}")
    unknown = [label for label in done.classes if label not in there["train"]]
    if there["train"] and unknown:
        way = "another data.split.seed, or data/split=stratified, may help"
        warnings.append(f"train has no article of {', '.join(unknown)}, which cannot be learned ({way})")
    return warnings


def _strays(done: Manifest, fractions: Fractions) -> list[str]:
    """Sentences on the splits whose share is not the one that was asked for, with the group that causes it."""
    frame, warnings = done.frame, []
    for part, wanted in _shares(fractions).items():
        rows = frame.loc[frame["split"] == part, "group"]
        share = len(rows) / len(frame)
        if abs(share - wanted) > STRAY:
            largest = frame["group"].value_counts()
            cause = f"the group {largest.index[0]} alone has {largest.iloc[0]:,} of {len(frame):,} articles"
            if largest.iloc[0] / len(frame) < STRAY / 2:
                cause = "classes with few groups go to train whole"
            way = "data/split=stratified does not keep groups together"
            warnings.append(f"{part} has {share:.0%} of the articles, not {wanted:.0%}: {cause} ({way})")
    return warnings
