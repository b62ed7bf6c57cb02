"""What each guard lets pass, and what it says."""

import pandas as pd
import pytest

from hmexp.config.guard import GuardConfig
from hmexp.metrics.names import METRICS
from hmexp.metrics.paired import Difference, PairedResult
from hmexp.promotion.guards import Evidence, judge


def difference(value, half=0.005, before=0.5):
    return Difference(before + value, before, value - half, value + half, half / 1.645)


def evidence(num=5000, gain=0.02, ece=0.0, classes=(), cost=((1, 1), (1.0, 1.0)), **metrics):
    differences = {name: difference(0.0) for name in METRICS} | {"macro_f1": difference(gain), "ece": difference(ece)}
    rows = [
        (f"class {number}", articles, 0.5 + drop, 0.5, drop, p) for number, (articles, drop, p) in enumerate(classes)
    ]
    table = pd.DataFrame(rows, columns=["label", "articles", "a", "b", "difference", "p"])
    return Evidence(PairedResult(differences | metrics, table), num, *cost)


def failed(given, **cfg):
    return [finding.guard for finding in judge(given, GuardConfig(**cfg)) if not finding.holds]


def test_a_better_model_passes_all():
    findings = judge(evidence(classes=[(500, 0.01, 0.9)]), GuardConfig())
    assert [finding.guard for finding in findings] == [
        "articles",
        "macro_f1",
        "classes",
        "calibration",
        "size",
        "latency",
    ]
    assert all(finding.holds for finding in findings)
    assert "would show in 80 % of cases" in findings[1].text


@pytest.mark.parametrize(("num", "least", "fails"), [(999, 1000, True), (1000, 1000, False), (99, 100, True)])
def test_too_few_articles_decide_nothing(num, least, fails):
    given = evidence(num=num)
    assert failed(given, min_articles=least) == (["articles"] if fails else [])
    assert len(judge(given, GuardConfig(min_articles=least))) == (1 if fails else 6)


def test_no_common_articles():
    assert failed(Evidence(None, 0, (1, 1), (1.0, 1.0))) == ["articles"]


@pytest.mark.parametrize(
    ("gain", "margin", "fails"), [(0.004, 0.0, True), (0.006, 0.0, False), (-0.004, 0.01, False), (-0.006, 0.01, True)]
)
def test_ahead_is_not_better(gain, margin, fails):
    assert ("macro_f1" in failed(evidence(gain=gain), margin=margin)) is fails


@pytest.mark.parametrize(("change", "fails"), [(-0.02, False), (0.02, True), (-0.004, True)])
def test_less_loss_is_better(change, fails):
    assert ("loss" in failed(evidence(loss=difference(change)), metric="loss")) is fails


@pytest.mark.parametrize(
    ("classes", "fails"),
    [
        ([(500, -0.05, 0.20)], False),  # within chance
        ([(500, -0.05, 0.001)], True),
        ([(500, -0.01, 0.0001)], False),  # not minded
        ([(500, -0.05, 0.01)] + [(500, 0.0, 0.5)] * 9, False),  # one of ten classes is at 0.01 by chance
        ([(500, -0.12, 0.01)] + [(500, 0.0, 0.5)] * 9, True),  # a large drop
        ([(500, -0.12, 0.30)], False),  # of few articles
        ([(99, -0.50, 0.0001)], False),  # not judged
    ],
)
def test_no_class_pays_for_the_others(classes, fails):
    assert ("classes" in failed(evidence(classes=classes))) is fails


def test_the_classes_that_block_are_named_the_worst_first():
    given = evidence(classes=[(500, -0.05, 0.0001), (500, -0.2, 0.0001), (50, 0.1, 0.9)])
    text = next(finding.text for finding in judge(given, GuardConfig()) if finding.guard == "classes")
    assert text.startswith("F1 has dropped beyond chance: class 1 0.300 from 0.500, class 0 0.450 from 0.500")


@pytest.mark.parametrize(("ece", "fails"), [(0.01, False), (0.016, True)])
def test_calibration_by_its_upper_bound(ece, fails):
    assert ("calibration" in failed(evidence(ece=ece))) is fails


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (((150, 100), (1.5, 1.0)), []),
        (((151, 100), (1.0, 1.0)), ["size"]),
        (((100, 100), (1.6, 1.0)), ["latency"]),
    ],
)
def test_size_and_latency_as_multiples(cost, expected):
    assert failed(evidence(cost=cost)) == expected
