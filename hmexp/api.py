"""What a notebook or a script calls; the command line calls the same underneath.

Nothing here touches signals, the current folder or logging: these are the command line's. Keras and the libraries below
it keep state in the process, so that one training at a time runs in it; a second one, of another thread, waits.
"""

import threading
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmexp.config.compose import Composed, compose_words, explained, put_values
from hmexp.config.errors import UserError, unknown_key
from hmexp.config.invocation import Invocation
from hmexp.config.model import ModelConfig
from hmexp.config.pretrained import SavedConfig
from hmexp.config.quoting import paths_of
from hmexp.config.record import MlflowTracking
from hmexp.config.schemas import to_config
from hmexp.config.stored import run_words
from hmexp.config.training import TrainerConfig
from hmexp.config.verbs import RunConfig
from hmexp.datamodule import DataModule, process_backend
from hmexp.runner.backend import start_backend
from hmexp.runner.resume import recall
from hmexp.runner.train import Given, RunResult, run_training
from hmexp.training.interruption import Interruption

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from hmexp.classifier import Classifier

ONE_AT_A_TIME = threading.RLock()
CONFIG_OF_MODEL = "_hmexp_config"
"""Attribute of a network that `build_model` made: its option and its configuration."""


def run(overrides: Sequence[str] = ()) -> RunResult:
    """Do what the command `hmexp OVERRIDES` does: train and evaluate one model, or go on with one.

    Args:
        overrides: The words of the command, such as `["model=cnn3", "trainer.epochs=5"]`.

    Raises:
        UserError: What exit code 2 would say.
        RunError: The run failed for a known reason.
    """
    words = list(overrides)
    whole = recall(words, paths_of(words)) if run_words(words) else words
    composed = compose_words(whole)
    with explained():
        config = to_config(composed.tree, RunConfig)
    call = f"hmexp.run({words!r})"
    with ONE_AT_A_TIME:
        return run_training(config, Invocation(call, tuple(words), composed.choices), Interruption())


def build_model(name: str, data: DataModule, seed: int = 0, **keywords: Any) -> "keras.Model":  # noqa: ANN401
    """Build a network for the pictures and classes of `data`.

    Args:
        name: An option of the group `model`, such as `cnn3` or `resnet`.
        data: Gives the image size, the number of classes and the backend.
        seed: Of the weights.
        **keywords: Keys of the section `model`, such as `widths=[32, 64]`.

    Returns:
        uint8 `[batch, height, width, 3]` -> float32 logits `[batch, classes]`, not trained yet.

    Raises:
        UserError: No such model or key.
    """
    composed = compose_words([f"model={name}", f"backend={data.backend}"])
    put_values(composed.tree, "model", keywords)
    with explained():
        config = to_config(composed.tree, RunConfig)
        config.model.check_input(data.cfg.image_size)
    start_backend(config)
    import keras

    from hmexp.models.build import build_model as build

    keras.utils.set_random_seed(seed)
    model = build(config.model, data.cfg.image_size, len(data.class_names))
    setattr(model, CONFIG_OF_MODEL, (name, config.model))
    return model


def load(
    run: str | Path, root: str | Path = ".", uri: str | None = None, model_name: str | None = None
) -> "Classifier":
    """Load a trained model that classifies pictures.

    Args:
        run: A run (its id, a unique prefix of it, `latest`, its folder or the folder's name), an alias of the registry
            such as `champion`, a version of it such as `3`, or the folder of a bundle.
        root: Folder that holds `mlruns/`.
        uri: MLflow tracking URI; None is the database under `root`.
        model_name: Name in the model registry; None is the only one that has a champion.

    Raises:
        UserError: No such run or model, or a file that is not as it was written.
    """
    composed = compose_words([f"paths.root={root}"])
    config = to_config(composed.tree, RunConfig)
    tracking = MlflowTracking(uri=uri, model_name=model_name)
    from hmexp.tracking.bundles import find_bundle

    bundle = find_bundle(str(run), tracking, config.paths)
    start_backend(replace(config, backend=process_backend()))
    from hmexp.classifier import load_classifier

    return load_classifier(bundle.folder)


