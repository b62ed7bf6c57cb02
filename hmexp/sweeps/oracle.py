"""Search by an oracle of keras-tuner, asked and told directly: no Tuner, no files of its own, no global state.

keras-tuner writes its files in place, where a kill can truncate them, and keeps a finished trial among the running
ones for a moment. Here its state is a value that goes into the job table in the same transaction as the job.
"""

import json
from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trials
from keras_tuner.oracles import BayesianOptimizationOracle, HyperbandOracle, RandomSearchOracle

from hmexp.config.sweep import KerasTunerConfig
from hmexp.sweeps.search import Point
from hmexp.sweeps.space import Parameter, Space

NAME = "objective"
OWN = "tuner/"
"""Prefix of the values that hyperband adds."""


class _Bayesian(BayesianOptimizationOracle):  # type: ignore[misc]
    """Proposes no point twice; keras-tuner's own does, and would train it again (keras-tuner #237)."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        response: dict[str, Any] = super().populate_space(trial_id)
        if response["values"] and self._duplicate(response["values"]):
            response = self._random_populate_space()
        return response


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
        self.texts: dict[str, dict[Any, str]] = {}
        hyperparameters = keras_tuner.HyperParameters()
        self._define(hyperparameters, space)
        shared = {
            "objective": keras_tuner.Objective(NAME, "max" if higher_is_better else "min"),
            "hyperparameters": hyperparameters,
            "allow_new_entries": False,
            "seed": cfg.seed + 1,  # keras-tuner takes 0 for none
            "max_consecutive_failed_trials": None,  # a sweep goes on
        }
        make: dict[str, Callable[[], Any]] = {
            "random": lambda: RandomSearchOracle(max_trials=cfg.max_trials, **shared),
            "bayesian": lambda: _Bayesian(
                max_trials=cfg.max_trials, num_initial_points=cfg.num_initial_points, **shared
            ),
            "hyperband": lambda: HyperbandOracle(
                max_epochs=epochs, factor=cfg.factor, hyperband_iterations=cfg.hyperband_iterations, **shared
            ),
        }
        self.oracle = make[cfg.oracle]()
        self.oracle.verbose = 0
        self.oracle.save = self.oracle._save_trial = lambda *args: None

    def ask(self, number: int) -> Point | None:
        """Another trial, unless the oracle waits for one to end, or has had enough."""
        trial = self.oracle.create_trial(f"point {number}")
        if trial.status != trials.TrialStatus.RUNNING:
            return None
        self.trials.append(trial.trial_id)
        values = trial.hyperparameters.values
        active = [hp for hp in self.oracle.hyperparameters.space if trial.hyperparameters.is_active(hp)]
        parameters = {hp.name: self._text(hp.name, values[hp.name]) for hp in active if not hp.name.startswith(OWN)}
        epochs = values.get("tuner/epochs")
        words = (f"trainer.stop_after={int(epochs)}",) if epochs else ()
        parent = values.get("tuner/trial_id")
        return Point(parameters, words, None if parent is None else self.trials.index(parent))

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

    def _define(self, hyperparameters: keras_tuner.HyperParameters, space: Space) -> None:
        """Register parameters, the conditional ones in the scope of the value that they need."""
        for parameter in space:
            self._register(hyperparameters, parameter)
            for value, inner in parameter.under.items():
                with hyperparameters.conditional_scope(parameter.key, [_number(parameter, value)]):
                    self._define(hyperparameters, inner)

    def _register(self, hyperparameters: keras_tuner.HyperParameters, parameter: Parameter) -> None:
        key = parameter.key
        if parameter.choices:
            values = {_number(parameter, text): text for text in parameter.choices}
            self.texts[key] = self.texts.get(key, {}) | values
            hyperparameters.Choice(key, list(values))
            return
        sampling = "log" if parameter.log else "linear"
        if parameter.integer:
            hyperparameters.Int(key, int(parameter.low), int(parameter.high), sampling=sampling)
        else:
            hyperparameters.Float(key, parameter.low, parameter.high, sampling=sampling)

    def _text(self, key: str, value: Any) -> str:  # noqa: ANN401
        """A value as a word of the command line has it."""
        plain = value.item() if hasattr(value, "item") else value
        known = self.texts.get(key, {})
        if plain in known:
            return known[plain]
        return str(plain) if isinstance(plain, int) else f"{plain:.4g}"


def _number(parameter: Parameter, text: str) -> Any:  # noqa: ANN401
    """A choice as keras-tuner has it: a number, so that near ones are near, where all of the choices are numbers."""
    try:
        numbers = {choice: float(choice) for choice in parameter.choices}
    except ValueError:
        return text
    return numbers[text] if len(set(numbers.values())) == len(numbers) else text
