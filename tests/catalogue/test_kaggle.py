"""`fetch kaggle=true`, with a program in the place of Kaggle's client that says what it says (kaggle 2.2.5)."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_zips import catalogue_members, make_zip

from hmexp.catalogue.kaggle import SLUG
from hmexp.catalogue.kaggle_credentials import credentials_of
from hmexp.cli import main

pytestmark = pytest.mark.slow
TOKEN = "KGAT_0123456789abcdef"  # of no one
CLIENT = """#!{python}
import os, pathlib, sys, time
place = pathlib.Path(sys.argv[-1]) / "{slug}.zip"
pathlib.Path({calls!r}).open("a").write(" ".join(sys.argv[1:]) + "\\n")
def say(*words): print(*words, flush=True)
{program}
"""
WHOLE = """
say("Downloading {slug}.zip to", place.parent)
for part in range(3):
    sys.stderr.write(f"\\r {{part * 50}}%|####  | 1.2{{part}}G/33.5G [00:01<00:02, 99.0MB/s]"); sys.stderr.flush()
place.parent.mkdir(exist_ok=True, parents=True)
place.write_bytes(pathlib.Path({archive!r}).read_bytes())
"""
HALF = "data = pathlib.Path({archive!r}).read_bytes(); place.write_bytes(data[:len(data) // 2])\n"


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Puts a client first on the PATH; no credentials but those that a test sets."""
    archive = make_zip(tmp_path / "source.zip", catalogue_members(6))
    calls = tmp_path / "calls"
    (tmp_path / "bin").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "to").mkdir()
    for name in [name for name in os.environ if name.startswith("KAGGLE_")] + ["XDG_CONFIG_HOME"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def install(program: str) -> Path:
        text = program.format(archive=str(archive), slug=SLUG)
        path = tmp_path / "bin" / "kaggle"
        path.write_text(CLIENT.format(python=sys.executable, calls=str(calls), program=text, slug=SLUG))
        path.chmod(0o755)
        return calls

    return install


def fetch(tmp_path: Path) -> int:
    return main(["fetch", "kaggle=true", f"to={tmp_path / 'to'}"])


def test_the_archive_is_downloaded_and_what_comes_next_is_said(client, tmp_path, monkeypatch, capsys):
    calls = client(WHOLE)
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    assert fetch(tmp_path) == 0
    target = tmp_path / "to" / f"{SLUG}.zip"
    assert calls.read_text() == f"competitions download -c {SLUG} -p {tmp_path / 'to'}\n"
    said = capsys.readouterr().out
    assert f"next: hmexp data=hm data.root={target} " in said
    assert f"hmexp fetch zip={target} extracts" in said
    assert "with the credentials of KAGGLE_API_TOKEN" in said
    assert "33.5G" not in said, "a bar is for terminals"
    assert [path.name for path in (tmp_path / "to").iterdir()] == [target.name]
    assert fetch(tmp_path) == 0
    assert "is there already, and whole" in capsys.readouterr().out
    assert calls.read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            'say("403 Client Error: Forbidden for url: https://api.kaggle.com/v1"); sys.exit(1)',
            "accept the competition's",
        ),
        ('say("Authentication required to call the Kaggle API."); sys.exit(1)', "make a new token"),
        ('say("404 Client Error: Not Found for url"); sys.exit(1)', "pip install --upgrade kaggle"),
        ("raise ModuleNotFoundError(\"No module named 'six'\")", "pip install six"),
        ('say("OSError: [Errno 28] No space left on device"); sys.exit(1)', "a full disk"),
        (
            'say("ConnectionError: the line is dead"); sys.exit(1)',
            "of its client (ConnectionError: the line is dead)",
        ),
        ("sys.exit(3)", "received exit code 3 of its client;"),
        ("os.kill(os.getpid(), 9)", "received exit code -9 of its client;"),
        (HALF + 'say("User cancelled operation")', "exit code 0 of its client (User cancelled operation)"),
        ("pass", "received exit code 0 of its client;"),
    ],
)
def test_what_the_client_says_is_explained(program, said, client, tmp_path, monkeypatch, capsys):
    client(program)
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    assert fetch(tmp_path) == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hmexp: error: ")]
    assert said in line
    assert f"this goes on: hmexp fetch kaggle=true to={tmp_path / 'to'}" in line


