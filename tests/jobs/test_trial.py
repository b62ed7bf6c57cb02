import json

import pytest

from hmexp.jobs.trial import TrialInfo, read_trial
from hmexp.training.pruner import NoPruner, PruningRule


@pytest.mark.parametrize("rule", [None, PruningRule("median", 1, 3, 2, higher_is_better=True)])
def test_a_job_reads_what_its_sweep_wrote(tmp_path, rule):
    trial = TrialInfo("a sweep", 3, "dropout=0.1", "f00d", {"++model.dropout": "0.1"}, "val/macro_f1", rule)
    trial.save(tmp_path)
    assert read_trial(tmp_path) == trial
    assert json.loads((tmp_path / "sweep.json").read_text())["number"] == 3
    assert trial.run_name == "3 dropout=0.1"
    assert trial.params() == {"sweep/model.dropout": "0.1"}
    assert trial.tags() == {"mlflow.parentRunId": "f00d", "hmexp.sweep": "a sweep", "hmexp.job": "3"}
    assert isinstance(trial.pruner(tmp_path), NoPruner) == (rule is None)


def test_a_run_of_its_own_is_no_trial(tmp_path):
    assert read_trial(tmp_path) is None
