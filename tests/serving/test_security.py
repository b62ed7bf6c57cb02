"""Who is let in, and what every response says."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from hmexp.config.errors import UserError
from hmexp.config.serve import ServeConfig, is_loopback
from hmexp.serving.limits import BodyLimit, Deadline
from hmexp.serving.security import (
    COOKIE,
    HEADERS,
    KEY_VARIABLE,
    AllowedHosts,
    ApiKey,
    SecurityHeaders,
    allowed_hosts,
    read_key,
    session_of,
)

KEY = "correct-horse-battery-staple"


async def echo(request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def client(*middleware) -> TestClient:
    app = Starlette(routes=[Route(path, echo, methods=["GET", "POST"]) for path in ("/", "/classify", "/health/live")])
    for kind, settings in middleware:
        app.add_middleware(kind, **settings)
    return TestClient(app, base_url="http://127.0.0.1:8000")


def test_a_key_in_a_header_or_as_a_session():
    ask = client((ApiKey, {"key": KEY}))
    assert ask.get("/").status_code == 200
    assert ask.get("/health/live").status_code == 200
    refused = ask.get("/classify")
    assert refused.status_code == 401
    assert refused.json() == {"detail": "An API key is needed."}
    assert refused.headers["www-authenticate"] == "Bearer"
    for headers in (
        {"X-API-Key": KEY},
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"bearer  {KEY}"},
        {"Cookie": f"{COOKIE}={session_of(KEY)}"},
    ):
        assert ask.get("/classify", headers=headers).status_code == 200, headers
    for headers in (
        {"X-API-Key": KEY[:-1]},
        {"X-API-Key": ""},
        {"X-API-Key": "\u00e9".encode("latin-1")},
        {"Authorization": f"Basic {KEY}"},
        {"Cookie": f"{COOKIE}={KEY}"},
        {"Cookie": f"{COOKIE}={session_of(KEY + 'x')}"},
    ):
        assert ask.get("/classify", headers=headers).status_code == 401, headers
    assert ask.get("/classify", params={"api_key": KEY}).status_code == 401, "addresses are logged"


def test_without_a_key_everybody_is_let_in():
    assert client((ApiKey, {"key": ""})).get("/classify").status_code == 200


def test_every_response_has_the_headers():
    ask = client((ApiKey, {"key": KEY}), (SecurityHeaders, {}))
    for response in (ask.get("/"), ask.get("/classify"), ask.get("/nowhere", headers={"X-API-Key": KEY})):
        for name, value in HEADERS.items():
            assert response.headers[name] == value
        assert response.headers["cache-control"] == "no-store"
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:8000", 200),
        ("shop.example", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
def test_only_its_own_names_are_answered(host, status):
    hosts = allowed_hosts(ServeConfig(allowed_hosts=["shop.example"]))
    assert client((AllowedHosts, {"hosts": hosts})).get("/", headers={"Host": host}).status_code == status


def test_other_machines_may_call_it_anything():
    assert allowed_hosts(ServeConfig(host="0.0.0.0", allow_remote=True)) == []
    assert "a.example" in allowed_hosts(ServeConfig(host="0.0.0.0", allow_remote=True, allowed_hosts=["a.example"]))


def test_bodies_that_are_too_large_are_json_whether_they_say_so_or_not():
    ask = client((BodyLimit, {"max_bytes": 1000}))
    assert ask.post("/", content=b"x" * 1000).text == "1000"

    def chunks():
        for _ in range(100):
            yield b"x" * 100

    for refused in (
        ask.post("/", content=b"x" * 1001),
        ask.get("/", headers={"Content-Length": "9" * 30}),
        ask.post("/", content=b"", headers={"Content-Length": "1001"}),
    ):
        assert refused.status_code == 413
        assert refused.json()["detail"].startswith("The file is too large")
    assert ask.post("/", content=chunks()).status_code == 413


def test_a_request_that_takes_too_long_ends():
    import asyncio

    async def slow(request) -> PlainTextResponse:
        await asyncio.sleep(5)
        return PlainTextResponse("late")

    app = Starlette(routes=[Route("/", slow)])
    app.add_middleware(Deadline, seconds=0.05)
    ended = TestClient(app).get("/")
    assert ended.status_code == 503
    assert ended.headers["retry-after"] == "1"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "shop.example"])
def test_another_address_has_to_be_allowed_and_needs_a_key(host, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(UserError, match=r"^host: expected 127\.0\.0\.1, or another with allow_remote=true"):
        ServeConfig(host=host)
    config = ServeConfig(host=host, allow_remote=True)
    with pytest.raises(UserError, match="expected an API key for host="):
        read_key(config)
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(UserError, match="16 to 1024 printable ASCII characters, received 5 characters") as refused:
        read_key(config)
    assert "short" not in str(refused.value)
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    assert read_key(config) == KEY


def test_a_key_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, "another-key-of-the-environment")
    path = tmp_path / "key"
    with pytest.raises(UserError, match="api_key_file: expected a file with a key"):
        read_key(ServeConfig(api_key_file=str(path)))
    path.write_text("\n")
    with pytest.raises(UserError, match="api_key_file: expected a file whose first line is a key"):
        read_key(ServeConfig(api_key_file=str(path)))
    path.write_text(f"{KEY}\nsomething else\n")
    assert read_key(ServeConfig(api_key_file=str(path))) == KEY


def test_addresses_of_this_machine_alone():
    assert all(map(is_loopback, ("127.0.0.1", "127.3.2.1", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "localhost.example", "")))
