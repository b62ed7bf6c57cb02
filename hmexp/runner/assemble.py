"""From the configuration to the parts of a training: precision, network, learner, batches, Trainer."""

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import psutil
from rich.filesize import decimal

from hmexp.batches.augment import Augmentation
from hmexp.config.errors import invalid, require
from hmexp.config.model import ModelConfig
from hmexp.config.pretrained import BackboneConfig
from hmexp.config.verbs import RunConfig
from hmexp.console import log
from hmexp.datamodule import DataModule
from hmexp.metrics.streaming import streaming_metrics
from hmexp.models.backbone import scales_pixels
from hmexp.models.build import build_model, opened
from hmexp.models.memory import Size, size_of, size_of_config
from hmexp.models.pinned import from_cache
from hmexp.process import num_cores
from hmexp.runner.environment import versions
from hmexp.runner.feeding import Feeding
from hmexp.runner.frozen import FrozenFeatures, freeze
from hmexp.training.backends import Device
from hmexp.training.build import build_callback
from hmexp.training.contrastive import with_features
from hmexp.training.device import fresh_session
from hmexp.training.interruption import Interruption
from hmexp.training.learner import Learner
from hmexp.training.loaders import DataLoaders
from hmexp.training.loss import build_loss
from hmexp.training.precision import faster, keep_seconds, recall_seconds, time_precisions
from hmexp.training.pruner import NoPruner, Pruner
from hmexp.training.recorder import NoRecorder, Recorder
from hmexp.training.trainer import Trainer