class Trainer:
    """Trains networks as the command does: a job folder, checkpoints, the best epoch, evaluation, MLflow.

    Args:
        callbacks: Keras callbacks, beside hmexp's own.
        overrides: Further words of the command line, such as `["optimizer=adamw", "schedule=cosine", "seed=1"]`.
        **keywords: Keys of the section `trainer`, such as `epochs=5`.

    Attributes:
        result: Of the last `fit`.
    """

    def __init__(
        self,
        callbacks: Sequence["keras.callbacks.Callback"] = (),
        overrides: Sequence[str] = (),
        **keywords: Any,  # noqa: ANN401
    ) -> None:
        known = [key.name for key in fields(TrainerConfig)]
        for name in keywords:
            if name not in known:
                raise unknown_key(f"trainer.{name}", [f"trainer.{key}" for key in known])
        self.callbacks, self.overrides, self.keywords = callbacks, overrides, keywords
        self.result: RunResult | None = None
        self._model: keras.Model | None = None
        self._data: DataModule | None = None
        self._config(compose_words(list(overrides)))  # refuses what is wrong at once

    def fit(self, model: "keras.Model", data: DataModule) -> RunResult:
        """Train a network; afterwards it has the weights of its best epoch.

        Args:
            model: uint8 `[batch, height, width, 3]` -> logits `[batch, classes]`.
            data: What it learns from.

        Raises:
            UserError: A model that does not fit the data, or anything else that exit code 2 would say.
            RunError: The run failed for a known reason.
        """
        data.setup_once()
        composed = compose_words(list(self.overrides))
        name, section = _config_of(model, data)
        config = replace(self._config(composed), data=data.cfg, paths=data.paths, model=section, backend=data.backend)
        choices = dict(composed.choices) | {"model": name, "data": data.kind}
        words = (*self.overrides, *(f"trainer.{key}={value}" for key, value in self.keywords.items()))
        invocation = Invocation(f"hmexp.Trainer({', '.join(words)}).fit(...)", words, tuple(sorted(choices.items())))
        given = Given(data, model, tuple(self.callbacks))
        with ONE_AT_A_TIME:
            self.result = run_training(config, invocation, Interruption(), given)
        self._model, self._data = model, data
        return self.result

    def evaluate(
        self, model: "keras.Model | None" = None, data: DataModule | None = None, split: str = "test"
    ) -> dict[str, float]:
        """Every metric of a split; of the last `fit` where model and data are not given.

        Raises:
            UserError: Nothing was trained yet, or a split without pictures.
        """
        return dict(self._evaluate(model, data, split).evaluation.metrics)

    def predict(
        self, model: "keras.Model | None" = None, data: DataModule | None = None, split: str = "test"
    ) -> "pd.DataFrame":
        """`article_id, image, split, target, predicted, confidence` and `p/<class>`, a row a picture of a split.

        Raises:
            UserError: See `evaluate`.
        """
        predictions: pd.DataFrame = self._evaluate(model, data, split).predictions
        return predictions

    def _config(self, composed: Composed) -> RunConfig:
        put_values(composed.tree, "trainer", self.keywords)
        with explained():
            return to_config(composed.tree, RunConfig)

    def _evaluate(self, model: "keras.Model | None", data: DataModule | None, split: str) -> Any:  # noqa: ANN401
        from hmexp.evaluation.predict import evaluate_rows
        from hmexp.runner.evaluate import split_rows

        model, data = model or self._model, data or self._data
        if model is None or data is None:
            raise UserError("model: expected a model and data, or fit() before this, received neither")
        data.setup_once()
        return evaluate_rows(model, data, split, split_rows(data, split), data.class_names)


def _config_of(model: "keras.Model", data: DataModule) -> tuple[str, ModelConfig]:
    """The option and the section that build a network again: its own, or those of a file that holds it."""
    size, num_classes = data.cfg.image_size, len(data.class_names)
    if not getattr(model, "inputs", None):
        raise UserError(f"model: expected a functional or sequential Keras model, received {type(model).__name__}")
    shapes = tuple(model.input_shape)[1:], tuple(model.output_shape)[1:]
    if shapes[0] not in ((size, size, 3), (None, None, 3)) or shapes[1] != (num_classes,):
        expected = f"[batch, {size}, {size}, 3] -> [batch, {num_classes}], as the data has it"
        raise UserError(f"model: expected {expected}, received {model.input_shape} -> {model.output_shape}")
    made = getattr(model, CONFIG_OF_MODEL, None)
    if made is not None:
        name, section = made
        return name, section
    from hmexp.models.saved import keep_model

    return "saved", SavedConfig(file=str(keep_model(model, data.paths.cache_path)))
