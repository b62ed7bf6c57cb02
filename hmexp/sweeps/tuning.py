"""The space of a sweep in keras-tuner's terms."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from hmexp.config.presets import shipped_dir
from hmexp.config.quoting import plugin_modules, quote
from hmexp.config.schemas import register_schemas, to_config
from hmexp.config.verbs import RunConfig
from hmexp.models.build import build_model
from hmexp.sweeps.space import Parameter, Reader, Space, Values, is_integer
from hmexp.training.optimizer import Updates, build_optimizer


class TunerSpace:
    """Registers a space with keras-tuner, and reads a trial's values as words of the command line.

    Args:
        space: Of the sweep.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.parameters: dict[str, Parameter] = {}
        """Name in keras-tuner -> parameter. A conditional one has its condition in its name: keras-tuner (1.4.8) drops
        the value of a name that is active under one condition and not under another."""

    def define(self, hyperparameters: keras_tuner.HyperParameters) -> None:
        """Register the parameters, the conditional ones in the scope of the value that they need."""
        self._define(hyperparameters, self.space, "")

    def values(self, hyperparameters: keras_tuner.HyperParameters) -> Values:
        """The values of the parameters that a trial has."""
        active = [hp for hp in hyperparameters.space if hp.name in self.parameters and hyperparameters.is_active(hp)]
        found = ((self.parameters[hp.name], hyperparameters.values[hp.name]) for hp in active)
        return {parameter.key: _text(parameter, value) for parameter, value in found}

    def _define(self, hyperparameters: keras_tuner.HyperParameters, space: Space, condition: str) -> None:
        for parameter in space:
            name = f"{parameter.key}{condition}"
            self.parameters[name] = parameter
            _register(hyperparameters, name, parameter)
            for value, inner in parameter.under.items():
                with hyperparameters.conditional_scope(name, [_number(parameter, value)]):
                    self._define(hyperparameters, inner, f" ({parameter.key}={value})")


def _register(hyperparameters: keras_tuner.HyperParameters, name: str, parameter: Parameter) -> None:
    sampling = "log" if parameter.log else "linear"
    if parameter.choices:
        hyperparameters.Choice(name, [_number(parameter, text) for text in parameter.choices])
    elif parameter.integer:
        hyperparameters.Int(name, int(parameter.low), int(parameter.high), sampling=sampling)
    else:
        hyperparameters.Float(name, parameter.low, parameter.high, sampling=sampling)


def _text(parameter: Parameter, value: Any) -> str:  # noqa: ANN401
    """A value as a word of the command line has it."""
    plain = value.item() if hasattr(value, "item") else value
    if parameter.choices:
        return next(text for text in parameter.choices if _number(parameter, text) == plain)
    return str(plain) if isinstance(plain, int) else f"{plain:.4g}"


class NetworkHyperModel(keras_tuner.HyperModel):  # type: ignore[misc]
    """Builds the network of a trial; see `hmexp.sweeps.hypermodel`."""

    def __init__(
        self, words: Sequence[str], params: Mapping[str, str], num_classes: int, when: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.words, self.num_classes = [quote(word) for word in words], num_classes
        for module in plugin_modules(list(words)):
            importlib.import_module(module)
        tree = self._tree({})
        to_config(tree, RunConfig)  # refuse words that cannot be composed, before any trial
        request = Reader(OverridesParser.create(), when, lambda key: is_integer(tree, key)).read(params, [])
        self.words += request.fixed
        self.space = TunerSpace(request.space)

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """The compiled network of one trial."""
        self.space.define(hp)
        config = to_config(self._tree(self.space.values(hp)), RunConfig)
        model = build_model(config.model, config.data.image_size, self.num_classes)
        updates = Updates(config.optimizer.learning_rate)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(build_optimizer(config.optimizer, updates), loss=loss, metrics=["accuracy"])
        return model

    def _tree(self, values: Values) -> DictConfig:
        register_schemas()
        state = GlobalHydra.instance()
        before, state.hydra = state.hydra, None
        try:
            with initialize_config_dir(str(shipped_dir("conf")), version_base="1.3"):
                return compose("train", [*self.words, *(f"{key}={value}" for key, value in values.items())])
        finally:
            state.hydra = before


def _number(parameter: Parameter, text: str) -> Any:  # noqa: ANN401
    """A choice as keras-tuner has it: a number, so that near ones are near, where all of the choices are numbers."""
    try:
        numbers = {choice: float(choice) for choice in parameter.choices}
    except ValueError:
        return text
    return numbers[text] if len(set(numbers.values())) == len(numbers) else text
