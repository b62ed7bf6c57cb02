"""keras-tuner's private names are what hmexp takes them for, in the version that is installed."""

import pytest

pytestmark = pytest.mark.slow


def oracle(**keywords):
    import keras_tuner

    from hmexp.compat.keras_tuner import BayesianOracle

    parameters = keras_tuner.HyperParameters()
    parameters.Choice("units", [1, 2, 3])
    objective = keras_tuner.Objective("loss", "min")
    return BayesianOracle(objective=objective, hyperparameters=parameters, seed=1, max_trials=3, **keywords)


def test_it_was_checked_against_this_version():
    import keras_tuner

    from hmexp.compat.keras_tuner import CHECKED

    assert keras_tuner.__version__.startswith(f"{CHECKED}.")


def test_no_point_is_proposed_twice_and_no_file_written(tmp_path, monkeypatch):
    from keras_tuner.engine import trial as trials

    from hmexp.compat.keras_tuner import write_no_files

    monkeypatch.chdir(tmp_path)
    search = oracle(num_initial_points=1)
    write_no_files(search)
    proposed = []
    for number in range(3):
        trial = search.create_trial(f"{number}")
        proposed.append(trial.hyperparameters.values["units"])
        search.update_trial(trial.trial_id, {"loss": float(number)})
        trial.status = trials.TrialStatus.COMPLETED
        search.end_trial(trial)
    assert sorted(proposed) == [1, 2, 3]
    assert list(tmp_path.iterdir()) == []
