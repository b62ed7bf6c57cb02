"""How a command was called."""

from dataclasses import dataclass
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
    """

    line: str
    words: tuple[str, ...]
    recalled: frozenset[str] = frozenset()

    @property
    def flags(self) -> tuple[str, ...]:
        """Hydra's flags that its jobs need too."""
        found: list[str] = []
        for word, following in zip(self.words, (*self.words[1:], ""), strict=True):
            if word in CONFIG_DIR_FLAGS:
                found += [word, following]
            elif word.startswith("--config-dir="):
                found.append(word)
        return tuple(found)


CONFIG_DIR_FLAGS = ("--config-dir", "-cd")
MULTIRUN_FLAGS = ("-m", "--multirun")
