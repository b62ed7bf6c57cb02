"""Balancing unequal classes: manifest -> manifest and what changed. Nothing on disk is copied or deleted."""

from collections.abc import Callable
from functools import singledispatch

import numpy as np
import pandas as pd

from hmexp.catalogue.manifest import Manifest
from hmexp.catalogue.merge import check_classes
from hmexp.catalogue.report import Step, class_changes
from hmexp.config.strategies import BalanceConfig, ClassWeight, NoBalance, Oversample, Undersample


@singledispatch
def balance(cfg: BalanceConfig, manifest: Manifest) -> tuple[Manifest, Step]:
    """Balance the classes of a manifest as `cfg` says.

    With `scope=train` only rows of the training split change, so the manifest has to be split already; with
    `scope=all` every row counts. A strategy of your own is a dataclass below `BalanceConfig` and a function
    registered for it here.

    Args:
        cfg: The `data.balance` section.
        manifest: Rows, split already unless `cfg.scope` is `all`.

    Raises:
        UserError: A class that the catalogue lacks.
    """
    raise TypeError(f"expected a balance strategy that is registered, received {type(cfg).__name__}")


@balance.register
def _(cfg: NoBalance, manifest: Manifest) -> tuple[Manifest, Step]:
    return manifest, Step("balance: none", "Classes stay as they are.", len(manifest), len(manifest))


@balance.register
def _(cfg: Undersample, manifest: Manifest) -> tuple[Manifest, Step]:
    check_classes("data.balance.classes", cfg.classes or [], manifest)
    counts = _counts_in_scope(manifest, cfg)
    cap = _number(cfg.cap, counts)

    def sample(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return rng.choice(rows, cap, replace=False) if len(rows) > cap else rows

    balanced = _resample(manifest, cfg, cfg.classes, sample)
    named = "all classes" if cfg.classes is None else ", ".join(cfg.classes)
    text = f"At most {cap:,} articles a class in {_scope(cfg)} ({named}), drawn with seed {cfg.seed}."
    return balanced, _step("balance: undersample", text, manifest, balanced, f"more than {cap:,}")


@balance.register
def _(cfg: Oversample, manifest: Manifest) -> tuple[Manifest, Step]:
    check_classes("data.balance.classes", cfg.classes or [], manifest)
    floor = _number(cfg.floor, _counts_in_scope(manifest, cfg))

    def sample(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if not 0 < len(rows) < floor:
            return rows
        whole, rest = divmod(floor, len(rows))
        return np.concatenate([np.repeat(rows, whole), rng.choice(rows, rest, replace=False)])

    balanced = _resample(manifest, cfg, cfg.classes, sample)
    text = f"At least {floor:,} rows a class in {_scope(cfg)}; articles are repeated as indices, seed {cfg.seed}."
    return balanced, _step("balance: oversample", text, manifest, balanced, f"fewer than {floor:,}")


@balance.register
def _(cfg: ClassWeight, manifest: Manifest) -> tuple[Manifest, Step]:
    counts = _counts_in_scope(manifest, cfg)
    weights = class_weights(counts, cfg.formula, cfg.beta)
    train = _in_scope(manifest, cfg)
    weight = manifest.frame["weight"].where(~train, manifest.frame["label"].map(weights))
    named = ", ".join(f"{label} {value:.3g}" for label, value in weights.items())
    step = Step(
        "balance: class_weight",
        f"The loss weighs the classes ({cfg.formula}): {named}.",
        len(manifest),
        len(manifest),
    )
    return manifest.with_frame(manifest.frame.assign(weight=weight.astype(float))), step


def class_weights(counts: pd.Series, formula: str, beta: float) -> pd.Series:
    """Weight of each class, scaled so that the mean over all articles is 1.

    Args:
        counts: Articles of each class, all above 0.
        formula: `balanced` (n / (classes * count), as scikit-learn) or `effective`
            ((1 - beta) / (1 - beta ** count), Cui et al., Class-Balanced Loss, CVPR 2019).
        beta: Of `effective`.
    """
    number = counts.to_numpy(dtype=float)
    raw = 1.0 / number if formula == "balanced" else (1.0 - beta) / (1.0 - np.power(beta, number))
    return pd.Series(raw * number.sum() / (raw * number).sum(), index=counts.index)


def _in_scope(manifest: Manifest, cfg: BalanceConfig) -> pd.Series:
    split = manifest.frame["split"]
    return pd.Series(split == "train" if cfg.scope == "train" else split.notna())


def _counts_in_scope(manifest: Manifest, cfg: BalanceConfig) -> pd.Series:
    return pd.Series(manifest.frame["label"][_in_scope(manifest, cfg)].value_counts().sort_index())


def _scope(cfg: BalanceConfig) -> str:
    return "the training split" if cfg.scope == "train" else "the whole catalogue, before the split"


def _number(value: int | str, counts: pd.Series) -> int:
    """A number as it is; `min`, `median` or `max` of the counts."""
    return value if isinstance(value, int) else int(getattr(counts, value)())


def _resample(
    manifest: Manifest,
    cfg: BalanceConfig,
    classes: list[str] | None,
    sample: Callable[[np.ndarray, np.random.Generator], np.ndarray],
) -> Manifest:
    """Draw rows class by class in the scope; rows outside it, and of other classes, stay."""
    rng = np.random.default_rng(cfg.seed)
    frame = manifest.frame
    scope = _in_scope(manifest, cfg).to_numpy()
    chosen = [np.flatnonzero(~scope)]
    for label in manifest.classes:
        rows = np.flatnonzero(scope & (frame["label"] == label).to_numpy())
        chosen.append(sample(rows, rng) if classes is None or label in classes else rows)
    return manifest.with_frame(frame.iloc[np.sort(np.concatenate(chosen))])


def _step(name: str, text: str, before: Manifest, after: Manifest, why: str) -> Step:
    changes = class_changes(before.frame["label"].value_counts(), after.frame["label"].value_counts(), why)
    return Step(name, text, len(before), len(after), changes)