@dataclass(frozen=True)
class Assembly:
    """Makes the parts of one training.

    Attributes:
        config: The whole configuration.
        data: Prepared.
        device: What computes.
        network: Handed over in Python; None builds the configured one.
        callbacks: Handed over in Python, beside hmexp's own.
    """

    config: RunConfig
    data: DataModule
    device: Device
    network: keras.Model | None = None
    callbacks: Sequence[keras.callbacks.Callback] = ()

    def check_memory(self) -> Size | None:
        """How large the network will be, before anything is built; None where only building it says so.

        Raises:
            UserError: Larger than the memory of this machine, where a processor trains.
        """
        size = self._size()
        if size is None:
            return None
        batch_size = self.config.trainer.batch_size
        needed, there = size.training_bytes(batch_size), psutil.virtual_memory().total
        if self.device.words == "cpu" and needed > there:
            expected = f"one that this machine's {decimal(there)} can train in batches of {batch_size}"
            raise invalid(
                "model", expected, f"one of {size.parameters:,} parameters that takes about {decimal(needed)}"
            )
        return size

    def check_pretrained(self) -> None:
        """Read a pretrained network and say what is taken of it.

        Raises:
            UserError: A file or preset without an image network, or one that takes pictures of another size.
            RunError: A preset that cannot be downloaded.
        """
        if self.network is not None:
            return
        found = opened(self._model, self.config.data.image_size)
        if found is None:
            return
        pictures, sizes = found.network.inputs[0], self.config.trainer.image_sizes
        fixed = None not in pictures.shape[1:3]
        require(sizes is None or not fixed, "trainer.image_sizes", "null for a network that takes one size", sizes)
        log.info(f"{found.network.name}: {found.words}")
        if isinstance(self._model, BackboneConfig) and pictures.dtype != "uint8" and not scales_pixels(found.network):
            log.warning("nothing at its input scales pixels: it is given values from 0 to 255")
        fresh_session()

    def check_features(self) -> None:
        """Raise `UserError` where the loss looks at features and the network has none by that name."""
        if self.config.loss.rows_together > 1:
            with_features(self.network or self._build())
            if self.network is None:
                fresh_session()

    def check_placement(self) -> None:
        """Raise `UserError` where `trainer.data_on_device=true` asks for what cannot be."""
        _ = self.feeding.placement

    def _size(self) -> Size | None:
        if self.network is not None:
            return size_of(self.network)
        size = size_of_config(self._model, self.config.data.image_size, len(self.data.class_names))
        fresh_session()
        return size

    def precision(self, decided: str = "") -> str:
        """Fix what is computed in, before anything is built.

        Args:
            decided: What a resumed run computes in.

        Returns:
            `float32`, `mixed_bfloat16` or `mixed_float16`.
        """
        if self.network is not None:
            policy = str(self.network.dtype_policy.name)  # it was made under one
            keras.config.set_dtype_policy(policy)
            return policy
        chosen = decided or self.config.trainer.precision
        if chosen == "auto":
            chosen = self._faster_precision()
        self.begin_anew(chosen)
        return chosen

    def begin_anew(self, precision: str) -> None:
        """Leave no names, seeds or formats of a model that was only tried."""
        fresh_session()
        keras.utils.set_random_seed(self.config.seed)
        keras.config.set_dtype_policy(precision)

    def _faster_precision(self) -> str:
        """Decide by timing, once for a machine and a model: a choice that noise moves would move results."""
        path = self.config.paths.cache_path / "precision" / f"{self._timed()}.json"
        seconds = recall_seconds(path)
        before = ", as timed before" if seconds else ""
        if seconds is None:
            seconds = time_precisions(self.compiled_learner, next(iter(self.loaders().train(1, 0, 1))))
            keep_seconds(path, seconds)
        chosen = faster(seconds)
        times = ", ".join(f"{1000 * value:.1f} ms a step in {name}" for name, value in seconds.items())
        log.info(f"precision: {chosen} ({times}{before})")
        return chosen

    def _timed(self) -> str:
        """A digest of all that the time of a step depends on."""
        config, trainer = self.config, self.config.trainer
        parts = [self._model, config.data.image_size, trainer.image_sizes, trainer.batch_size, trainer.jit_compile]
        where = [config.backend, self.device.words, platform.node(), num_cores(), versions(), config.deterministic]
        facts = [*parts, len(self.data.class_names), config.augment, config.optimizer, *where]
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]

    def learner(self) -> Learner:
        """The network with its augmentation and loss, made where the device wants it."""
        with self.device.scope():
            network = self.frozen.head if self.config.trainer.cache_features else self.network or self._build()
            backend, num_classes = self.device.backend, len(self.data.class_names)
            augmentation = Augmentation(self.config.augment, num_classes, backend.compile_stage)
            any_size = self.config.trainer.image_sizes is not None
            return Learner(network, augmentation, build_loss(self.config.loss), backend, any_size)

    @cached_property
    def frozen(self) -> FrozenFeatures:
        """The network and its head, with `trainer.cache_features`; features are computed where they are not there."""
        return freeze(self.network or self._build(), self.data, self.config.paths.cache_path)

    @property
    def fed(self) -> DataModule:
        """What the learner's network takes: the data, or that with features in place of pictures."""
        return self.frozen.data if self.config.trainer.cache_features else self.data

    def whole(self, learner: Learner) -> keras.Model:
        """The network that classifies pictures, of which the learner may have trained the head alone."""
        return self.frozen.network if self.config.trainer.cache_features else learner.network

    def _build(self) -> keras.Model:
        return build_model(self._model, self.config.data.image_size, len(self.data.class_names))

    @property
    def _model(self) -> ModelConfig:
        """The `model` section, with a network's file where it is kept."""
        return from_cache(self.config.model, self.config.paths.cache_path)

    @cached_property
    def feeding(self) -> Feeding:
        """The batches of the training and where their pictures are."""
        return Feeding(self.config, self.data, self.device)

    def loaders(self) -> DataLoaders:
        """Batches of train and val, streamed from the store."""
        return self.feeding.streamed(self.fed)

    def placed_loaders(self) -> DataLoaders:
        """Batches of train and val, with the pictures of train where they shall be; they are copied there."""
        return self.feeding.placed(self.fed)

    def trainer(
        self, job_dir: Path, recorder: Recorder, interruption: Interruption, pruner: Pruner | None = None
    ) -> Trainer:
        """The Trainer of this configuration."""
        return Trainer(
            cfg=self.config.trainer,
            optimizer=self.config.optimizer,
            schedule=self.config.schedule,
            fine_tuning=self.config.model.fine_tuning,
            job_dir=job_dir,
            recorder=recorder,
            interruption=interruption,
            pruner=pruner or NoPruner(),
            callbacks=[*self.callbacks, *self._configured_callbacks(job_dir)],
        )

    def _configured_callbacks(self, job_dir: Path) -> list[keras.callbacks.Callback]:
        return [build_callback(cfg, job_dir) for cfg in self.config.callbacks.values()]

    def compiled_learner(self) -> Learner:
        """A learner as it is at the first step of a training."""
        learner = self.learner()
        metrics = streaming_metrics(len(self.data.class_names))
        with self.device.scope():
            self.trainer(Path(), NoRecorder(), Interruption()).compile(learner, metrics, 0, self.loaders())
        return learner
