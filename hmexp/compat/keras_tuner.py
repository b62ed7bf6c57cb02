"""What hmexp takes from keras-tuner that it does not export; checked against `CHECKED`.

`tests/compat/test_keras_tuner.py` fails where one of these names changes.
"""

from typing import Any

from keras_tuner import Oracle
from keras_tuner.oracles import BayesianOptimizationOracle

CHECKED = "1.4"


class BayesianOracle(BayesianOptimizationOracle):  # type: ignore[misc]
    """Proposes no point twice; keras-tuner's own does, and would train it again (keras-tuner #237)."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Propose the values of a trial; `status` says whether there are any."""
        response: dict[str, Any] = super().populate_space(trial_id)
        if response["values"] and self._duplicate(response["values"]):
            response = self._random_populate_space()
        return response


def write_no_files(oracle: Oracle) -> None:
    """Keep an oracle's state in memory alone: its files are written in place, where a kill can truncate them."""
    oracle.save = oracle._save_trial = lambda *args: None
