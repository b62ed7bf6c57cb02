"""The tutorial, from its first command to its last."""

import json
import re
import shlex
import signal
import socket
import urllib.request
from pathlib import Path

import pytest
from test_documents import ALL

pytestmark = pytest.mark.slow
TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
SAYS = {
    "promote": "version 1 is the champion now",
    "runs": "2 runs by best/val/macro_f1",
    "promote guard=small": "version 2 is the champion now",
    "promote history=true": "better by the guards",
    "predict data=sample": "labelled articles are predicted as their label",
    "similar article_id=0175740001 k=6 exclude_variants=true": "like 0175740001",
    "recommend": "synthetic: generated purchases",
}
"""What is said by commands; trainings say more than a line."""


def quick(command: str) -> str:
    """A command on smaller pictures or with fewer trees, so that it takes seconds; HMEXP_DOCUMENTS=all leaves it."""
    if ALL:
        return command
    few = "recommend windows.train=2 ranker.trees=20 candidates.popular=20 ranker.customers=1000"
    return command.replace("data.image_size=64", "data.image_size=16").replace("recommend", few)


def commands() -> list[str]:
    """What the tutorial types behind `hmexp`."""
    blocks = re.findall(r"```bash\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("hmexp ") for line in lines if line.startswith("hmexp ")]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def health_of(port: int) -> dict[str, str] | None:
    """What a server on this machine says of itself, as soon as it answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
            return json.load(answer)
    except OSError:
        return None


def test_each_command_does_what_the_tutorial_says(hmexp, start_in, tmp_path):
    for module in ("polars", "lightgbm", "fastapi", "uvicorn"):
        pytest.importorskip(module)
    typed = commands()
    assert set(SAYS) < set(typed)
    assert typed[-1] == "serve"
    for command in typed[:-1]:
        said = " ".join(hmexp(*shlex.split(quick(command))).stdout.split())
        assert SAYS.get(command, "best epoch") in said
    for file in ("predictions.parquet", "similar.png", "recommendations/submission.csv"):
        assert (tmp_path / file).is_file()
    port = free_port()
    server = start_in("serve", f"port={port}", "browser=false", cwd=tmp_path)
    try:
        server.reach(lambda: health_of(port))
        health = health_of(port)
    finally:
        ended = server.ended_by(signal.SIGINT)
    assert health is not None, ended.stdout + ended.stderr
    assert health["model"] == "hmexp-sample version 2"
