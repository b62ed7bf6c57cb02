"""What goes wrong, as JSON: a sentence for whoever asked, and nothing of the inside."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from hmexp.serving.answers import Problem
from hmexp.serving.batcher import QueueFull
from hmexp.serving.uploads import RefusedPicture

BUSY = "The server is busy; try again in a moment."
RETRY_AFTER = {"Retry-After": "1"}
SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take such a request.",
    413: "The request is too large.",
}


def answer(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A problem as a response."""
    return JSONResponse({"detail": detail}, status, headers)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the statuses that a route may answer beside 200."""
    texts = {
        400: "The request is no HTTP form.",
        401: "The API key is missing or wrong.",
        404: "There is no such article, class, customer or table.",
        408: "The upload took too long.",
        413: "The file, or the picture, is too large.",
        415: "No JPEG, PNG or WebP, or an animation.",
        422: "A parameter that is not understood, or a damaged picture.",
        503: "The server is busy, or not ready for this; Retry-After says when to try again.",
    }
    return {status: {"model": Problem, "description": texts[status]} for status in statuses}


def answer_problems(app: FastAPI, headers: Mapping[str, str]) -> None:
    """Let every error of an app be a `Problem`.

    Args:
        app: The app.
        headers: That a response from outside of its middleware has to bring along.
    """

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> JSONResponse:
        detail = str(error.detail)
        plain = detail in ("", "Not Found", "Method Not Allowed")
        return answer(error.status_code, SENTENCES.get(error.status_code, detail) if plain else detail, error.headers)

    @app.exception_handler(RequestValidationError)
    async def of_parameters(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first.get("loc", ())[1:])
        return answer(422, f"{place or 'request'}: {first.get('msg', 'not understood')}")

    @app.exception_handler(RefusedPicture)
    async def of_picture(request: Request, error: RefusedPicture) -> JSONResponse:
        return answer(error.status, error.detail)

    @app.exception_handler(QueueFull)
    async def of_queue(request: Request, error: QueueFull) -> JSONResponse:
        return answer(503, BUSY, RETRY_AFTER)

    @app.exception_handler(Exception)
    async def of_bug(request: Request, error: Exception) -> JSONResponse:
        return answer(500, "Something went wrong; the server's log has more.", headers)
