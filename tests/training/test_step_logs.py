"""What callbacks are told of a step: the loss at once, the rest when somebody asks."""

import pytest

pytestmark = pytest.mark.slow


def test_nothing_is_fetched_before_somebody_looks():
    from hmexp.training.step_logs import StepLogs

    asked = []

    class Loss:
        def __float__(self):
            asked.append("loss")
            return 0.5

    def results():
        asked.append("results")
        return {"loss": 0.7, "accuracy": 1}

    logs = StepLogs({"loss": Loss()}, results)
    assert logs
    assert asked == []
    assert logs.get("loss") == 0.5
    assert asked == ["loss"]
    assert logs["accuracy"] == 1.0
    assert logs["accuracy"] == 1.0
    assert asked == ["loss", "results"], "once"
    assert logs.copy() == {"loss": 0.5, "accuracy": 1.0}, "the step's own loss"
    assert "f1" not in logs
