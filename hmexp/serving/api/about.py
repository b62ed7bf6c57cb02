"""The server itself: the model that answers, its health, its figures, and the session of a browser."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from starlette.exceptions import HTTPException

from hmexp.serving.answers import ChampionCard, Health
from hmexp.serving.api.shared import Served
from hmexp.serving.metrics import MEDIA_TYPE
from hmexp.serving.problems import answer, problems
from hmexp.serving.security import COOKIE, same, session_of

router = APIRouter(tags=["server"])


@router.get("/champion")
def champion(service: Served) -> ChampionCard:
    """The card of the model that answers: version, data, metrics, and how it was promoted."""
    model = service.model
    card = model.classifier.card
    return ChampionCard(
        name=model.name,
        version=model.bundle.version,
        run_id=model.bundle.run_id,
        engine=service.config.engine,
        classes=card.classes,
        image_size=card.image_size,
        resize=card.resize,
        temperature=card.temperature,
        metrics=card.metrics,
        data_digest=card.data_digest,
        sha256=card.sha256,
        versions=card.versions,
        promotion=service.promotions.of(model.bundle.version),
    )


@router.get("/health", responses=problems(503))
async def health(service: Served) -> Health:
    """Whether the server lives, and what it is ready for; 200 also while similar articles are prepared."""
    busy = service.workers.pending >= service.workers.max_pending
    return Health(status="busy" if busy else "ok", model=service.model.name, similar=service.similar_state)


@router.get("/health/live", status_code=204)
async def live() -> None:
    """The process answers."""


@router.get("/health/ready", status_code=204, responses=problems(503))
async def ready(service: Served) -> Response:
    """Pictures are taken; 503 while the queue is full."""
    if service.workers.pending >= service.workers.max_pending:
        return answer(503, "The queue is full.", {"Retry-After": "1"})
    return Response(status_code=204)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(service: Served) -> Response:
    """The figures of the server, for Prometheus."""
    return Response(service.metrics.text(), media_type=MEDIA_TYPE)


@router.post("/session", status_code=204, responses=problems(401, 422))
async def session(service: Served, x_api_key: Annotated[str, Header(max_length=1024)] = "") -> Response:
    """Trade the API key for a cookie, which lets a browser show pictures; 204 where no key is needed, too."""
    if service.key and not same(x_api_key, service.key):
        raise HTTPException(401, "This API key is not right.")
    response = Response(status_code=204)
    if service.key:
        response.set_cookie(COOKIE, session_of(service.key), httponly=True, samesite="strict", path="/")
    return response
