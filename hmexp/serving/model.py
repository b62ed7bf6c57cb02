"""A model as it is served: loaded, warm, and what it says of an upload."""

from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from hmexp.classifier import Classifier, load_classifier
from hmexp.config.serve import ServeConfig
from hmexp.console import log
from hmexp.inference.articles import Articles
from hmexp.serving.batcher import Batcher, Observe
from hmexp.serving.engines import keras_engine, onnx_engine, warm_up
from hmexp.serving.heat import overlay
from hmexp.serving.uploads import Upload
from hmexp.serving.workers import Workers
from hmexp.tracking.bundles import FoundBundle
from hmexp.training.backends import backend_named
from hmexp.training.grad_cam import GradCam


@dataclass(frozen=True)
class ServedModel:
    """One version of the model; a request keeps the one that it began with.

    Attributes:
        bundle: Where it comes from.
        classifier: Keras's.
        batcher: Probabilities of pictures, by the engine.
        grad_cam: Heat maps; None where the model has no layer that it could show.
        workers: Threads of the server.
    """

    bundle: FoundBundle
    classifier: Classifier
    batcher: Batcher
    grad_cam: GradCam | None
    workers: Workers

    @property
    def name(self) -> str:
        """What clients hear: `hmexp-sample version 3`, or the last part of a folder."""
        return PurePath(self.bundle.name).name

    async def classify(self, upload: Upload) -> np.ndarray:
        """Calibrated probabilities of the classes, float32 `[classes]`.

        Raises:
            RefusedPicture: It cannot be read.
            QueueFull: Too many wait.
        """
        return await self.batcher(await self.decode(upload))

    async def decode(self, upload: Upload) -> np.ndarray:
        """An upload at the model's size, uint8 `[image_size, image_size, 3]`; raises as `classify` does."""
        card = self.classifier.card
        return await self.workers.decode(upload.decode, card.image_size, card.resize)

    async def heat_map(self, upload: Upload, target: int) -> bytes:
        """What speaks for a class, as a PNG that lies over the picture; raises as `classify` does."""
        pixels = await self.decode(upload)
        return await self.workers.run(self._heat_map, pixels, target, upload.width, upload.height)

    def _heat_map(self, pixels: np.ndarray, target: int, width: int, height: int) -> bytes:
        if self.grad_cam is None:
            raise ValueError("expected a model with feature maps")
        heat = self.grad_cam(pixels[None], np.array([target], np.int64))[0]
        return overlay(heat, self.classifier.card, width, height)


@dataclass(frozen=True)
class Loader:
    """Loads models for the server.

    Attributes:
        config: Of the command.
        articles: Whose pictures an engine is checked on.
        workers: Threads of the server.
        observe: Hears of each batch, with its length.
    """

    config: ServeConfig
    articles: Articles
    workers: Workers
    observe: Observe

    def load(self, bundle: FoundBundle) -> ServedModel:
        """Load a bundle, check it, and compute once what will be computed, so that no request waits for it.

        Raises:
            UserError: A model that was changed.
            RunError: An engine that does not give what Keras gives.
        """
        classifier = load_classifier(bundle.folder)
        run = keras_engine(classifier)
        if self.config.engine == "onnx":
            run = onnx_engine(classifier, self.articles)
        size = classifier.card.image_size
        warm_up(run, size, self.config.longest_batch)
        grad_cam = self._grad_cam(classifier, size)
        longest, pending = self.config.longest_batch, self.config.max_pending
        batcher = Batcher(run, self.workers.compute, longest, pending, self.observe)
        return ServedModel(bundle, classifier, batcher, grad_cam, self.workers)

    def _grad_cam(self, classifier: Classifier, size: int) -> GradCam | None:
        try:
            grad_cam = GradCam(classifier.model, backend_named(self.config.backend))
            grad_cam(np.zeros((1, size, size, 3), np.uint8), np.zeros(1, np.int64))
        except ValueError as error:
            log.warning(f"no heat maps of this model: {error}")
            return None
        return grad_cam
