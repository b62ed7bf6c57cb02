"""The app: routes, pages, and what stands around them."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from hmexp.serving.api import about, articles, classify, recommend, similar
from hmexp.serving.limits import BodyLimit, Deadline, DrainedBody
from hmexp.serving.metrics import Measured
from hmexp.serving.problems import answer_problems
from hmexp.serving.security import HEADERS, AllowedHosts, ApiKey, SecurityHeaders, allowed_hosts
from hmexp.serving.service import Service

STATIC = Path(__file__).parent / "static"
PAGES = {"/": "index.html", "/docs": "docs.html", "/favicon.ico": "icon.svg"}
ABOUT = "Classes of pictures, similar articles and the catalogue, by the champion of the model registry."


def create_app(service: Service) -> FastAPI:
    """The app of a service.

    Args:
        service: What it serves; whoever made it closes it.
    """
    app = FastAPI(
        title="hmexp",
        version=version("hmexp"),
        description=ABOUT,
        docs_url=None,  # they would come from another site
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    for each in (classify, similar, articles, recommend, about):
        app.include_router(each.router)
    app.include_router(_pages())
    app.mount("/static", StaticFiles(directory=STATIC))
    answer_problems(app, HEADERS)
    # The last is the outermost.
    app.add_middleware(BodyLimit, max_bytes=service.config.max_bytes)
    app.add_middleware(Deadline, seconds=service.config.timeout)
    app.add_middleware(ApiKey, key=service.key)
    app.add_middleware(AllowedHosts, hosts=allowed_hosts(service.config))
    app.add_middleware(DrainedBody, max_bytes=service.config.max_bytes)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Measured, metrics=service.metrics)
    return app


def _pages() -> APIRouter:
    """The files that have addresses of their own."""
    router = APIRouter(include_in_schema=False)
    for address, file in PAGES.items():
        router.add_api_route(address, _sends(STATIC / file), methods=["GET", "HEAD"], response_class=FileResponse)
    return router


def _sends(file: Path) -> Callable[[], FileResponse]:
    """A route without parameters: an argument with a default would be one, for clients to choose."""
    return lambda: FileResponse(file)
