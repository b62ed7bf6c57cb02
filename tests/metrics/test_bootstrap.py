"""Intervals against resamples judged one by one, and against the truth that they should hold."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.metrics import precision_recall_fscore_support

from hmexp.metrics.bootstrap import bootstrap, ingredients, metrics_of, resampled, scores_of, total, unstack
from hmexp.metrics.evaluation import evaluate_logits
from hmexp.metrics.names import METRICS

CLASSES = ("a", "b", "rare", "absent")
ENDS = ["value", "low", "high"]


def split(num, seed=0, skill=1.0):
    """Logits, probabilities and targets; class 2 has few pictures and class 3 has none."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(3, num, p=[0.6, 0.38, 0.02])
    logits = rng.normal(size=(num, 4)).astype(np.float32)
    logits[np.arange(num), targets] += skill
    return logits, softmax(logits, axis=1), targets


def judged(resamples=40, num=90):
    """The sums of resamples, and the same resamples judged one by one as a split is."""
    logits, probabilities, targets = split(num)
    sums = unstack(resampled(ingredients(probabilities, targets), resamples, seed=3), 4)
    rng = np.random.default_rng(3)
    draws = [np.arange(num), *rng.integers(num, size=(resamples, num))]
    return sums, draws, [evaluate_logits("val", logits[draw], targets[draw], CLASSES) for draw in draws], targets


def test_every_resample_is_judged_as_a_split_is():
    sums, _, evaluations, _ = judged()
    found = metrics_of(sums)
    assert list(found) == list(METRICS)
    for name, values in found.items():
        assert values == pytest.approx([evaluation.metrics[name] for evaluation in evaluations], abs=1e-6), name
    assert {evaluation.absent for evaluation in evaluations} > {("absent",)}, "some resample should miss the rare class"


def test_scores_of_classes_are_those_of_scikit_learn():
    sums, draws, _, targets = judged()
    _, probabilities, _ = split(90)
    predicted = probabilities.argmax(axis=1)
    expected = [
        precision_recall_fscore_support(targets[draw], predicted[draw], labels=range(4), zero_division=0)[:3]
        for draw in draws
    ]
    for name, values in zip(("precision", "recall", "f1"), np.swapaxes(expected, 0, 1), strict=True):
        assert scores_of(sums)[name] == pytest.approx(values)


def test_tables_hold_the_figures_themselves_inside_their_intervals():
    logits, probabilities, targets = split(400)
    found = bootstrap(probabilities, targets, CLASSES)
    evaluation = evaluate_logits("val", logits, targets, CLASSES)
    assert found.metrics["metric"].tolist() == list(METRICS)
    assert found.metrics["value"].tolist() == pytest.approx(list(evaluation.metrics.values()), abs=1e-6)
    assert (found.metrics["low"] < found.metrics["high"]).all()
    per_class = found.per_class.pivot(index="label", columns="name", values="value").loc[list(CLASSES[:3])]
    for name in ("precision", "recall", "f1"):
        assert per_class[name].tolist() == pytest.approx(evaluation.per_class[name][:3].tolist())
    inside = found.per_class[found.per_class["label"] != "absent"]
    assert ((inside["low"] <= inside["value"]) & (inside["value"] <= inside["high"])).all()


def test_an_absent_class_has_no_figures():
    found = bootstrap(*split(200)[1:], CLASSES).per_class
    assert found.loc[found["label"] == "absent", ENDS].isna().all(axis=None)
    assert found.loc[found["label"] != "absent", ENDS].notna().all(axis=None)
    assert len(found) == 12


