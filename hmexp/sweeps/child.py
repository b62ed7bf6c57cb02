"""The process of one job: an ordinary hmexp command that ends when the sweep's own process is gone."""

import multiprocessing
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hmexp.compat.python import end_interpreter

GRACE = 60.0
"""Seconds that a job without a parent has to save."""


def run_job(words: Sequence[str], cwd: Path, output: Path, environment: Mapping[str, str]) -> None:
    """Run `hmexp WORDS` in this process, which is new, and exit as the command does.

    Args:
        words: Behind `hmexp`.
        cwd: Current folder of the command.
        output: File that takes what the process writes.
        environment: Variables of this job's own.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # In a session of its own, so that the whole of it can be ended, and Ctrl-C reaches the sweep alone; last, because
    # the sweep signals the group, and what it signals has to be heard.
    os.setsid()
    os.chdir(cwd)
    os.environ.update(environment)
    with output.open("ab") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = ["hmexp", *words]
    try:
        runpy.run_module("hmexp", run_name="__main__", alter_sys=False)
    finally:
        end_interpreter()


def _end_with_parent() -> None:
    """Save and end once the sweep is gone, so that a resumed one finds no job still running."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)
