"""The sentence on over- and underfitting, from gaps, chance and numbers of pictures."""

import numpy as np
import pytest

from hmexp.metrics.evaluation import evaluate_logits
from hmexp.metrics.overfitting import chance_level, gap_interval, overfit_sentence

CLASSES = tuple("abcdefghij")


def evaluations(train, val, num):
    """Evaluations of `num` pictures of ten equal classes with these accuracies."""
    targets = np.arange(num) % 10
    made = evaluate_logits("val", np.eye(10, dtype=np.float32)[targets], targets, CLASSES)
    return [type(made)(**(vars(made) | {"metrics": made.metrics | {"accuracy": value}})) for value in (train, val)]


@pytest.mark.parametrize(
    ("train", "val", "num", "words"),
    [
        (0.957, 0.798, 2000, "so the model overfits."),
        (0.85, 0.80, 2000, "so the model overfits somewhat."),
        (0.80, 0.79, 2000, "so the model does not overfit."),
        (0.80, 0.81, 2000, "so the model does not overfit."),
        (0.70, 0.80, 2000, "val is easier, as with strong regularisation"),
        (0.31, 0.11, 2000, "so the model underfits: it has learned little of its own training pictures, and it"),
        (0.38, 0.28, 70, "so the model underfits: it has learned little of its own training pictures."),
        (0.11, 0.10, 2000, "so the model underfits: it is at chance on its own training pictures."),
        (0.02, 0.00, 2000, "so the model underfits: it is at chance"),
        (0.85, 0.78, 70, "so few pictures do not tell whether the model overfits."),
    ],
)
def test_the_verdict_is_what_the_pictures_allow(train, val, num, words):
    said = overfit_sentence(*evaluations(train, val, num))
    assert words in said
    assert f"Accuracy is {train:.3f} on train and {val:.3f} on val (chance 0.100)" in said


def test_the_interval_is_in_the_sentence_and_narrows_with_pictures():
    low, high = gap_interval(0.85, 100, 0.80, 100)
    assert f"95 % interval {100 * low:.1f} to {100 * high:.1f}" in overfit_sentence(*evaluations(0.85, 0.80, 100))
    assert low < 0.05 < high
    narrow = gap_interval(0.85, 10_000, 0.80, 10_000)
    assert low < narrow[0] < 0.05 < narrow[1] < high
    assert all(-1 <= end <= 1 for end in gap_interval(1.0, 1, 0.0, 1))


def test_chance_is_the_most_frequent_class():
    targets = np.array([0] * 60 + [1] * 40)
    evaluation = evaluate_logits("val", np.zeros((100, 10), np.float32), targets, CLASSES)
    assert chance_level(evaluation) == 0.6
    assert chance_level(evaluation, "macro_f1") == 0.5
    assert chance_level(evaluation, "top3_accuracy") == 1.0


def test_a_metric_that_is_no_number_is_said():
    assert "nothing can be said" in overfit_sentence(*evaluations(np.nan, 0.5, 50))


def test_a_gap_is_said_of_metrics_of_which_more_is_better():
    pair = evaluations(0.5, 0.5, 50)
    assert overfit_sentence(*pair, "macro_f1").startswith("Macro F1 is ")
    with pytest.raises(ValueError, match="received loss"):
        overfit_sentence(*pair, "loss")
