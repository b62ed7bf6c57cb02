"""The process of one command in the tests; in a module of its own, so that it can be found from another process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path


@dataclass(frozen=True)
class Started:
    """A command that runs.

    Attributes:
        words: Behind `hmexp`.
        process: A fork.
        output: Has the files `stdout` and `stderr`.
    """

    words: Sequence[str]
    process: ForkServerProcess
    output: Path

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.exitcode is None

    def reach(self, condition: Callable[[], object]) -> None:
        """Wait until something is so, for two minutes at most, or the command has ended."""
        deadline = time.monotonic() + 120
        while self.runs and not condition() and time.monotonic() < deadline:
            time.sleep(0.01)

    def ended_by(self, number: int) -> subprocess.CompletedProcess[str]:
        """Send a signal, where it has not ended by itself, and wait for its end."""
        if self.runs:
            os.kill(self.process.pid, number)
        return self.ended(seconds=60)

    def ended(self, seconds: float | None = None) -> subprocess.CompletedProcess[str]:
        """Wait for its end, so many seconds at most; the exit code is negative for a signal."""
        self.process.join(seconds)
        assert not self.runs, f"{self.words} has not ended"
        said = ((self.output / name).read_text() for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(self.words, self.process.exitcode, *said)


def run_command(
    words: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    output: Path,
    main: Callable[[list[str]], object] | None = None,
) -> None:
    """Run `hmexp WORDS`, or `main(WORDS)`, and exit as it does; `output` gets the files `stdout` and `stderr`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    for descriptor, name in enumerate(("stdout", "stderr"), start=1):
        os.dup2(os.open(output / name, os.O_WRONLY | os.O_CREAT), descriptor)
    from hmexp import cli
    from hmexp.compat.python import end_interpreter
    from hmexp.console import console

    console.width = int(env["COLUMNS"])  # it was made when the server imported it
    try:
        sys.exit((main or cli.main)(list(words)))
    finally:
        end_interpreter()
