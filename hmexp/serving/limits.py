"""What a request may take: bytes and seconds."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hmexp.serving.problems import BUSY, RETRY_AFTER, answer

DRAIN_SECONDS = 5.0
"""That a refused upload has to end."""


class _Body:
    """A request's body on its way in.

    Attributes:
        whole: Whether all of it has come.
        length: Bytes that have come.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.whole = False
        self.length = 0

    async def __call__(self) -> Message:
        """The next part."""
        message = await self._receive()
        self.whole = self.whole or not message.get("more_body", False)
        self.length += len(message.get("body", b""))
        return message


class BodyLimit:
    """Refuses bodies that are too large, by what they say of themselves or once they are.

    FastAPI's own limit answers some of them in plain text (0.165).

    Args:
        app: What is asked.
        max_bytes: Of a body at most.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.detail = f"The file is too large; {max_bytes / 1e6:.3g} MB are the most."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, or refuse."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if (declared.isdecimal() and len(declared) < 20 and int(declared) > self.max_bytes) or len(declared) >= 20:
            await answer(413, self.detail)(scope, receive, send)
            return
        body = _Body(receive)

        async def receive_some() -> Message:
            message = await body()
            if body.length > self.max_bytes:
                raise HTTPException(413, self.detail)
            return message

        await self.app(scope, receive_some, send)


class Deadline:
    """Ends requests that take too long, their upload included.

    Args:
        app: What is asked.
        seconds: That a request may take.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app; answer 408 where the upload is not whole in time, and 503 where the answer is not there."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, started = _Body(receive), False

        async def send_some(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(self.seconds):
                await self.app(scope, body, send_some)
        except TimeoutError:
            if started:
                raise
            uploading = not body.whole and scope["method"] == "POST"
            refusal = answer(408, "The upload took too long.") if uploading else answer(503, BUSY, RETRY_AFTER)
            await refusal(scope, receive, send)


class DrainedBody:
    """Reads what an upload that was refused early has left, within bounds, before the answer goes out.

    A connection that is closed on bytes which nobody read is reset, and most clients then never see the answer.

    Args:
        app: What is asked.
        max_bytes: That are read at most.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self.app(scope, receive, send)
            return
        body = _Body(receive)

        async def send_some(message: Message) -> None:
            if message["type"] == "http.response.start":
                most = body.length + self.max_bytes
                with suppress(TimeoutError):
                    async with asyncio.timeout(DRAIN_SECONDS):
                        while not body.whole and body.length < most:
                            await body()
            await send(message)

        await self.app(scope, body, send_some)
