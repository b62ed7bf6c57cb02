"""The verb `serve`: the champion behind a web page and a JSON API, until Ctrl-C."""

import importlib.util
import logging
import socket
import sys
from typing import TYPE_CHECKING

from hmexp.config.errors import UserError
from hmexp.config.invocation import Invocation
from hmexp.config.serve import ServeConfig
from hmexp.console import console, log
from hmexp.inference.articles import catalogue_articles
from hmexp.inference.formats import require_packages
from hmexp.recommend.embed import data_of
from hmexp.runner.backend import check_inference, start_inference
from hmexp.runner.browser import open_beside
from hmexp.runner.listener import listen
from hmexp.serving.security import read_key
from hmexp.tracking.bundles import find_bundle

if TYPE_CHECKING:
    from hmexp.serving.service import Service

PACKAGES = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")
FAREWELL = 10
"""Seconds that requests under way have to end after Ctrl-C."""
CONNECTIONS = 512
"""Connections at most; further ones are answered 503."""


def serve(config: ServeConfig, invocation: Invocation) -> None:
    """Serve a model until Ctrl-C, and open its page in the browser where a terminal asked for it.

    Raises:
        UserError: No such model, catalogue, address or key, or a port that is taken.
        RunError: An engine that does not give what Keras gives.
    """
    _require_packages()
    if config.engine == "onnx":
        require_packages(["onnx"])
    check_inference(config.backend, config.device)
    key = read_key(config)
    bundle = find_bundle(config.run, config.tracking, config.paths)
    data = config.data or data_of(bundle, config.features_config)
    articles = catalogue_articles(data, config.paths, columns=None)
    with listen(config.host, config.port) as listener:
        log.info(f"{articles.name}: {len(articles.rows):,} articles, classified by {bundle.name}")
        start_inference(config.backend, config.device, config.paths.cache_path)
        from hmexp.serving.start import started

        with started(config, bundle, articles, key) as service:
            _run(listener, service, config)


def _run(listener: socket.socket, service: "Service", config: ServeConfig) -> None:
    import uvicorn

    from hmexp.serving.app import create_app

    app = create_app(service)
    host, port = listener.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    log.info(f"serving at {address} (API: {address}docs; Ctrl-C ends it)")
    if config.browser and console.is_terminal:
        open_beside(address)
    settings = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=FAREWELL,
        ws="none",
    )
    # An exception is said, with its traceback; a client that goes away, or one connection too many, is not.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    sys.stdout.flush()
    # It answers signals itself: it lets requests end, then raises them again, and the command ends by them.
    uvicorn.Server(settings).run(sockets=[listener])


def _require_packages() -> None:
    """Raise `UserError` where the extra is not installed; imports nothing."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        expected = "serve: expected the packages of its extra (pip install 'hmexp[serve]')"
        raise UserError(f"{expected}, received an installation without {', '.join(missing)}")
