"""Merge, balance and split: pure functions from manifest to manifest."""

import numpy as np
import pandas as pd
import pytest

from hmexp.catalogue.balance import balance, class_weights
from hmexp.catalogue.manifest import Manifest, own
from hmexp.catalogue.merge import merge
from hmexp.catalogue.report import sibling_shares
from hmexp.catalogue.split import cross_validate, split
from hmexp.config import strategies as cfg
from hmexp.config.errors import UserError


def make_manifest(counts: dict[str, int], variants: int = 1, **columns: list[str]) -> Manifest:
    """Articles with `variants` articles a group."""
    labels = [label for label, count in counts.items() for _ in range(count)]
    ids = [f"{i:010d}" for i in range(len(labels))]
    groups = [f"{label}-{i // variants}" for label, count in counts.items() for i in range(count)]
    frame = pd.DataFrame({"article_id": ids, "image": [f"{i}.jpg" for i in ids], "label": labels, "group": groups})
    return Manifest.from_rows(frame.assign(**columns))


def counts(manifest: Manifest, part: str | None = None) -> dict[str, int]:
    frame = manifest.frame if part is None else manifest.of_split(part)
    return frame["label"].value_counts().to_dict()


def test_hm9_merges_those_of_its_ten_groups_that_are_there():
    before = make_manifest({"Shoes": 5, "Bags": 3, "Fun": 1})
    after, step = merge(cfg.Hm9Merge(), before)
    assert counts(after) == {"Shoes": 5, "Accessories": 4}
    assert "2 of the reference's ten" in step.text
    assert counts(before) == {"Shoes": 5, "Bags": 3, "Fun": 1}, "the manifest before is left as it was"


def test_rare_merges_classes_below_min_count_only():
    after, _ = merge(cfg.RareMerge(min_count=3, into="Rest"), make_manifest({"a": 3, "b": 2, "c": 1}))
    assert counts(after) == {"a": 3, "Rest": 3}


def test_map_refuses_a_label_that_the_catalogue_lacks():
    with pytest.raises(UserError, match=r"data\.merge\.mapping: .* received Shos \(did you mean Shoes\?\)"):
        merge(cfg.MapMerge(mapping={"Shos": "Feet"}), make_manifest({"Shoes": 2}))


def test_undersample_names_classes_and_repeats_with_its_seed():
    before = make_manifest({"a": 50, "b": 30, "c": 5})
    wanted = cfg.Undersample(cap=10, classes=["a"], scope="all", seed=7)
    first, step = balance(wanted, before)
    assert counts(first) == {"a": 10, "b": 30, "c": 5}
    assert first.frame.equals(balance(wanted, before)[0].frame)
    other = balance(cfg.Undersample(cap=10, classes=["a"], scope="all", seed=8), before)[0]
    assert not first.frame.equals(other.frame)
    assert step.changes.to_dict("records") == [{"label": "a", "before": 50, "after": 10, "why": "more than 10"}]


@pytest.mark.parametrize(("cap", "expected"), [("min", 5), ("median", 30)])
def test_undersample_takes_min_and_median_of_the_counts(cap, expected):
    after, _ = balance(cfg.Undersample(cap=cap, scope="all"), make_manifest({"a": 50, "b": 30, "c": 5}))
    assert max(counts(after).values()) == expected


def test_scope_train_leaves_val_and_test_alone():
    done, _ = split(cfg.StratifiedSplit(), make_manifest({"a": 100, "b": 20}))
    after, _ = balance(cfg.Undersample(cap=10), done)
    assert counts(after, "train") == {"a": 10, "b": 10}
    assert counts(after, "val") == counts(done, "val")
    assert counts(after, "test") == counts(done, "test")


def test_oversample_repeats_rows_of_train_evenly():
    done, _ = split(cfg.StratifiedSplit(), make_manifest({"a": 100, "b": 20}))
    after, _ = balance(cfg.Oversample(), done)
    assert counts(after, "train") == {"a": 80, "b": 80}
    repeats = after.of_split("train").query("label == 'b'")["article_id"].value_counts()
    assert set(repeats) == {5}


def test_class_weight_has_mean_one_over_articles_and_leaves_val_at_one():
    done, _ = split(cfg.StratifiedSplit(), make_manifest({"a": 100, "b": 20}))
    after, _ = balance(cfg.ClassWeight(), done)
    train = after.of_split("train")
    assert train["weight"].mean() == pytest.approx(1.0)
    assert train.groupby("label")["weight"].sum().tolist() == pytest.approx([48.0, 48.0])
    assert (after.of_split("val")["weight"] == 1).all()


def test_effective_number_lies_between_equal_and_balanced():
    table = pd.Series({"a": 1000, "b": 10})
    ratio = {
        f: class_weights(table, f, 0.99)["b"] / class_weights(table, f, 0.99)["a"] for f in ("balanced", "effective")
    }
    assert 1 < ratio["effective"] < ratio["balanced"] == pytest.approx(100)


def test_grouped_keeps_groups_whole_and_classes_in_proportion():
    before = make_manifest({"a": 600, "b": 300}, variants=3)
    done, _ = split(cfg.GroupedSplit(), before)
    assert done.frame.groupby("group")["split"].nunique().max() == 1
    assert sibling_shares(done) == {"val": 0.0, "test": 0.0}
    for label, total in (("a", 600), ("b", 300)):
        share = counts(done, "val")[label] / total
        assert share == pytest.approx(0.1, abs=0.01)


