"""What one job is started with, and how launchers other than `process` get it: in batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hydra.core.utils import JobReturn, JobStatus

from hmexp.config.quoting import quoted
from hmexp.config.stored import PLACES
from hmexp.console import log
from hmexp.sweeps.search import STOP_AFTER


@dataclass(frozen=True)
class Launch:
    """One start of a job.

    Attributes:
        number: Of the job.
        job_dir: Its folder.
        words: All words of its configuration.
        backend: What it computes with.
        parent: Folder of the job whose checkpoint it starts from.
        goes_on: Whether its folder holds a run that it goes on with.
    """

    number: int
    job_dir: Path
    words: tuple[str, ...]
    backend: str = "tensorflow"
    parent: Path | None = None
    goes_on: bool = False

    def command(self) -> list[str]:
        """The words of an hmexp command; a run that goes on, or is forked, has its configuration stored."""
        own = [f"hydra.run.dir={quoted(str(self.job_dir))}", "hydra.mode=RUN"]
        if self.goes_on:
            return [f"resume={self.job_dir}", *self._plugins, "hydra.mode=RUN"]
        if self.parent is not None:
            kept = [word for word in self.words if word.startswith((*PLACES, f"{STOP_AFTER}="))]
            return [f"fork={self.parent}", *self._plugins, *kept, *own]
        return [*self.words, *own]

    @property
    def _plugins(self) -> list[str]:
        """The word that names plugins: a stored configuration imports none by itself."""
        return [word for word in self.words if word.lstrip("+").startswith("plugins=")]

    def overrides(self) -> list[str]:
        """The words that Hydra composes a job from, in a process that runs several."""
        more = [f"hydra.sweep.subdir={self.number}"]
        more += [f"resume={quoted(str(self.job_dir))}"] if self.goes_on else []
        more += [f"fork={quoted(str(self.parent))}"] if self.parent is not None and not self.goes_on else []
        return [*self.words, *more]


@dataclass(frozen=True)
class Ended:
    """How a job ended.

    Attributes:
        number: Of the job.
        code: Exit code; negative for a signal.
        reason: Why the pool ended it, or which signal did; empty where it ended by itself.
        seconds: That it took.
    """

    number: int
    code: int
    reason: str
    seconds: float


class Pool(Protocol):
    """Where jobs run.

    Attributes:
        interruptible: Whether `interrupt` lets jobs save; where it cannot, Ctrl-C ends the wait for them at once.
    """

    interruptible: bool

    @property
    def free(self) -> int:
        """Jobs that it would take now."""

    @property
    def running(self) -> list[int]:
        """Numbers of the jobs that it has taken and that have not ended."""

    def take(self, launch: Launch) -> int | None:
        """Take a job; gives the id of its process, where it has one of its own."""

    def poll(self) -> list[Ended]:
        """Jobs that have ended since the last call."""

    def interrupt(self) -> None:
        """Let every job save and end."""

    def kill(self) -> None:
        """End every job at once."""


class Batches:
    """Any launcher of Hydra's: it gets a batch of jobs, and gives them back when all of them have ended.

    Args:
        launch: The launcher's method.
        size: Jobs of a batch.
        recalled: Words of a stored run, below those of the jobs.
    """

    interruptible = False

    def __init__(
        self, launch: Callable[[Any, int], Sequence[JobReturn]], size: int, recalled: Sequence[str] = ()
    ) -> None:
        self.launch, self.size, self.recalled = launch, size, recalled
        self.queue: list[Launch] = []

    @property
    def free(self) -> int:
        """Places in the batch."""
        return self.size - len(self.queue)

    @property
    def running(self) -> list[int]:
        """Numbers of the jobs of the batch."""
        return [launch.number for launch in self.queue]

    def take(self, launch: Launch) -> int | None:
        """Put the job into the batch."""
        self.queue.append(launch)
        return None

    def poll(self) -> list[Ended]:
        """Launch the batch and wait for all of it; a launcher that breaks fails what had not ended."""
        batch, self.queue = self.queue, []
        try:
            returns = self.launch([[*self.recalled, *launch.overrides()] for launch in batch], batch[0].number)
        except Exception as error:
            reason = f"the launcher broke: {type(error).__name__}: {error}".split("\n", 1)[0]
            log.warning(reason)
            return [Ended(launch.number, 1, reason, 0.0) for launch in batch]
        return [self._ended(launch.number, back) for launch, back in zip(batch, returns, strict=True)]

    def interrupt(self) -> None:
        """Nothing: Ctrl-C is the launcher's."""

    def kill(self) -> None:
        """Nothing."""

    @staticmethod
    def _ended(number: int, back: JobReturn) -> Ended:
        if back.status == JobStatus.COMPLETED:
            return Ended(number, 0, "", 0.0)
        error = back._return_value
        return Ended(number, 1, f"{type(error).__name__}: {error}".split("\n", 1)[0], 0.0)