def test_accuracys_interval_is_the_binomials():
    """1,000 pictures of which 800 are right: 0.8 ± 1.96 sqrt(0.8 * 0.2 / 1000)."""
    targets = np.zeros(1000, np.int64)
    probabilities = np.tile(np.float32([0.9, 0.1]), (1000, 1))
    probabilities[:200] = [0.1, 0.9]
    row = bootstrap(probabilities, targets, ("x", "y"), resamples=4000).metrics.set_index("metric").loc["accuracy"]
    half = 1.96 * np.sqrt(0.8 * 0.2 / 1000)
    assert row["value"] == 0.8
    assert row[["low", "high"]].tolist() == pytest.approx([0.8 - half, 0.8 + half], abs=0.003)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """200 splits of 250 pictures each, from a world whose accuracy and macro F1 are known from a million."""
    _, many, truth = split(1_000_000, seed=99)
    true = {name: values[0] for name, values in metrics_of(unstack(_total(many, truth), 4)).items()}
    held = {"accuracy": 0, "loss": 0}
    for seed in range(200):
        _, probabilities, targets = split(250, seed)
        table = bootstrap(probabilities, targets, CLASSES, resamples=200, seed=seed).metrics.set_index("metric")
        for name in held:
            held[name] += table.loc[name, "low"] <= true[name] <= table.loc[name, "high"]
    for name, count in held.items():
        assert 0.90 <= count / 200 <= 0.99, name


def _total(probabilities, targets):
    parts = zip(np.array_split(probabilities, 20), np.array_split(targets, 20), strict=True)
    return sum(total(ingredients(*part)) for part in parts)


def test_equal_seeds_draw_equal_pictures_and_others_others():
    _, probabilities, targets = split(200)
    first, again, other = (bootstrap(probabilities, targets, CLASSES, 100, seed).metrics for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)


def test_chunks_make_no_difference(monkeypatch):
    _, probabilities, targets = split(100)
    whole = bootstrap(probabilities, targets, CLASSES, 50).metrics
    monkeypatch.setattr("hmexp.metrics.bootstrap.AT_ONCE", 700)
    chunked = bootstrap(probabilities, targets, CLASSES, 50).metrics
    pd.testing.assert_frame_equal(chunked, whole, rtol=1e-12)  # a product of matrices adds in an order of its own


def test_a_probability_of_zero_has_a_finite_loss():
    found = bootstrap(np.float32([[1, 0], [1, 0]]), np.array([0, 1]), ("x", "y")).metrics
    assert np.isfinite(found[ENDS].to_numpy()).all()


@pytest.mark.parametrize("num_classes", [2, 5, 60])
def test_sums_are_those_of_one_column_a_class_and_number(num_classes):
    """Against the plain formula: a dense matrix of everything that a picture adds."""
    rng = np.random.default_rng(4)
    targets = rng.integers(num_classes, size=150)
    probabilities = softmax(rng.normal(size=(150, num_classes)), axis=1).astype(np.float32)
    exact, identity = probabilities.astype(np.float64), np.eye(num_classes)
    predicted, confidence = exact.argmax(axis=1), exact.max(axis=1)
    right = predicted == targets
    gaps = np.eye(15)[np.minimum((confidence * 15).astype(int), 14)] * (right - confidence)[:, None]
    top3 = (np.argsort(-exact, axis=1, kind="stable")[:, :3] == targets[:, None]).any(axis=1)
    loss = -np.log(exact[np.arange(150), targets])
    hits = identity[targets] * right[:, None]
    dense = np.column_stack([hits, identity[targets], identity[predicted], gaps, loss, top3])
    sparse = ingredients(probabilities, targets)
    assert np.array_equal(sparse.toarray(), dense)
    draws = np.random.default_rng(3).integers(150, size=(40, 150))
    expected = np.stack([dense.sum(axis=0), *(dense[draw].sum(axis=0) for draw in draws)])
    np.testing.assert_allclose(resampled(sparse, 40, seed=3), expected, rtol=1e-12, atol=1e-12)


def test_what_a_picture_adds_does_not_grow_with_the_classes():
    rng = np.random.default_rng(0)
    for num_classes in (3, 3000):
        probabilities = softmax(rng.normal(size=(20, num_classes)), axis=1).astype(np.float32)
        assert ingredients(probabilities, rng.integers(num_classes, size=20)).nnz <= 20 * 6


def test_no_rows_is_an_error():
    with pytest.raises(ValueError, match="received none"):
        bootstrap(np.zeros((0, 2), np.float32), np.zeros(0, np.int64), ("a", "b"))
