"""`runner=ray` where there is no Ray, or no cluster: one line, nothing written."""

import socket
import sys

import pytest

from hmexp.cli import main

COMMANDS = (["stage", "runner=ray"], ["predict", "runner=ray", "data=sample"])


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HMEXP_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_without_ray(words, monkeypatch, capfd, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)  # as Python has it for what cannot be imported
    assert main(words) == 2
    line = "hmexp: error: runner: expected an installed library, received ray (pip install 'hmexp[ray]')\n"
    assert capfd.readouterr().err == line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["{free}", "ray://{free}", "nonsense", "127.0.0.1:70000"])
def test_without_a_cluster(address, monkeypatch, capfd, tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and does not listen
        given = address.format(free=f"127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("RAY_ADDRESS", given)
        assert main(["stage", "runner=ray"]) == 2
    err = capfd.readouterr().err
    expected = "HOST:PORT or ray://HOST:PORT of a Ray cluster, auto, or nothing for a new one"
    assert err.startswith(f"hmexp: error: RAY_ADDRESS: expected {expected}, received {given} (")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_another_runner(capfd):
    assert main(["stage", "runner=rey"]) == 2
    assert "runner: expected one of local, ray, received rey (did you mean ray?)" in capfd.readouterr().err
