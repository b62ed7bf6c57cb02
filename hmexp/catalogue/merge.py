"""Merging labels into classes: manifest -> manifest and what changed."""

from functools import singledispatch

from hmexp.catalogue.manifest import Manifest
from hmexp.catalogue.report import Step, class_changes
from hmexp.config.errors import invalid
from hmexp.config.strategies import Hm9Merge, MapMerge, MergeConfig, NoMerge, RareMerge

HM9_GROUPS = (
    "Unknown",
    "Underwear/nightwear",
    "Cosmetic",
    "Bags",
    "Items",
    "Furniture",
    "Garment and Shoe care",
    "Stationery",
    "Interior textile",
    "Fun",
)
"""The ten groups that the reference merges into Accessories."""


@singledispatch
def merge(cfg: MergeConfig, manifest: Manifest) -> tuple[Manifest, Step]:
    """Merge the labels of a manifest as `cfg` says.

    A merge strategy of your own is a dataclass below `MergeConfig` and a function registered for it here.

    Args:
        cfg: The `data.merge` section.
        manifest: Rows before the split.

    Raises:
        UserError: A label that the catalogue lacks.
    """
    raise TypeError(f"expected a merge strategy that is registered, received {type(cfg).__name__}")


@merge.register
def _(cfg: NoMerge, manifest: Manifest) -> tuple[Manifest, Step]:
    return _map_labels(manifest, {}, "merge: none", "Every label is a class.")


@merge.register
def _(cfg: Hm9Merge, manifest: Manifest) -> tuple[Manifest, Step]:
    present = [name for name in HM9_GROUPS if name in manifest.classes]
    text = "None of the reference's ten small groups is in the catalogue."
    if present:
        text = f"{len(present)} of the reference's ten small groups are in the catalogue and go into {cfg.into}."
    return _map_labels(manifest, dict.fromkeys(present, cfg.into), "merge: hm9", text)


@merge.register
def _(cfg: RareMerge, manifest: Manifest) -> tuple[Manifest, Step]:
    counts = manifest.frame["label"].value_counts()
    rare = sorted(counts[counts < cfg.min_count].index)
    text = f"{len(rare)} classes with fewer than {cfg.min_count} articles go into {cfg.into}."
    return _map_labels(manifest, dict.fromkeys(rare, cfg.into), "merge: rare", text)


@merge.register
def _(cfg: MapMerge, manifest: Manifest) -> tuple[Manifest, Step]:
    check_classes("data.merge.mapping", list(cfg.mapping), manifest)
    text = f"{len(cfg.mapping)} labels are renamed or merged as data.merge.mapping says."
    return _map_labels(manifest, cfg.mapping, "merge: map", text)


def check_classes(key: str, names: list[str], manifest: Manifest) -> None:
    """Raise `UserError` for the first of `names` that is no class of the manifest."""
    for name in names:
        if name not in manifest.classes:
            raise invalid(key, f"classes of the catalogue ({', '.join(manifest.classes)})", name, manifest.classes)


def _map_labels(manifest: Manifest, mapping: dict[str, str], name: str, text: str) -> tuple[Manifest, Step]:
    before = manifest.frame["label"].value_counts()
    merged = manifest.with_frame(manifest.frame.assign(label=manifest.frame["label"].replace(mapping)))
    changes = class_changes(before, merged.frame["label"].value_counts(), "")
    why = {old: f"merged into {new}" for old, new in mapping.items()}
    gained = {new: "takes in " + ", ".join(o for o, n in mapping.items() if n == new) for new in mapping.values()}
    changes["why"] = changes["label"].map(lambda label: gained.get(label) or why.get(label, ""))
    step = Step(
        name,
        f"{text} {before.size} labels become {len(merged.classes)} classes.",
        len(manifest),
        len(merged),
        changes,
    )
    return merged, step
