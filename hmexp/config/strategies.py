"""The groups `data/merge`, `data/balance` and `data/split`: what makes a manifest of a catalogue."""

from dataclasses import dataclass, field

from hmexp.config.errors import invalid, require
from hmexp.config.fields import Section, choice, number, text

SPLITS = ("train", "val", "test")
MOST_ROWS = 10_000_000
"""Rows that a class can be brought to, or left with."""


@dataclass
class MergeConfig(Section, key="data.merge"):
    """How labels become classes."""


@dataclass
class NoMerge(MergeConfig):
    """Every label is a class of its own."""


@dataclass
class Hm9Merge(MergeConfig):
    """The reference's nine classes: ten small H&M groups go into `into`."""

    into: str = text("Accessories")
    """Class that takes the ten groups in."""


@dataclass
class RareMerge(MergeConfig):
    """All classes with fewer articles than `min_count` become one."""

    min_count: int = number(100, ge=1, le=1_000_000_000)
    """Articles that a class needs to stay on its own."""
    into: str = text("Other")
    """Name of the class that takes the rare ones in."""


@dataclass
class MapMerge(MergeConfig):
    """Any mapping of labels to classes; a label that is not named stays as it is."""

    mapping: dict[str, str] = text(default_factory=dict)
    """Label -> class, such as {Bags: Accessories, Items: Accessories}."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(bool(self.mapping), "data.merge.mapping", "at least one LABEL: CLASS", "none")


@dataclass
class BalanceConfig(Section, key="data.balance"):
    """How unequal classes are dealt with."""

    scope: str = choice("train", ("train", "all"))
    """`train`: val and test keep the catalogue's distribution; `all`: before the split, as the reference did."""
    seed: int = number(0, ge=0, le=2**32 - 1)
    """Seed of the choice of articles; apart from the run's `seed`, so that repeating a run keeps its data."""


@dataclass
class NoBalance(BalanceConfig):
    """Classes stay as they are."""


@dataclass
class Undersample(BalanceConfig):
    """No class keeps more than `cap` articles."""

    cap: int | str = 5000
    """Most articles a class keeps: a number, or `min` or `median` of the classes' counts."""
    classes: list[str] | None = text(None)
    """The classes to undersample; null means all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        expected = f"a whole number from 1 to {MOST_ROWS}, min or median"
        if isinstance(self.cap, str) and self.cap not in ("min", "median"):
            raise invalid("data.balance.cap", expected, self.cap, ("min", "median"))
        ok = isinstance(self.cap, str) or 1 <= self.cap <= MOST_ROWS
        require(ok, "data.balance.cap", expected, self.cap)


@dataclass
class Oversample(BalanceConfig):
    """Small classes are repeated (as indices, no picture is copied) until they have `floor` rows."""

    floor: int | str = "max"
    """Fewest rows a class gets: a number, or `median` or `max` of the classes' counts."""
    classes: list[str] | None = text(None)
    """The classes to oversample; null means all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.scope == "train",
            "data.balance.scope",
            "train, because copies of an article would end up on both sides of a split",
            self.scope,
        )
        expected = f"a whole number from 1 to {MOST_ROWS}, median or max"
        if isinstance(self.floor, str) and self.floor not in ("median", "max"):
            raise invalid("data.balance.floor", expected, self.floor, ("median", "max"))
        ok = isinstance(self.floor, str) or 1 <= self.floor <= MOST_ROWS
        require(ok, "data.balance.floor", expected, self.floor)


@dataclass
class ClassWeight(BalanceConfig):
    """Every article stays; the loss weighs the classes."""

    formula: str = choice("balanced", ("balanced", "effective"))
    """`balanced`: n / (classes * count). `effective`: (1 - beta) / (1 - beta ** count), Cui et al. 2019."""
    beta: float = number(0.999, ge=0, lt=1)
    """Of `effective`: 0 weighs all classes alike, towards 1 it approaches `balanced`."""


@dataclass
class Fractions(Section, key="data.split.fractions"):
    """Shares of the three splits; together 1."""

    train: float = number(0.8, gt=0, le=1, noun="a share")
    """Share that the model learns from."""
    val: float = number(0.1, gt=0, le=1, noun="a share")
    """Share that the best epoch, sweeps and promotion are chosen by."""
    test: float = number(0.1, ge=0, le=1, noun="a share")
    """Share that is looked at once, at the end; 0 for none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = {name: getattr(self, name) for name in SPLITS}
        total = sum(shares.values())
        expected = "train + val + test to add up to 1"
        require(abs(total - 1) < 1e-6, "data.split.fractions", expected, f"{total:g}")


@dataclass
class SplitConfig(Section, key="data.split"):
    """How the manifest is divided into train, val and test."""

    fractions: Fractions = field(default_factory=Fractions)
    """Shares of train, val and test."""
    seed: int = number(0, ge=0, le=2**32 - 1)
    """Seed of the split; apart from the run's `seed`, so that repeating a run keeps its data."""
    folds: int | None = number(None, ge=2, le=1_000_000)
    """Parts that train and val are dealt into anew, with groups kept whole, for cross-validation; null for none."""
    fold: int = number(0, ge=0, le=999_999)
    """The part that is val, from 0 to `folds` - 1; the others are train."""

    def __post_init__(self) -> None:
        super().__post_init__()
        last = 0 if self.folds is None else self.folds - 1
        require(0 <= self.fold <= last, "data.split.fold", f"a whole number from 0 to {last}", self.fold)


@dataclass
class GroupedSplit(SplitConfig):
    """Stratified by class, and no group (`product_code`) on two sides."""


@dataclass
class StratifiedSplit(SplitConfig):
    """Stratified by class, article by article."""


@dataclass
class RandomSplit(SplitConfig):
    """At random, as the reference did."""


@dataclass
class HashSplit(SplitConfig):
    """By a hash of the article's id: an article keeps its side when the catalogue grows."""


@dataclass
class FixedSplit(SplitConfig):
    """By a column of the catalogue whose values are train, val (validation, valid) and test."""

    column: str = text("split")
    """The column. Where no article is in val, val is taken out of train."""


@dataclass
class FolderSplit(SplitConfig):
    """By the folders train/, val/ (validation/, valid/) and test/ where there are any, else like `grouped`."""
