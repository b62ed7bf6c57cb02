"""A service without the command around it, and what serves it at a port."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def config_of(shop: Path, root: Path, cache: Path, **keys):
    """The configuration that the command would have."""
    from hmexp.config.compose import compose_words
    from hmexp.config.schemas import to_config
    from hmexp.config.serve import ServeConfig

    words = [f"paths.root={root}", f"paths.cache={cache}", "data=hm", f"data.root={shop}", "data/merge=none"]
    words.append(f"recommendations={cache}/recommendations")
    words += [f"{key}={value}" for key, value in ({"port": 0, "poll": 0.2} | keys).items()]
    return to_config(compose_words(words, "serve").tree, ServeConfig)


@contextmanager
def running(config, key: str = "", embedded: bool = True) -> Iterator[object]:
    """A service of the champion; its similar articles are ready where the catalogue is embedded before."""
    from hmexp.inference.articles import catalogue_articles
    from hmexp.models.bundle import read_card
    from hmexp.recommend.embed import Source, embeddings_of
    from hmexp.runner.backend import start_inference
    from hmexp.tracking.bundles import find_bundle

    start_inference("tensorflow", "cpu")
    from hmexp.serving.start import started

    bundle = find_bundle(config.run, config.tracking, config.paths)
    articles = catalogue_articles(config.data, config.paths, columns=None)
    if embedded:
        embeddings_of(Source(bundle, read_card(bundle.folder), articles), config.features_config)
    with started(config, bundle, articles, key) as service:
        if embedded:
            wait_until(lambda: service.similar_state == "ready")
        yield service


@contextmanager
def listening(service) -> Iterator[str]:
    """The service at a port of this machine; gives its address."""
    import uvicorn

    from hmexp.runner.listener import listen
    from hmexp.serving.app import create_app

    with listen(service.config.host, service.config.port) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(service), log_config=None, access_log=False, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


def wait_until(condition, seconds: float = 60) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
