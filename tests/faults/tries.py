"""A command in a process of its own and in its own folder: how it ended, what it said, and what it left behind."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path

from forked import run_command

BEGINS = 77
"""Exit code of a command that was stopped where its work would have begun."""
WRITES = ("hydra.output_subdir=", "hydra/job_logging=", "hydra/hydra_logging=")
"""Words that let Hydra write before hmexp is called."""


@dataclass(frozen=True)
class Tried:
    """What became of a command.

    Attributes:
        code: Exit code; negative for a signal, None where it had to be ended.
        stdout: What it printed.
        stderr: What it said.
        written: Paths in its folder that are new, changed or gone.
        began: Whether it has begun a run or a sweep.
        asked: Whether its words tell Hydra itself to write.
        seconds: That it took.
    """

    code: int | None
    stdout: str
    stderr: str
    written: tuple[str, ...]
    began: bool
    asked: bool
    seconds: float

    def faults(self) -> list[str]:
        """What should not have been."""
        said = self.stdout + self.stderr
        wrong = [] if self.code in (0, 1, 2, BEGINS) else [f"exit {self.code}"]
        wrong += ["exit 1, and no run began"] if self.code == 1 and not self.began else []
        wrong += ["a traceback"] if "Traceback (most recent call last)" in said else []
        if self.code == 2:
            lines = [line for line in self.stderr.splitlines() if line.startswith("hmexp: error: ")]
            wrong += [f"{len(lines)} lines of errors"] if len(lines) != 1 else []
            wrong += [f"written: {self.written}"] if self.written and not self.asked else []
        wrong += [f"left: {name}" for name in self.written if name.split("/")[0] in ("multirun", "outputs")]
        return wrong


def run_try(words: Sequence[str], cwd: Path, env: Mapping[str, str], output: Path, stops: bool) -> None:
    """Run `hmexp WORDS` in this process.

    With `stops` it ends where it would read or draw pictures, try packages, or serve a page. All that can be refused is
    refused before that; nothing of the checks is replaced.
    """
    os.setsid()
    if stops:
        from hmexp.datamodule import DataModule
        from hmexp.doctor import packages

        packages.imports = _stop  # type: ignore[assignment]
        DataModule.prepare = _stop  # type: ignore[method-assign, assignment]
        os.execve = _stop  # type: ignore[assignment]
    run_command(words, cwd, env, output)


def _stop(*arguments: object, **keywords: object) -> None:
    os._exit(BEGINS)


def attempt(
    server: ForkServerContext, words: Sequence[str], cwd: Path, output: Path, cache: Path, stops: bool, limit: float
) -> Tried:
    """Run a command in a folder, for `limit` seconds at most; `output` is an empty folder for what it says."""
    env = os.environ | {"HMEXP_CACHE": str(cache), "COLUMNS": "120"}
    before, begun = _files(cwd), time.monotonic()
    process = server.Process(target=run_try, args=(words, cwd, env, output, stops))
    process.start()
    process.join(limit)
    code, seconds = process.exitcode, time.monotonic() - begun
    with suppress(ProcessLookupError):  # its own processes too, such as those of a sweep
        os.killpg(process.pid, signal.SIGKILL)
    process.join()
    after = _files(cwd)
    written = tuple(sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path)))
    began = any(cwd.glob("mlruns/jobs/*/run.json")) or any(cwd.glob("mlruns/sweeps/*/sweep.db"))
    said = ((output / name).read_text(errors="replace") for name in ("stdout", "stderr"))
    asked = any(word.lstrip("+").startswith(WRITES) for word in words)
    return Tried(code, *said, written, began, asked, seconds)


def _files(folder: Path) -> dict[str, int]:
    """Every path below a folder, with its bytes."""
    return {path.relative_to(folder).as_posix(): path.lstat().st_size for path in folder.rglob("*")}