def test_a_download_that_stopped_goes_on(client, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    client(HALF)
    assert fetch(tmp_path) == 1
    assert "kB are there; this goes on" in capsys.readouterr().err
    half = (tmp_path / "to" / f"{SLUG}.zip").stat().st_size
    calls = client(f"assert place.stat().st_size == {half}\n{WHOLE}")
    assert fetch(tmp_path) == 0
    assert "unzip" not in calls.read_text()
    assert "force" not in calls.read_text()


def test_without_a_client_every_step_is_explained(client, tmp_path, capsys):
    assert fetch(tmp_path) == 2
    said = capsys.readouterr()
    assert "kaggle: expected Kaggle's client on the PATH, received none" in said.err
    for step in ("account", f"{SLUG}/rules", "pip install kaggle six", "KAGGLE_API_TOKEN", "hmexp fetch zip=FILE"):
        assert step in said.out
    assert not list((tmp_path / "to").iterdir())


def test_without_credentials_nothing_is_called(client, tmp_path, monkeypatch, capsys):
    calls = client(WHOLE)
    monkeypatch.setenv("KAGGLE_KEY", TOKEN)
    (tmp_path / "home" / ".kaggle").mkdir()
    (tmp_path / "home" / ".kaggle" / "kaggle.json").write_text('{"username": "me", "key": ')
    assert fetch(tmp_path) == 2
    said = capsys.readouterr()
    assert "kaggle: expected credentials of Kaggle, received none" in said.err
    assert "KAGGLE_USERNAME and KAGGLE_KEY lacks KAGGLE_USERNAME" in said.out
    assert "kaggle.json lacks username, key" in said.out
    assert "~/.kaggle/access_token" in said.out
    assert TOKEN not in said.out + said.err
    assert not calls.exists()


def in_file(name: str, text: str):
    def put(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)

    return put


def in_variables(**variables: str):
    return lambda home, monkeypatch: [monkeypatch.setenv(name, value) for name, value in variables.items()]


def in_named_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(home / "token"))


LOGIN = {"username": "me", "refresh_token": TOKEN, "access_token": "another-one"}
PLACES = {
    "token": in_variables(KAGGLE_API_TOKEN=TOKEN),
    "named_file": in_named_file,
    "pair": in_variables(KAGGLE_USERNAME="me", KAGGLE_KEY=TOKEN),
    "access_token": in_file(".kaggle/access_token", f"{TOKEN}\n"),
    "windows": in_file(".kaggle/access_token.txt", f"{TOKEN}\r\n"),
    "kaggle_json": in_file(".kaggle/kaggle.json", json.dumps({"username": "me", "key": TOKEN})),
    "xdg": in_file(".config/kaggle/kaggle.json", json.dumps({"username": "me", "key": TOKEN})),
    "login": in_file(".kaggle/credentials.json", json.dumps(LOGIN)),
}


@pytest.mark.parametrize("place", PLACES)
def test_no_credential_is_ever_shown(place, client, tmp_path, monkeypatch, capsys):
    PLACES[place](tmp_path / "home", monkeypatch)
    client(
        f"""
say("using {TOKEN}!", "{{{{'key': '{TOKEN}'}}}}")
sys.stderr.write("{TOKEN[:9]}"); sys.stderr.flush(); time.sleep(0.1); sys.stderr.write("{TOKEN[9:]}\\n")
say("Connection error: url: /archive.zip?X-Goog-Signature=5164a7&GoogleAccessId=web (Caused by ...)")
say("proxy http://me:hunter2@proxy:8080/ and Authorization: Bearer {TOKEN}")
sys.exit("last word {TOKEN}")
"""
    )
    assert fetch(tmp_path) == 1
    said = capsys.readouterr()
    everything = said.out + said.err
    assert "using ***!" in everything
    assert "(last word ***)" in said.err
    for secret in (TOKEN, TOKEN[9:], "5164a7", "hunter2"):
        assert secret not in everything


def test_another_folder_of_settings_hides_the_usual_one(tmp_path):
    in_file(".kaggle/kaggle.json", json.dumps({"username": "me", "key": TOKEN}))(tmp_path, pytest.MonkeyPatch())
    assert credentials_of({}, tmp_path).places == (str(tmp_path / ".kaggle" / "kaggle.json"),)
    assert credentials_of({"KAGGLE_CONFIG_DIR": str(tmp_path / "other")}, tmp_path).places == ()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"username": 1, "key": null}', "null", "\0"])
def test_files_that_are_no_credentials_are_none(text, tmp_path):
    in_file(".kaggle/kaggle.json", text)(tmp_path, pytest.MonkeyPatch())
    found = credentials_of({}, tmp_path)
    assert found.places == ()
    assert len(found.flaws) == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_client_ends_with_the_command_or_keeps_its_folder(number, client, tmp_path, monkeypatch, capsys):
    pid = tmp_path / "pid"
    client(f"pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(60)")
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    words = [sys.executable, "-m", "hmexp", "fetch", "kaggle=true", f"to={tmp_path / 'to'}"]
    begun = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    while not (pid.exists() and pid.read_text()) and begun.poll() is None:
        time.sleep(0.01)
    begun.send_signal(number)
    said = begun.communicate(timeout=30)[1]
    client(WHOLE)
    if number == signal.SIGKILL:
        assert fetch(tmp_path) == 2, "the client still writes"
        assert "no other command writes to" in capsys.readouterr().err
        os.kill(int(pid.read_text()), signal.SIGKILL)
        time.sleep(0.2)
    else:
        assert begun.returncode == 130
        assert "this goes on: python -m hmexp fetch kaggle=true" in said
    assert fetch(tmp_path) == 0
