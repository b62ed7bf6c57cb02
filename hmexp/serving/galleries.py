"""The features of the catalogue, computed beside the requests: at the start, and after a promotion."""

import multiprocessing
import threading
from typing import Any

import numpy as np

from hmexp.config.errors import RunError
from hmexp.config.serve import KERAS_BATCH
from hmexp.config.similar import FeaturesConfig
from hmexp.console import log
from hmexp.inference.articles import Articles
from hmexp.models.features import feature_model, features_of
from hmexp.recommend.embed import Source, embeddings_of, is_embedded
from hmexp.recommend.gallery import gallery_of
from hmexp.serving.batcher import Batcher
from hmexp.serving.embedding import compute
from hmexp.serving.engines import warm_up
from hmexp.serving.model import ServedModel
from hmexp.serving.service import Service
from hmexp.serving.similar import SimilarSearch

READY = "ready"
RETRY = 30.0
"""Seconds after which a catalogue is tried again, which another process may be embedding."""

PATIENCE = 10.0
"""Seconds that a thread has to end: one that computes when Python ends may crash it."""


class Galleries:
    """Embeds the catalogue with each model that is served; the search of the model before stays until then.

    Embeddings that are not in the cache are computed by a process of their own, which takes no turn of this one's
    Python; killed, the next goes on where it was.

    Args:
        service: That gets the search.
        articles: Of the catalogue.
    """

    def __init__(self, service: Service, articles: Articles) -> None:
        self.service = service
        self.articles = articles
        self._newest: ServedModel | None = None
        self._process: Any = None
        self._starting = threading.Lock()  # a process that is only being started cannot be ended
        self._thread = threading.Thread()
        self._end = threading.Event()

    def embed(self, model: ServedModel) -> None:
        """Begin; what is under way for another model comes to nothing."""
        self._stop(model)
        self.service.similar_state = f"the catalogue is being embedded with {model.name}"
        self._thread = threading.Thread(target=self._embed, args=(model,), name="embed", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End what is under way."""
        self._end.set()
        self._stop(None)
        if self._thread.ident is not None:
            self._thread.join(PATIENCE)

    def _stop(self, newest: ServedModel | None) -> None:
        with self._starting:
            self._newest = newest
            if self._process is not None:
                self._process.terminate()

    def _embed(self, model: ServedModel) -> None:
        said = ""
        while self._newest is model:
            try:
                search = self._search(model)
                break
            except Exception as error:  # the server answers on; whoever asks for similar articles hears why not
                line = " ".join(str(error).split()) or type(error).__name__
                if line != said and self._newest is model:
                    log.warning(f"no similar articles by {model.name} yet: {line}")
                    self.service.similar_state = "the features of the catalogue could not be computed yet"
                said = line
                self._end.wait(RETRY)
        if self._newest is model:
            self.service.similar = search
            self.service.similar_state = READY
            log.info(f"similar articles by {model.name} are ready")

    def _search(self, model: ServedModel) -> SimilarSearch:
        source = Source(model.bundle, model.classifier.card, self.articles)
        config = self.service.config.features_config
        if not is_embedded(source, config):
            self._embed_elsewhere(model, source, config)
        gallery = gallery_of(source, embeddings_of(source, config))
        network = feature_model(model.classifier.model)

        def run(pictures: np.ndarray) -> np.ndarray:
            return features_of(network, pictures)

        workers = self.service.workers
        warm_up(run, model.classifier.card.image_size, KERAS_BATCH)
        return SimilarSearch(
            gallery, model, Batcher(run, workers.compute, KERAS_BATCH, self.service.config.max_pending)
        )

    def _embed_elsewhere(self, model: ServedModel, source: Source, config: FeaturesConfig) -> None:
        """Let another process see to it that the embeddings are in the cache.

        Raises:
            RunError: It could not.
        """
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=compute, args=(source, config, there), daemon=True)
        with here:
            with there, self._starting:
                if self._newest is not model:
                    raise RunError("another model is served by now")
                process.start()
                self._process = process
            try:
                reason = here.recv()
            except EOFError:
                reason = "the process that embeds was killed"
            process.join()
        if reason:
            raise RunError(reason)
