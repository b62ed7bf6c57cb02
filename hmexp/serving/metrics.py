"""What Prometheus reads of the server."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
MEDIA_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The figures of one server.

    Attributes:
        batches: Pictures of each batch that was computed.
        model: 1 for the model that answers.
        promotions: Models that took the place of another.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("hmexp_requests", "Requests.", ["route", "method", "status"], registry=self.registry)
        self.seconds = Histogram(
            "hmexp_request_seconds", "Seconds of a request.", ["route"], buckets=SECONDS, registry=self.registry
        )
        self.batches = Histogram(
            "hmexp_batch_pictures", "Pictures of a batch.", buckets=(1, 2, 4, 8, 16, 32, 64), registry=self.registry
        )
        self.model = Gauge(
            "hmexp_model", "1 for the model that answers.", ["name", "version", "sha256"], registry=self.registry
        )
        self.promotions = Counter(
            "hmexp_models_loaded", "Models that took the place of another.", registry=self.registry
        )
        self.pending = Gauge("hmexp_pending_pictures", "Pictures that wait or are decoded.", registry=self.registry)

    def serves(self, name: str, version: str, sha256: str) -> None:
        """Note the model that answers from now on."""
        self.model.clear()
        self.model.labels(name, version, sha256).set(1)

    def watch_pending(self, count: Callable[[], int]) -> None:
        """Let a function tell how many pictures are under way."""
        self.pending.set_function(count)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)


class Measured:
    """Counts and times requests by their route, never by what clients make up.

    Args:
        app: What is asked.
        metrics: Where it is noted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        async def send_some(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_some)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            known = scope["method"] in ("GET", "HEAD", "POST")
            self.metrics.requests.labels(route, scope["method"] if known else "other", str(status)).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - begun)