def test_grouped_does_not_send_all_large_groups_to_train():
    labels = ["a"] * 1000
    groups = [f"big{i // 5}" for i in range(500)] + [f"small{i}" for i in range(500)]
    frame = pd.DataFrame(
        {"article_id": [f"{i:010d}" for i in range(1000)], "image": "x", "label": labels, "group": groups}
    )
    done, _ = split(cfg.GroupedSplit(), Manifest.from_rows(frame))
    big = done.frame[done.frame["group"].str.startswith("big")]
    assert (big["split"] == "val").mean() == pytest.approx(0.1, abs=0.04)


def test_a_class_with_fewer_groups_than_splits_goes_to_train_whole_with_a_warning():
    done, step = split(cfg.GroupedSplit(), make_manifest({"a": 100, "tiny": 2}))
    assert set(done.frame.query("label == 'tiny'")["split"]) == {"train"}
    assert step.warnings == ("tiny has fewer groups than splits, so all of it is in train",)


def test_random_split_reports_siblings():
    done, _ = split(cfg.RandomSplit(), make_manifest({"a": 500, "b": 500}, variants=5))
    assert sibling_shares(done)["val"] > 0.9


def test_hash_keeps_an_articles_side_when_the_catalogue_grows():
    small, large = make_manifest({"a": 300}), make_manifest({"a": 3000})
    sides = [split(cfg.HashSplit(), m)[0].frame.set_index("article_id")["split"] for m in (small, large)]
    assert (sides[1].loc[sides[0].index] == sides[0]).all()
    assert sides[1].value_counts(normalize=True)["val"] == pytest.approx(0.1, abs=0.02)


def test_fixed_takes_the_columns_word_for_it():
    values = ["train"] * 6 + ["validation", "VALID", "test", "test"]
    done, _ = split(cfg.FixedSplit(column="side"), make_manifest({"a": 10}, **{own("side"): values}))
    assert done.frame["split"].tolist() == ["train"] * 6 + ["val", "val", "test", "test"]


def test_fixed_reads_the_catalogues_own_column_split():
    values = ["train"] * 6 + ["val", "val", "test", "test"]
    done, _ = split(cfg.FixedSplit(), make_manifest({"a": 10}, **{own("split"): values}))
    assert done.frame["split"].tolist() == values


def test_fixed_without_val_takes_it_out_of_train():
    values = ["train"] * 90 + ["test"] * 10
    done, step = split(cfg.FixedSplit(column="side"), make_manifest({"a": 100}, **{own("side"): values}))
    assert done.frame["split"].value_counts().to_dict() == {"train": 80, "val": 10, "test": 10}
    assert "becomes val" in step.text


def test_fixed_refuses_other_values_and_other_columns():
    manifest = make_manifest({"a": 3}, **{own("side"): ["train", "val", "holdout"]})
    with pytest.raises(UserError, match="received holdout"):
        split(cfg.FixedSplit(column="side"), manifest)
    with pytest.raises(UserError, match=r"received sid \(did you mean side\?\)"):
        split(cfg.FixedSplit(column="sid"), manifest)


def test_digest_is_of_ids_labels_splits_and_pictures():
    done, _ = split(cfg.StratifiedSplit(), make_manifest({"a": 50, "b": 50}))
    other, _ = split(cfg.StratifiedSplit(seed=1), make_manifest({"a": 50, "b": 50}))
    assert len(done.digest("x")) <= 36
    assert len({done.digest("x"), done.digest("y"), other.digest("x")}) == 3
    assert done.digest("x") == split(cfg.StratifiedSplit(), make_manifest({"a": 50, "b": 50}))[0].digest("x")


def test_targets_follow_the_names():
    manifest = make_manifest({"b": 1, "a": 1, "c": 1})
    assert manifest.classes == ("a", "b", "c")
    assert np.array_equal(manifest.targets, [1, 0, 2])


@pytest.mark.parametrize(
    "abstract", [(merge, cfg.MergeConfig()), (balance, cfg.BalanceConfig()), (split, cfg.SplitConfig())]
)
def test_a_strategy_without_a_function_says_so(abstract):
    function, config = abstract
    with pytest.raises(TypeError, match="registered"):
        function(config, make_manifest({"a": 1}))


def test_folds_share_out_train_and_val_with_groups_whole():
    manifest = make_manifest({"a": 40, "b": 24, "rare": 2}, variants=2)
    plain, _ = split(cfg.GroupedSplit(), manifest)
    test = set(plain.of_split("test")["article_id"])
    seen: list[str] = []
    for fold in range(4):
        done, step = cross_validate(cfg.GroupedSplit(folds=4, fold=fold), plain)
        assert set(done.of_split("test")["article_id"]) == test
        val = done.of_split("val")
        assert done.frame.groupby("group")["split"].nunique().max() == 1
        assert "rare" not in set(val["label"])
        assert step.warnings == ("rare has fewer groups than splits, so all of it is in train",)
        seen += val["article_id"].tolist()
    known = plain.frame[plain.frame["split"] != "test"]
    assert sorted(seen) == sorted(known.loc[known["label"] != "rare", "article_id"])
