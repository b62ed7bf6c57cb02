"""A training as a terminal of 60 columns has it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

pytestmark = pytest.mark.slow
COLUMNS = 60
STYLE = re.compile(r"\x1b\[[\d;]*m")
CODE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")
BAR = re.compile(r"^(?:starting|epoch 1/1|evaluating val|figures of test) +[━╸╺]+")


@pytest.fixture(scope="module")
def shown(cache, tmp_path_factory) -> str:
    """All that a training writes to the terminal, without colours."""
    ours, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    words = ["model=cnn", "model.widths=[4]", "data.image_size=16", "trainer.epochs=1", "tracking=none"]
    unset = ("COLUMNS", "LINES", "TF_CPP_MIN_LOG_LEVEL")
    env = {name: value for name, value in os.environ.items() if name not in unset}
    env |= {"HMEXP_CACHE": str(cache), "TERM": "xterm-256color", "NO_COLOR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "hmexp", *words],
        cwd=tmp_path_factory.mktemp("terminal"),
        env=env,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    written = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # nobody writes any more
            break
        written += block
    os.close(ours)
    assert process.wait() == 0, written.decode()
    return written.decode()


def test_bars_are_whole_lines_that_go(shown):
    drawn = [CODE.sub("", line) for line in re.split(r"[\r\n]+", shown)]
    bars = [line for line in drawn if "━" in line and BAR.match(line)]
    assert {BAR.match(bar)[0].rstrip("━╸╺ ") for bar in bars} >= {"starting", "epoch 1/1", "evaluating val"}
    assert all(cell_len(bar) < COLUMNS for bar in bars)
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h"), "the cursor is there again"


def test_no_colour_and_no_noise(shown):
    assert not STYLE.search(shown)
    for noise in ("oneDNN", "absl", "cuda", "WARNING", "INFO", "Warning"):
        assert noise not in shown


def test_lines_fit_and_what_is_copied_is_whole(shown):
    lines = [CODE.sub("", line.rpartition("\r")[2]) for line in shown.replace("\r\n", "\n").split("\n")]
    (folder,) = [line for line in lines if line.startswith("goes to ")]
    (again,) = [line for line in lines if line.startswith("repeat ")]
    assert Path(folder.removeprefix("goes to").strip()).is_dir()
    assert again.endswith("trainer.epochs=1 tracking=none")
    long = [line for line in lines if cell_len(line) > COLUMNS]
    assert all(line.startswith(("goes to ", "folder ", "repeat ")) for line in long), long
