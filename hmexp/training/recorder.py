"""How training speaks to the outside: the events of a run, and who listens when nobody does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pandas as pd


class Recorder(Protocol):
    """Hears what happens in a run; `hmexp.tracking` writes it to MLflow.

    Attributes:
        run_id: The run's id in the record; empty where there is none.
    """

    run_id: str

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """An epoch (counted from 1) ended with these `train/` and `val/` metrics."""

    def history(self, history: pd.DataFrame) -> None:
        """The run goes on from these epochs: `epoch, train/..., val/...`; what is missing in the record is added."""

    def dataset(self, name: str, digest: str, sizes: Mapping[str, int]) -> None:
        """The run learns from this data: rows of each split in `sizes`."""

    def result(self, metrics: Mapping[str, float]) -> None:
        """The final metrics: `best/val/...`, `test/...`."""

    def model(self, bundle_dir: Path) -> None:
        """The model bundle was saved."""

    def artifacts(self, folder: Path) -> None:
        """The job folder is complete."""

    def finish(self, status: str, traceback: str = "", pruned: str = "") -> None:
        """The run ended: FINISHED (or early, as `pruned` says why), FAILED (with its traceback) or KILLED."""

    def summary(self) -> list[tuple[str, str]]:
        """Lines of the closing summary: what, and where to find it."""


class NoRecorder:
    """Listens to nothing (`tracking=none`)."""

    run_id = ""

    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Nothing."""

    def history(self, history: pd.DataFrame) -> None:
        """Nothing."""

    def dataset(self, name: str, digest: str, sizes: Mapping[str, int]) -> None:
        """Nothing."""

    def result(self, metrics: Mapping[str, float]) -> None:
        """Nothing."""

    def model(self, bundle_dir: Path) -> None:
        """Nothing."""

    def artifacts(self, folder: Path) -> None:
        """Nothing."""

    def finish(self, status: str, traceback: str = "", pruned: str = "") -> None:
        """Nothing."""

    def summary(self) -> list[tuple[str, str]]:
        """No lines."""
        return []
