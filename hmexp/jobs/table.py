"""The job table of a sweep: a SQLite file, `sweep.db`, that is always whole, whoever is killed."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

TABLE_FILE = "sweep.db"
PENDING, RUNNING = "pending", "running"
FINISHED, PRUNED, FAILED, SKIPPED = "finished", "pruned", "failed", "skipped"
ENDED = (FINISHED, PRUNED, FAILED, SKIPPED)
PATIENCE = 60.0
"""Seconds to wait while another process writes."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY, point INTEGER NOT NULL, parameters TEXT NOT NULL, words TEXT NOT NULL,
    parent INTEGER, seed INTEGER, fold INTEGER, status TEXT NOT NULL, attempts INTEGER NOT NULL, pid INTEGER,
    begun REAL, seconds REAL NOT NULL, objective REAL, metrics TEXT NOT NULL, reason TEXT NOT NULL,
    run_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS epochs (
    number INTEGER NOT NULL, epoch INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (number, epoch));
"""


@dataclass
class Job:
    """One job of a sweep: a row of the table.

    Attributes:
        number: From 0; the name of its folder.
        point: Which point of the space it is a run of; several jobs may be, with other seeds and folds.
        parameters: What the sweep varies -> the value, as a word of the command line has it.
        words: Further words of its command: its fold, its seed.
        parent: Number of the job whose last checkpoint it starts from.
        seed: `seed`, where the sweep repeats points.
        fold: `data.split.fold`, where the sweep cross-validates.
        status: pending, running, finished, pruned, failed, or skipped: it cannot be run.
        attempts: Times that it was started.
        pid: Process of the last attempt.
        begun: Seconds since 1970 of the first start.
        seconds: Time of all attempts.
        objective: Value that the sweep compares by.
        metrics: All final metrics.
        reason: Why it failed, or was pruned or skipped.
        run_id: In MLflow.
    """

    number: int
    point: int
    parameters: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    parent: int | None = None
    seed: int | None = None
    fold: int | None = None
    status: str = PENDING
    attempts: int = 0
    pid: int | None = None
    begun: float | None = None
    seconds: float = 0.0
    objective: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    run_id: str = ""

    def label(self) -> str:
        """What tells it apart, in a few words."""
        seed = {} if self.seed is None else {"seed": str(self.seed)}
        fold = {} if self.fold is None else {"fold": str(self.fold)}
        return label_of(self.parameters | seed | fold)


COLUMNS = tuple(column.name for column in fields(Job))
JSON_COLUMNS = ("parameters", "words", "metrics")


class JobTable:
    """The table in a sweep's folder; every method is one transaction.

    Args:
        folder: Of the sweep.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / TABLE_FILE

    def create(self) -> None:
        """Make the tables, where they are not there."""
        with self._open() as connection:
            connection.executescript(SCHEMA)

    def facts(self) -> dict[str, Any]:
        """What was written of the sweep as a whole."""
        with self._open() as connection:
            return {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM facts")}

    def write(self, jobs: Sequence[Job] = (), **facts: Any) -> None:  # noqa: ANN401
        """Write rows and facts, all of them or none."""
        names = ", ".join(COLUMNS)
        marks = ", ".join("?" * len(COLUMNS))
        with self._open() as connection:
            connection.executemany(f"INSERT OR REPLACE INTO jobs ({names}) VALUES ({marks})", map(_row, jobs))
            pairs = [(name, json.dumps(value)) for name, value in facts.items()]
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", pairs)

    def jobs(self) -> list[Job]:
        """Every job, by number."""
        with self._open() as connection:
            rows = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM jobs ORDER BY number").fetchall()
        return [_job(row) for row in rows]

    def add_epoch(self, number: int, epoch: int, value: float) -> None:
        """Write what a job has reached at an epoch."""
        with self._open() as connection:
            connection.execute("INSERT OR REPLACE INTO epochs VALUES (?, ?, ?)", (number, epoch, value))

    def epochs(self) -> list[tuple[int, int, float]]:
        """`number, epoch, value` of every epoch that was written."""
        with self._open() as connection:
            return connection.execute("SELECT number, epoch, value FROM epochs ORDER BY number, epoch").fetchall()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # "with connection" commits or rolls back; it does not close.
        with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as connection, connection:
            yield connection


def label_of(parameters: Mapping[str, str]) -> str:
    """Values of a point in a few words, under the last word of each key."""
    return " ".join(f"{key.rpartition('.')[2]}={value}" for key, value in parameters.items()) or "as configured"


def plain_key(key: str) -> str:
    """A key of the command line, such as `++a.b` or `group@package`, as names of MLflow may be."""
    return key.lstrip("+~").replace("@", "_")


def _row(job: Job) -> tuple[Any, ...]:
    content = asdict(job)
    return tuple(json.dumps(content[name]) if name in JSON_COLUMNS else content[name] for name in COLUMNS)


def _job(row: Sequence[Any]) -> Job:
    content = dict(zip(COLUMNS, row, strict=True))
    return Job(**content | {name: json.loads(content[name]) for name in JSON_COLUMNS})
