"""A long table, written in parts beside its place: killed anywhere, it goes on and ends as the same bytes."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from hmexp.config.errors import invalid, require
from hmexp.console import log
from hmexp.files import replacing
from hmexp.process import full_disk, written_to

PLAN_FILE, LOCK_FILE = "plan.json", ".lock"


@dataclass(frozen=True)
class Parts:
    """The parts of a table that is being written.

    Attributes:
        out: The table: Parquet, or CSV by its ending.
        num: Parts that it will have.
        key: The config key that says where it is, for errors.
    """

    out: Path
    num: int
    key: str = "out"

    @property
    def folder(self) -> Path:
        """Where the parts lie until the table is whole."""
        return self.out.with_name(f"{self.out.name}.parts")

    @contextmanager
    def planned(self, plan: dict[str, Any]) -> Iterator[None]:
        """Hold the folder inside the block; parts of another plan (model, data, keys) go.

        Raises:
            UserError: Another process writes this table, or its folder cannot be made.
        """
        require(not self.out.is_dir(), self.key, "a table", f"{self.out}, which is a folder")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / LOCK_FILE)
            lock.acquire(timeout=0)
        except Timeout:
            raise invalid(self.key, "a table that no other process writes", f"{self.out}, which one does") from None
        except OSError as error:
            if full_disk(error) is not None:
                raise
            raise invalid(self.key, "a place that can be written to", f"{self.out} ({error.strerror})") from None
        with lock, written_to(self.folder):
            self._check(plan)
            yield
            shutil.rmtree(self.folder)

    def missing(self) -> list[int]:
        """Numbers of the parts that are not there yet."""
        return [number for number in range(self.num) if not self._path(number).is_file()]

    def write(self, number: int, table: pa.Table) -> None:
        """Write a part; one that is there is whole."""
        with replacing(self._path(number)) as partial:
            pq.write_table(table, partial)

    def tables(self) -> Iterator[pa.Table]:
        """The parts in their order."""
        for number in range(self.num):
            yield pq.read_table(self._path(number))

    def merge(self) -> None:
        """Make the table of its parts; it is there whole or as it was."""
        open_writer: Callable[..., Any] = pa_csv.CSVWriter if self.out.suffix.lower() == ".csv" else pq.ParquetWriter
        with replacing(self.out) as partial:
            writer = None
            try:
                for table in self.tables():
                    writer = writer or open_writer(partial, table.schema)
                    writer.write_table(table)
            finally:
                if writer is not None:
                    writer.close()

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:05}.parquet"

    def _check(self, plan: dict[str, Any]) -> None:
        """Keep what parts there are only where they are those of the plan."""
        path, wanted = self.folder / PLAN_FILE, json.dumps(plan, indent=1, sort_keys=True, ensure_ascii=False)
        known = path.read_text(encoding="utf-8") if path.is_file() else ""
        if known == wanted:
            there = self.num - len(self.missing())
            if there:
                log.info(f"goes on: {there:,} of {self.num:,} parts are there")
            return
        if any(self.folder.glob("part-*.parquet")):
            log.info("starts anew: the parts that are there are of another model, other data or other keys")
        for left in self.folder.glob("[!.]*"):
            left.unlink()
        with replacing(path) as partial:
            partial.write_text(wanted, encoding="utf-8")
