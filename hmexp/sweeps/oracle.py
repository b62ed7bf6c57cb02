"""Search by an oracle of keras-tuner, asked and told directly: no Tuner, no files of its own, no global state.

keras-tuner writes its files in place, where a kill can truncate them, and keeps a finished trial among the running
ones for a moment. Here its state is a value that goes into the job table in the same transaction as the job.
"""

import json
import warnings
from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trials
from keras_tuner.oracles import HyperbandOracle, RandomSearchOracle
from sklearn.exceptions import ConvergenceWarning

from hmexp.compat.keras_tuner import BayesianOracle, write_no_files
from hmexp.config.sweep import KerasTunerConfig
from hmexp.sweeps.search import STOP_AFTER, Point
from hmexp.sweeps.space import Space
from hmexp.sweeps.tuning import TunerSpace

NAME = "objective"


class Oracle:
    """keras-tuner behind the `Search` protocol.

    Args:
        cfg: The `hydra.sweeper` section.
        space: What is searched.
        higher_is_better: Direction of the objective.
        epochs: `trainer.epochs`, the most that hyperband gives a trial.
    """

    tries_again = False

    def __init__(self, cfg: KerasTunerConfig, space: Space, higher_is_better: bool, epochs: int) -> None:
        self.total: int | None = None if cfg.oracle == "hyperband" else cfg.max_trials
        self.trials: list[str] = []
        self.space = TunerSpace(space)
        hyperparameters = keras_tuner.HyperParameters()
        self.space.define(hyperparameters)
        shared = {
            "objective": keras_tuner.Objective(NAME, "max" if higher_is_better else "min"),
            "hyperparameters": hyperparameters,
            "allow_new_entries": False,
            "seed": cfg.seed + 1,  # keras-tuner takes 0 for none
            "max_consecutive_failed_trials": None,  # a sweep goes on
        }
        make: dict[str, Callable[[], Any]] = {
            "random": lambda: RandomSearchOracle(max_trials=cfg.max_trials, **shared),
            "bayesian": lambda: BayesianOracle(
                max_trials=cfg.max_trials, num_initial_points=cfg.num_initial_points, **shared
            ),
            "hyperband": lambda: HyperbandOracle(
                max_epochs=epochs, factor=cfg.factor, hyperband_iterations=cfg.hyperband_iterations, **shared
            ),
        }
        self.oracle = make[cfg.oracle]()
        self.oracle.verbose = 0
        write_no_files(self.oracle)

    def ask(self, number: int) -> Point | None:
        """Another trial, unless the oracle waits for one to end, or has had enough."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # of a Gaussian process with few points yet
            trial = self.oracle.create_trial(f"point {number}")
        if trial.status != trials.TrialStatus.RUNNING:
            return None
        self.trials.append(trial.trial_id)
        values = trial.hyperparameters.values
        epochs = values.get("tuner/epochs")
        budget = {STOP_AFTER: str(int(epochs))} if epochs else {}
        parent = values.get("tuner/trial_id")
        number_of = {name: place for place, name in enumerate(self.trials)}
        return Point(self.space.values(trial.hyperparameters) | budget, number_of.get(parent))

    def tell(self, number: int, objective: float | None) -> None:
        """Ends the trial; one without an objective has failed."""
        trial = self.oracle.trials[self.trials[number]]
        if objective is None:
            trial.status = trials.TrialStatus.INVALID
        else:
            self.oracle.update_trial(trial.trial_id, {NAME: objective})
            trial.status = trials.TrialStatus.COMPLETED
        self.oracle.end_trial(trial)

    def state(self) -> Any:  # noqa: ANN401
        """Oracle and trials."""
        known = {name: trial.get_state() for name, trial in self.oracle.trials.items()}
        state = {"oracle": self.oracle.get_state(), "known": known, "trials": self.trials}
        return json.loads(json.dumps(state, default=lambda value: value.item()))

    def load(self, state: Any) -> None:  # noqa: ANN401
        """Oracle and trials; those that were running still are."""
        wanted = self.oracle.max_trials
        self.trials = state["trials"]
        self.oracle.trials = {name: trials.Trial.from_state(known) for name, known in state["known"].items()}
        self.oracle.set_state(state["oracle"])
        self.oracle.max_trials = wanted
