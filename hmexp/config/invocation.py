"""How a command was called."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path


@dataclass(frozen=True)
class Invocation:
    """One call of the command line, or of Python.

    Attributes:
        command: The line that repeats it.
        overrides: The words that Hydra composed.
        choices: Config group -> chosen option.
        job_dir: Folder that this run gets; None where it makes one of its own.
    """

    command: str
    overrides: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    job_dir: Path | None = None


@dataclass(frozen=True)
class SweepCommand:
    """The words of a sweep's command.

    Attributes:
        line: The line that repeats it.
        words: Its words, with those for Hydra.
        recalled: Words that a stored run (`rerun=`, `fork=`) put below them; jobs recall these on their own.
        verb: Of the command.
    """

    line: str
    words: tuple[str, ...]
    recalled: tuple[str, ...] = ()
    verb: str = "train"

    @property
    def flags(self) -> tuple[str, ...]:
        """Hydra's flags that its jobs need too."""
        return split_flags(self.words)[0]


CONFIG_DIR_FLAGS = ("--config-dir", "-cd")
MULTIRUN_FLAGS = ("-m", "--multirun")


def split_flags(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The flag `--config-dir` with its absolute folder, and the words that are no flags; other flags are left out."""
    folder: Path | None = None
    others: list[str] = []
    for before, word in pairwise(["", *words]):
        if before in CONFIG_DIR_FLAGS or word.startswith("--config-dir="):
            folder = Path(word.removeprefix("--config-dir=")).absolute()
        elif not word.startswith("-"):
            others.append(word)
    return (CONFIG_DIR_FLAGS[0], str(folder)) if folder else (), tuple(others)
