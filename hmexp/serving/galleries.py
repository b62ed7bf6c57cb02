"""The features of the catalogue, computed beside the requests: at the start, and after a promotion."""

import os
import threading
from contextlib import suppress

import keras
import numpy as np

from hmexp.console import log
from hmexp.inference.pixels import pixel_source
from hmexp.models.bundle import FEATURES
from hmexp.recommend.embeddings import Embeddings, normalised
from hmexp.recommend.index import build_index
from hmexp.recommend.similar import Gallery, make_gallery
from hmexp.serving.batcher import Batcher
from hmexp.serving.engines import warm_up
from hmexp.serving.model import ServedModel
from hmexp.serving.service import Service
from hmexp.serving.similar import SimilarSearch

READY = "ready"
NICENESS = 10
"""Of the thread that embeds, and of those that decode for it: requests come first."""


class Galleries:
    """Embeds the catalogue with each model that is served; the search of the model before stays until then.

    Args:
        service: That gets the search.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self._newest: ServedModel | None = None

    def embed(self, model: ServedModel) -> None:
        """Begin; what is under way for another model comes to nothing."""
        self._newest = model
        self.service.similar_state = f"the catalogue is embedded with {model.bundle.name}"
        threading.Thread(target=self._embed, args=(model,), name="embed", daemon=True).start()

    def close(self) -> None:
        """Let what is under way come to nothing."""
        self._newest = None

    def _embed(self, model: ServedModel) -> None:
        with suppress(OSError, AttributeError):  # not on every system
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        try:
            search = self._search(model)
        except Exception as error:  # the server answers on; whoever asks for similar articles hears why not
            line = " ".join(str(error).split()) or type(error).__name__
            log.warning(f"no similar articles by {model.bundle.name}: {line}")
            if self._newest is model:
                self.service.similar_state = f"{model.bundle.name} has no features to compare"
            return
        if self._newest is model:
            self.service.similar = search
            self.service.similar_state = READY
            log.info(f"similar articles by {model.bundle.name} are ready")
