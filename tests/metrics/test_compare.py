"""Two models: the tests against SciPy and loops, and how often they cry wolf."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binom
from sklearn.metrics import f1_score

from hmexp.metrics import compare as module
from hmexp.metrics.bootstrap import bootstrap, ingredients
from hmexp.metrics.compare import compare, mcnemar
from hmexp.metrics.evaluation import evaluate_logits
from hmexp.metrics.names import METRICS

CLASSES = ("a", "b", "c")


def models(num, skill_a, skill_b, seed=0):
    """Targets and the probabilities of two models that share most of their mistakes."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(3, num, p=[0.6, 0.3, 0.1])
    shared = rng.normal(size=(num, 3))
    found = []
    for skill in (skill_a, skill_b):
        logits = shared + rng.normal(scale=0.7, size=(num, 3))
        logits[np.arange(num), targets] += skill
        found.append(softmax(logits.astype(np.float32), axis=1))
    return targets, *found


def test_values_and_differences_are_those_of_the_two_evaluations():
    targets, a, b = models(300, 1.5, 1.0)
    table = compare(targets, a, b).table
    of_a, of_b = (evaluate_logits("test", np.log(model), targets, CLASSES).metrics for model in (a, b))
    assert table["metric"].tolist() == list(METRICS)
    assert table["a"].tolist() == pytest.approx(list(of_a.values()), abs=1e-6)
    assert table["b"].tolist() == pytest.approx(list(of_b.values()), abs=1e-6)
    assert table["difference"].tolist() == pytest.approx((table["a"] - table["b"]).tolist())
    assert ((table["low"] <= table["difference"]) & (table["difference"] <= table["high"])).all()


def test_intervals_are_paired():
    """Accuracy's difference varies by the discordant pictures alone: var = (b + c - (b - c)^2 / n) / n^2."""
    targets, a, b = models(1000, 1.5, 1.2)
    found = compare(targets, a, b)
    row = found.table.set_index("metric").loc["accuracy"]
    n, plus, minus = found.num, found.only_a, found.only_b
    half = 1.96 * np.sqrt(plus + minus - (plus - minus) ** 2 / n) / n
    middle = (plus - minus) / n
    assert row["difference"] == pytest.approx(middle)
    assert [row["low"], row["high"]] == pytest.approx([middle - half, middle + half], abs=0.15 * half)
    alone = [bootstrap(model, targets, CLASSES).metrics.set_index("metric").loc["accuracy"] for model in (a, b)]
    unpaired = np.hypot(*(model["high"] - model["low"] for model in alone))
    assert row["high"] - row["low"] < 0.9 * unpaired


@pytest.mark.parametrize(("plus", "minus"), [(0, 0), (5, 0), (3, 9), (40, 40), (120, 80)])
def test_mcnemar_is_the_binomial_of_the_discordant_pairs(plus, minus):
    expected = min(1.0, 2 * binom.cdf(min(plus, minus), plus + minus, 0.5))
    assert mcnemar(plus, minus) == pytest.approx(expected)
    assert mcnemar(minus, plus) == pytest.approx(expected)


def test_discordant_pairs_are_counted():
    targets = np.array([0, 0, 1, 1])
    a = np.eye(2, dtype=np.float32)[[0, 0, 1, 0]]
    b = np.eye(2, dtype=np.float32)[[1, 0, 0, 1]]
    found = compare(targets, a, b)
    assert (found.only_a, found.only_b, found.num) == (2, 1, 4)


def test_the_swap_test_is_a_loop_of_swaps():
    targets, a, b = models(120, 1.6, 1.0, seed=5)
    of_a, of_b = a.argmax(axis=1), b.argmax(axis=1)

    def gap(swap):
        scores = [
            f1_score(targets, np.where(swap, x, y), average="macro", labels=[0, 1, 2], zero_division=0)
            for x, y in ((of_b, of_a), (of_a, of_b))
        ]
        return abs(scores[0] - scores[1])

    observed = gap(np.zeros(120, bool))
    rng = np.random.default_rng(1)
    extreme = np.mean([gap(rng.random(120) < 0.5) >= observed - 1e-9 for _ in range(500)])
    assert 0.001 < extreme < 0.6
    assert compare(targets, a, b).p_values["macro_f1"] == pytest.approx(extreme, abs=0.06)


def test_swapping_all_pictures_turns_the_difference_around():
    targets, a, b = models(200, 1.6, 1.0)
    columns = ingredients(a, targets), ingredients(b, targets)
    totals = [module.unstack(module.total(part), 3) for part in columns]
    moved = (columns[0] - columns[1])[:, :9].sum(axis=0)[None]
    gaps = [module._macro_f1_gap(*totals, share * moved)[0] for share in (0, 1)]
    assert gaps[0] > 0
    assert gaps[1] == pytest.approx(-gaps[0])


def test_models_that_are_alike_are_seldom_called_different():
    found = [compare(*models(200, 1.2, 1.2, seed)) for seed in range(60)]
    for name in ("accuracy", "macro_f1"):
        assert np.mean([comparison.p_values[name] < 0.05 for comparison in found]) <= 0.15
        assert sum(comparison.is_real(name) for comparison in found) <= 9


def test_chunks_make_no_difference(monkeypatch):
    pair = models(150, 1.4, 1.2)
    whole = compare(*pair)
    monkeypatch.setattr(module, "AT_ONCE", 3000)
    assert compare(*pair).p_values == pytest.approx(whole.p_values, abs=0.03)


def test_a_real_difference_is_said_whichever_comes_first():
    targets, a, b = models(2000, 2.0, 1.0)
    sentence = compare(targets, a, b).sentence("A", "B")
    gap = 100 * (_macro(targets, a) - _macro(targets, b))
    assert sentence.startswith(f"A is better than B on macro F1 by {gap:.1f} points (95 % interval ")
    assert sentence.endswith("), p < 0.001: the difference is real.")
    turned = compare(targets, b, a)
    assert turned.sentence("B", "A") == sentence
    assert turned.is_real() and turned.is_real("accuracy")
    assert turned.sentence("B", "A", "accuracy").startswith("A is better than B on accuracy by ")


def _macro(targets, model):
    return f1_score(targets, model.argmax(axis=1), average="macro")


def test_a_difference_within_chance_is_said_to_be_so():
    found = compare(*models(100, 1.3, 1.2))
    assert not found.is_real()
    ending = "no difference can be told from chance at this number of pictures (100)."
    assert found.sentence("A", "B").endswith(ending)
    assert " is ahead of " in found.sentence("A", "B")


def test_a_model_against_itself_is_level():
    targets, a, _ = models(80, 1, 1)
    found = compare(targets, a, a)
    assert found.p_values == {"accuracy": 1.0, "macro_f1": 1.0}
    assert not found.table[["difference", "low", "high"]].to_numpy().any()
    head = "A and B are level on macro F1 (95 % interval 0.0 to 0.0), p = 1: no difference"
    assert found.sentence("A", "B").startswith(head)


def test_other_pictures_and_metrics_without_a_test_are_errors():
    targets, a, b = models(50, 1, 1)
    with pytest.raises(ValueError, match=r"same pictures and classes, received 50 targets, \(50, 3\) and \(49, 3\)"):
        compare(targets, a, b[1:])
    with pytest.raises(ValueError, match="received 0 targets"):
        compare(targets[:0], a[:0], b[:0])
    with pytest.raises(ValueError, match="expected one of accuracy, macro_f1, received loss"):
        compare(targets, a, b).sentence("A", "B", "loss")
