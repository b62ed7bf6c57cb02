"""`serve` as a command: what it refuses in a line, how it begins and how it ends."""

import signal
import socket

import httpx2
import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "paths.root: expected a folder with recorded runs"),
        (("host=0.0.0.0",), "host: expected 127.0.0.1, or another with allow_remote=true and an API key"),
        (("host=0.0.0.0", "allow_remote=true"), "api_key_file: expected an API key for host=0.0.0.0, received none"),
        (("engine=onxx",), "engine: expected one of keras, onnx, received onxx (did you mean onnx?)"),
        (("engine=onnx", "backend=jax"), "backend: expected tensorflow beside engine=onnx"),
        (("port=70000",), "port: expected a whole number from 0 to 65535, received 70000"),
        (("max_bytes=1",), "max_bytes: expected a whole number from 1000 to 1000000000, received 1"),
    ],
)
def test_what_is_wrong_is_one_line(hmexp, tmp_path, words, line):
    refused = hmexp("serve", *words, code=2)
    assert refused.stderr.startswith(f"hmexp: error: {line}"), refused.stderr
    assert refused.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_without_a_champion_it_says_what_to_do(hmexp, hmexp_in, registered, tmp_path):
    refused = hmexp("serve", f"paths.root={registered}", "tracking.model_name=nothing", code=2)
    assert "received champion" in refused.stderr
    assert refused.stderr.count("\n") == 1
    no_catalogue = hmexp("serve", f"paths.root={registered}", code=2)
    assert no_catalogue.stderr.startswith("hmexp: error: data: expected a catalogue (data=hm data.root=...)")
    missing = hmexp("serve", f"paths.root={registered}", "data=hm", "data.root=nowhere", code=2)
    assert missing.stderr.startswith("hmexp: error: data.root: expected")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_it_answers_until_a_signal_ends_it(hmexp, start_in, registered, shop, picture, tmp_path, monkeypatch):
    port = free_port()
    words = [f"paths.root={registered}", "data=hm", f"data.root={shop}", "data/merge=none", f"port={port}"]
    key = "the-key-of-this-test-0123456789"
    monkeypatch.setenv("HMEXP_API_KEY", key)
    server, address = start_in("serve", *words, cwd=tmp_path), f"http://127.0.0.1:{port}"
    try:
        server.reach(lambda: _answers(address))
        assert server.runs, server.ended()
        files = {"picture": ("a.jpg", picture, "image/jpeg")}
        assert httpx2.post(f"{address}/classify", files=files).status_code == 401
        large = httpx2.post(f"{address}/classify", content=bytes(9_000_000))
        assert large.status_code == 401, "what was not read would reset the connection"
        head = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'
        chunks = (head if number == 0 else bytes(500_000) for number in range(30))
        form = {"X-API-Key": key, "Content-Type": "multipart/form-data; boundary=x"}
        for body in (bytes(15_000_000), chunks):
            refused = httpx2.post(f"{address}/classify", content=body, headers=form)
            assert (refused.status_code, list(refused.json())) == (413, ["detail"])
        found = httpx2.post(f"{address}/classify", files=files, headers={"X-API-Key": key})
        assert found.json()["model"] == "hmexp-sample version 1"
        assert httpx2.get(f"{address}/health").headers.get("server") is None
        taken = hmexp("serve", *words, code=2)
        assert f"port: expected a free port, received {port}" in taken.stderr
    finally:
        ended = server.ended_by(signal.SIGTERM)
    text = ended.stdout + ended.stderr
    assert ended.returncode == 130, text
    assert text.rstrip().endswith(f"interrupted; this goes on: python -m hmexp serve {' '.join(words)}")
    assert f"serving at {address}/" in text
    assert key not in text
    assert "Traceback" not in text


def _answers(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/health/live").status_code == 204
    except httpx2.HTTPError:
        return False
