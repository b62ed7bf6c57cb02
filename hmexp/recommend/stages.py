"""The stages of a long command: each is a file that is there whole or not at all, so that a killed command goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from hmexp.console import log
from hmexp.files import replacing
from hmexp.inference.parts import PLAN_FILE
from hmexp.recommend.ranker import Ranker, load_ranker, save_ranker


@dataclass(frozen=True)
class Stages:
    """What is finished of a command.

    Attributes:
        folder: Where the files lie until the command is done.
    """

    folder: Path

    def file(self, name: str, write: Callable[[Path], object]) -> Path:
        """A file; `write` makes it where it is not there yet.

        Args:
            name: Of the file.
            write: Called with a path beside it.
        """
        path = self.folder / name
        if path.is_file():
            return path
        with replacing(path) as partial:
            write(partial)
        return path

    def frame(self, name: str, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        """A table, read from its file where it is there."""
        return pl.read_parquet(self.file(f"{name}.parquet", lambda path: make().write_parquet(path, compression="lz4")))

    def ranker(self, name: str, fit: Callable[[], Ranker]) -> Ranker:
        """A ranker, read from its file where it is there."""
        return load_ranker(self.file(f"{name}.json", lambda path: save_ranker(fit(), path)))

    def say_what_is_there(self) -> None:
        """Say how many files are finished, where a command goes on."""
        finished = [path for path in self.folder.iterdir() if path.suffix in (".parquet", ".json") and _is_whole(path)]
        if finished:
            log.info(f"goes on: {len(finished):,} stages and parts are there")


def _is_whole(path: Path) -> bool:
    return not path.name.startswith("partial-") and path.name != PLAN_FILE
