"""What each strategy did to the manifest, in numbers and in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from hmexp.catalogue.manifest import Manifest
from hmexp.config.strategies import SPLITS

NAMED = 3
"""Examples in a sentence."""


@dataclass(frozen=True)
class Step:
    """What one strategy changed.

    Attributes:
        name: The strategy, such as `merge: hm9`.
        text: What it did and why, in a sentence.
        before: Articles before it.
        after: Rows after it.
        changes: A row for each class that changed: `label, before, after, why`.
        warnings: Sentences that a user should read.
    """

    name: str
    text: str
    before: int
    after: int
    changes: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["label", "before", "after", "why"]))
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class StrategyReport:
    """All steps from the catalogue to the manifest.

    Attributes:
        steps: In the order in which they were taken.
        counts: Rows of each class (index) in `total, train, val, test`, at the end.
        siblings: Of val and test, the share of articles with a sibling of the same group in train.
    """

    steps: tuple[Step, ...]
    counts: pd.DataFrame
    siblings: dict[str, float]

    @property
    def warnings(self) -> list[str]:
        """The warnings of all steps."""
        return [warning for step in self.steps for warning in step.warnings]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain lists and numbers, for JSON."""
        return {
            "steps": [
                {
                    "name": step.name,
                    "text": step.text,
                    "before": step.before,
                    "after": step.after,
                    "changes": step.changes.to_dict("records"),
                    "warnings": list(step.warnings),
                }
                for step in self.steps
            ],
            "counts": self.counts.reset_index().to_dict("records"),
            "sibling_in_train": self.siblings,
        }


def make_report(steps: list[Step], manifest: Manifest) -> StrategyReport:
    """Close the report on the finished manifest."""
    return StrategyReport(tuple(steps), manifest.counts(), sibling_shares(manifest))


def sibling_shares(manifest: Manifest) -> dict[str, float]:
    """Of val and test, the share (0 to 1) of articles whose group is in train too; NaN-free, empty splits are 0."""
    frame = manifest.frame
    in_train = set(frame.loc[frame["split"] == "train", "group"])
    shares = {}
    for split in SPLITS[1:]:
        groups = frame.loc[frame["split"] == split, "group"]
        shares[split] = float(groups.isin(in_train).mean()) if len(groups) else 0.0
    return shares


def class_changes(before: pd.Series, after: pd.Series, why: str) -> pd.DataFrame:
    """Rows `label, before, after, why` for the classes whose count differs."""
    table = pd.DataFrame({"before": before, "after": after}).fillna(0).astype(int)
    table = table[table["before"] != table["after"]].rename_axis("label").reset_index()
    return table.assign(why=why)


def left_out(reasons: Mapping[str, str]) -> list[str]:
    """A sentence a reason on files that were left out; `reasons` has theirs by name."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    return [f"{len(several):,} files are left out: {reason} ({some(several)})" for reason, several in names.items()]


def some(names: Sequence[str]) -> str:
    """The first of several names, for a sentence."""
    more = ", ..." if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
