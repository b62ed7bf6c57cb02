"""Everything that a server needs before it answers, and what goes on beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hmexp.config.serve import ServeConfig
from hmexp.console import log, quiet_natives
from hmexp.inference.articles import Articles
from hmexp.serving.catalogue import ServedCatalogue
from hmexp.serving.following import Follower
from hmexp.serving.galleries import Galleries
from hmexp.serving.metrics import Metrics
from hmexp.serving.model import Loader, ServedModel
from hmexp.serving.promotions import Promotions
from hmexp.serving.recommended import RecommendedTable
from hmexp.serving.service import Service
from hmexp.serving.workers import Workers
from hmexp.tracking.bundles import FoundBundle, find_bundle, is_registered_name
from hmexp.tracking.registry import Registry, registry_for_reading
from hmexp.tracking.store import open_store


@contextmanager
def started(config: ServeConfig, bundle: FoundBundle, articles: Articles, key: str) -> Iterator[Service]:
    """A service whose model is loaded and warm, with what follows the alias and embeds the catalogue beside it.

    Raises:
        UserError: A model that was changed, or that Keras cannot load.
        RunError: An engine that does not give what Keras gives.
    """
    workers, metrics = Workers(config.max_pending), Metrics()
    loader = Loader(config, articles, workers, metrics.batches.observe)
    with quiet_natives():
        model = loader.load(bundle)
    registry = _registry(config, bundle)
    service = Service(
        config,
        ServedCatalogue(articles),
        workers,
        metrics,
        model,
        Promotions(config.tracking, config.paths, registry),
        RecommendedTable(Path(config.recommendations).expanduser().absolute()),
        key=key,
    )
    metrics.watch_pending(lambda: workers.pending)
    galleries = Galleries(service, articles)
    follower = None
    _serve(service, galleries, model)
    if registry is not None and not config.run.isdecimal():
        change = Change(service, galleries, loader)
        follower = Follower(lambda: registry.version(config.run), change.load, config.poll, bundle.version)
        follower.start()
    try:
        yield service
    finally:
        if follower is not None:
            follower.close()
        galleries.close()
        workers.close()


@dataclass(frozen=True)
class Change:
    """What happens at a promotion.

    Attributes:
        service: That gets the new model.
        galleries: Embed the catalogue with it.
        loader: Loads it.
    """

    service: Service
    galleries: Galleries
    loader: Loader

    def load(self) -> str:
        """Load the version that the alias means now, and serve it; gives its number."""
        config = self.service.config
        bundle = find_bundle(config.run, config.tracking, config.paths)
        model = self.loader.load(bundle)
        log.info(f"{bundle.name} answers from now on")
        _serve(self.service, self.galleries, model)
        self.service.metrics.promotions.inc()
        return bundle.version


def _serve(service: Service, galleries: Galleries, model: ServedModel) -> None:
    """Let a model answer all requests that begin from now on."""
    service.model = model
    service.metrics.serves(model.name, model.bundle.version, model.classifier.card.sha256)
    galleries.embed(model)


def _registry(config: ServeConfig, bundle: FoundBundle) -> Registry | None:
    """The registered model, where the model that is served is one of its versions."""
    if not bundle.version or not is_registered_name(config.run):
        return None
    return registry_for_reading(open_store(config.tracking, config.paths), config.tracking)
