"""The table, the figures of a split, and the metrics that Keras keeps."""

import numpy as np
import pytest

from hmexp.config.errors import UserError
from hmexp.metrics.evaluation import evaluate_logits
from hmexp.metrics.names import METRICS, better, parse_best, parse_monitor, recorded, slug, slugs

CLASSES = ("a", "b", "c", "absent")


@pytest.fixture
def predictions() -> tuple[np.ndarray, np.ndarray]:
    """Logits and targets of 500 pictures; the last class has none."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 500)
    logits = rng.normal(size=(500, 4)).astype(np.float32)
    logits[np.arange(500), targets] += 1.0
    return logits, targets


def test_a_monitor_must_exist_and_must_not_be_a_test_metric():
    assert parse_monitor("trainer.monitor", "val/loss").higher_is_better is False
    assert parse_best("metric", "best/val/macro_f1").higher_is_better is True
    with pytest.raises(UserError, match=r"\(did you mean val/macro_f1\?\)"):
        parse_monitor("trainer.monitor", "val/macrof1")
    with pytest.raises(UserError, match="never chosen by"):
        parse_monitor("trainer.monitor", "test/loss")


@pytest.mark.parametrize("monitor", ["train/loss", "best/val/loss", "test/loss", "loss", "val/", "val/f2", ""])
def test_any_other_monitor_is_one_line_with_the_valid_names(monitor):
    with pytest.raises(UserError) as caught:
        parse_monitor("trainer.monitor", monitor)
    message = str(caught.value)
    assert message.startswith("trainer.monitor: expected one of val/loss, val/accuracy, ")
    assert f"received {monitor}" in message
    assert "\n" not in message
    assert ("never chosen by" in message) == monitor.startswith("test/")


def test_directions():
    assert better(METRICS["loss"], 0.1, 0.2)
    assert better(METRICS["accuracy"], 0.2, 0.1)
    assert not better(METRICS["accuracy"], 0.1, 0.1)


def test_slugs_are_letters_digits_and_underscores_and_unique():
    assert slug("Socks & Tights") == "socks_tights"
    assert slugs(["A b", "a-b", "ü"]) == {"A b": "a_b", "a-b": "a_b_2", "ü": "class"}


def test_figures_by_hand():
    logits = np.log(np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [0.9, 0.1]], dtype=np.float32))
    evaluation = evaluate_logits("val", logits, np.array([0, 0, 1, 1]), ("x", "y"))
    assert evaluation.confusion.tolist() == [[2, 0], [1, 1]]
    assert evaluation.metrics["accuracy"] == 0.75
    assert evaluation.metrics["balanced_accuracy"] == 0.75
    assert evaluation.metrics["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert evaluation.metrics["loss"] == pytest.approx(-np.log([0.8, 0.6, 0.7, 0.1]).mean(), abs=1e-6)
    assert evaluation.metrics["ece"] == pytest.approx((0.2 + 0.4 + 0.3 + 0.9) / 4, abs=1e-6)


def test_absent_classes_are_named_and_left_out(predictions):
    evaluation = evaluate_logits("test", *predictions, CLASSES)
    assert evaluation.absent == ("absent",)
    assert evaluation.metrics["macro_f1"] == pytest.approx(evaluation.per_class["f1"][:3].mean())


def test_no_rows_is_an_error():
    with pytest.raises(ValueError, match="received none"):
        evaluate_logits("test", np.zeros((0, 2), np.float32), np.zeros(0, np.int64), ("a", "b"))


def test_two_classes_have_a_top3_accuracy():
    logits = np.array([[2.0, 1.0], [0.0, 1.0]], np.float32)
    assert evaluate_logits("val", logits, np.array([1, 1]), ("x", "y")).metrics["top3_accuracy"] == 1.0


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("everywhere", [True, False])
def test_logits_that_are_no_numbers_still_give_finite_figures(predictions, broken, everywhere):
    logits, targets = predictions
    logits[:: 1 if everywhere else 7, 1] = broken
    evaluation = evaluate_logits("val", logits, targets, CLASSES)
    assert all(np.isfinite(value) for value in evaluation.metrics.values())
    assert np.allclose(evaluation.probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_record_keeps_the_f1_of_up_to_fifty_classes():
    few = {"best/val/loss": 1.0} | {f"test/f1/{number}": 0.5 for number in range(50)}
    assert recorded(few) == few
    assert recorded(few | {"test/f1/50": 0.5}) == {"best/val/loss": 1.0}


def test_the_slug_of_a_long_name_fits_into_a_metric_and_stays_its_own():
    long = "very long name " * 40
    assert len(f"test/f1/{slug(long)}") < 250
    assert slug(long) != slug(f"{long}two")
    assert slug(long) == slug(long)


def test_many_classes_of_one_spelling_have_a_slug_each():
    found = slugs(["class 2", *("\u4e2d" * number for number in range(1, 2000))])
    assert len(set(found.values())) == 2000


def test_the_table_of_the_confusion_has_its_cells(predictions):
    evaluation = evaluate_logits("val", *predictions, CLASSES)
    table = evaluation.confusion_table()
    assert table["count"].sum() == 500
    assert (table["count"] > 0).all()
    cell = table.set_index(["target", "predicted"]).loc[("b", "a"), "count"]
    assert cell == evaluation.confusion[1, 0]


def test_huge_logits_stay_finite():
    evaluation = evaluate_logits("val", np.array([[1e4, -1e4], [-1e4, 1e4]], np.float32), np.array([0, 0]), ("x", "y"))
    assert all(np.isfinite(value) for value in evaluation.metrics.values())


@pytest.mark.slow
def test_metrics_ignore_weights_and_stay_float32_under_a_mixed_policy(predictions):
    import keras

    from hmexp.metrics.streaming import BalancedAccuracy, ExpectedCalibrationError, MacroF1, streaming_metrics

    logits, targets = predictions
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        metrics = streaming_metrics(len(CLASSES))
    finally:
        keras.config.set_dtype_policy(before)
    expected = evaluate_logits("val", logits, targets, CLASSES).metrics
    for metric in metrics:
        assert {variable.dtype for variable in metric.variables} == {"float32"}
        if isinstance(metric, BalancedAccuracy | MacroF1 | ExpectedCalibrationError):
            metric.update_state(targets[:, None].astype("float32"), logits, sample_weight=np.linspace(0, 2, 500))
            assert float(metric.result()) == pytest.approx(expected[metric.name], abs=1e-5)


@pytest.mark.slow
def test_metrics_are_made_again_from_their_config():
    import keras

    from hmexp.metrics.streaming import streaming_metrics

    for metric in streaming_metrics(4):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
        assert (type(again), again.name, len(again.variables)) == (type(metric), metric.name, len(metric.variables))


@pytest.mark.slow
def test_keras_and_numpy_agree_over_batches(predictions):
    from hmexp.metrics.streaming import streaming_metrics

    logits, targets = predictions
    expected = evaluate_logits("val", logits, targets, CLASSES).metrics
    metrics = streaming_metrics(len(CLASSES))
    assert {metric.name for metric in metrics} == set(METRICS) - {"loss"}
    for metric in metrics:
        for start in range(0, 500, 64):
            metric.update_state(targets[start : start + 64], logits[start : start + 64])
        assert float(metric.result()) == pytest.approx(expected[metric.name], abs=1e-5), metric.name
        metric.reset_state()
        assert float(metric.result()) == 0.0
