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
        sweep_dir: Folder that a sweep gave to this job; None outside a sweep.
    """

    command: str
    overrides: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    sweep_dir: Path | None = None
