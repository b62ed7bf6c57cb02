"""Who is let in, and what browsers are told to keep to."""

import hashlib
import hmac
import os
from collections.abc import Sequence
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hmexp.config.errors import UserError, require
from hmexp.config.serve import ServeConfig, is_loopback
from hmexp.serving.problems import answer

KEY_VARIABLE = "HMEXP_API_KEY"
LEAST_KEY, LONGEST_KEY = 16, 1024
COOKIE = "hmexp_session"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
OPEN = ("/", "/docs", "/favicon.ico", "/health", "/health/live", "/health/ready", "/session")
"""Addresses that need no key: the page itself, which then asks for it, and what tells that the server lives."""
OPEN_BELOW = "/static/"


def read_key(config: ServeConfig) -> str:
    """The API key; empty where none is asked for.

    Raises:
        UserError: A file that is not there, a key that is too short, or none where other machines are let in.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if config.api_key_file is not None:
        path = Path(config.api_key_file).expanduser()
        try:
            with path.open(encoding="utf-8") as stream:
                key = stream.readline(LONGEST_KEY + 2).strip()
        except (OSError, UnicodeDecodeError):
            raise UserError(f"api_key_file: expected a file with a key, received {path}") from None
        require(bool(key), "api_key_file", "a file whose first line is a key", f"{path}, whose first is empty")
    name = "api_key_file" if config.api_key_file is not None else KEY_VARIABLE
    fits = not key or (LEAST_KEY <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable())
    require(fits, name, f"{LEAST_KEY} to {LONGEST_KEY} printable ASCII characters", f"{len(key)} characters")
    if not key and not is_loopback(config.host):
        raise UserError(f"api_key_file: expected an API key for host={config.host}, received none ({KEY_VARIABLE})")
    return key


class SecurityHeaders:
    """Adds the headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app."""

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                # The page's files are asked for again by what they were; answers are not kept.
                headers.setdefault("Cache-Control", "no-cache" if "etag" in headers else "no-store")
            await send(message)

        await self.app(scope, receive, send_with)


class AllowedHosts:
    """Refuses names that this server is not known by: a page of another site, whose name was pointed here.

    Args:
        app: What is asked.
        hosts: Names without ports; none lets every name in, where there is a key.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self.hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, or refuse."""
        if scope["type"] == "http" and self.hosts and host_of(Headers(scope=scope).get("host", "")) not in self.hosts:
            detail = "This server is not known by that name (allowed_hosts=[NAME])."
            await answer(421, detail)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def host_of(header: str) -> str:
    """The name in a Host header, without the port."""
    name = header.strip().lower()
    return name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]


def allowed_hosts(config: ServeConfig) -> list[str]:
    """The names that a server is known by; none where other machines, whatever they call it, are let in by key."""
    if not is_loopback(config.host) and not config.allowed_hosts:
        return []
    return ["localhost", "127.0.0.1", "::1", config.host, *config.allowed_hosts]


class ApiKey:
    """Lets in whoever has the key: in `X-API-Key`, as a bearer token, or by the cookie that `/session` gives.

    Args:
        app: What is asked.
        key: The key; empty lets everybody in.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app = app
        self.key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, or refuse."""
        if scope["type"] == "http" and self.key and not is_open(scope["path"]):
            connection = HTTPConnection(scope)
            if not (has_key(connection, self.key) or has_session(connection, self.key)):
                challenge = {"WWW-Authenticate": "Bearer"}
                await answer(401, "An API key is needed.", challenge)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def is_open(path: str) -> bool:
    """Whether an address needs no key."""
    return path in OPEN or path.startswith(OPEN_BELOW)


def has_key(connection: HTTPConnection, key: str) -> bool:
    """Whether a request brings the key in its headers; takes as long whatever it brings."""
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if kind.lower() == "bearer" else ""
    return same(connection.headers.get("x-api-key") or bearer, key)


def has_session(connection: HTTPConnection, key: str) -> bool:
    """Whether a request brings the cookie of a session."""
    return same(connection.cookies.get(COOKIE, ""), session_of(key))


def session_of(key: str) -> str:
    """The cookie of a session: what only this key gives, and what gives the key to nobody."""
    return hmac.new(key.encode(), b"hmexp session", hashlib.sha256).hexdigest()


def same(given: str, wanted: str) -> bool:
    """Whether two texts are the same, compared in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
