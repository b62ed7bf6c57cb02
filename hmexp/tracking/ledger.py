"""The ledger: every promotion, refusal and rollback as one MLflow run, and the aliases that follow from it."""

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psutil
from filelock import FileLock, Timeout

from hmexp.config.errors import UserError
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.console import log
from hmexp.process import user_name
from hmexp.tracking.events import log_metrics, short_tags
from hmexp.tracking.registry import CHAMPION, PREVIOUS, Registry
from hmexp.tracking.runs import HOST_TAG, KIND_TAG, all_runs
from hmexp.tracking.store import create_store, is_local

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "hmexp-ledger"
LOCK_FILE = "promotion.lock"
PROMOTED, REFUSED, ROLLED_BACK = "promoted", "refused", "rolled back"
ALIASES_TAG, OUTCOME_TAG = "hmexp.aliases", "hmexp.outcome"
UNDONE = "undone"
SILENT = 600.0
"""Seconds after which an entry of another machine that is not done yet counts as a dead process's."""


@dataclass(frozen=True)
class Entry:
    """A decision.

    Attributes:
        decision: `promoted`, `refused` or `rolled back`.
        version: That it is about; empty for a refused run that has none.
        before: The champion until then; empty for none.
        run_id: Of the model's run.
        reason: Why, in a line.
        forced: Whether the guards were overridden.
        metrics: Figures of both on the articles that they were compared on.
        details: What each guard found, and the data digests.
        when: Of the decision; None for one that is not written yet.
        who: User and machine; empty for one that is not written yet.
    """

    decision: str
    version: str
    before: str
    run_id: str
    reason: str
    forced: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    when: datetime | None = None
    who: str = ""


@dataclass(frozen=True)
class Ledger:
    """The entries of one registered model; entries are added and never changed but for being done.

    Attributes:
        cfg: The `tracking` section.
        paths: Where a local store is.
        registry: The registered model.
    """

    cfg: MlflowTracking
    paths: PathsConfig
    registry: Registry

    @property
    def client(self) -> "MlflowClient":
        """MLflow's client."""
        return self.registry.client

    def entries(self) -> list[Entry]:
        """What was decided and done, the oldest first."""
        return [_entry(run) for run in self._runs() if run.info.status == "FINISHED"]

    def decide(self, entry: Entry) -> None:
        """Write a decision, then move the aliases as it says, then mark it as done.

        Cut off anywhere, the next command that reads the aliases finishes it: see `settle`.

        Raises:
            UserError: Another process has moved the champion since it was compared.
        """
        wanted = self._wanted(entry)
        run = self._write(entry, wanted)
        if wanted and not self._is_first(run, entry.before):
            self._end(run.info.run_id, UNDONE)
            raise UserError(
                f"promote: expected version {entry.before or 'none'} as champion, received another: try again"
            )
        self.registry.set_aliases(wanted)
        self._end(run.info.run_id)

    def settle(self) -> None:
        """Finish the decisions that were cut off; undo those whose version is gone. Their lock is held."""
        for run in self._open():
            if not self._is_dead(run):
                where = run.data.tags.get(HOST_TAG, "another machine")
                raise UserError(f"promote: expected no other promotion at work, received one on {where}: try again")
            wanted = json.loads(run.data.tags.get(ALIASES_TAG, "{}"))
            there = all(self.registry.has_version(version) for version in wanted.values() if version)
            if there:
                self.registry.set_aliases(wanted)
            self._end(run.info.run_id, "" if there else UNDONE)
            log.warning(
                f"{self.registry.name}: {run.info.run_name} was cut off; it is {'done' if there else 'undone'} now"
            )

    def settle_if_free(self) -> None:
        """Finish what was cut off, unless a promotion is at work or nothing can be written here."""
        with suppress(UserError, OSError):
            if self._open():
                with promotion_lock(self.cfg, self.paths):
                    self.settle()

    def champions(self) -> list[str]:
        """The champion, last, and before it those that one rollback after another goes back to."""
        aliases = self.registry.aliases()
        stack = stacked(self.entries())
        if aliases.get(CHAMPION) != (stack[-1] if stack else None):  # moved by somebody else
            stack += [version for alias in (PREVIOUS, CHAMPION) if (version := aliases.get(alias)) is not None]
        return stack

    def _wanted(self, entry: Entry) -> dict[str, str | None]:
        """The aliases after a decision."""
        if entry.decision == PROMOTED:
            return {PREVIOUS: entry.before or None, CHAMPION: entry.version}
        if entry.decision == REFUSED:
            return {}
        below = rolled_back(self.champions(), entry.version)[:-1]
        return {CHAMPION: entry.version, PREVIOUS: below[-1] if below else None}

    def _write(self, entry: Entry, wanted: Mapping[str, str | None]) -> "Run":
        name = self.registry.name
        tags = {KIND_TAG: "decision", HOST_TAG: socket.gethostname(), "hmexp.pid": str(os.getpid())}
        tags |= {"mlflow.user": user_name(), "mlflow.source.name": "hmexp", ALIASES_TAG: json.dumps(wanted)}
        tags |= {"hmexp.model": name, "hmexp.decision": entry.decision, "hmexp.version": entry.version}
        tags |= {"hmexp.before": entry.before, "hmexp.run_id": entry.run_id, "hmexp.forced": str(entry.forced).lower()}
        tags |= {"hmexp.reason": entry.reason, "mlflow.note.content": entry.reason}
        what = f"version {entry.version}" if entry.version else f"run {entry.run_id[:8]}"
        client = create_store(replace(self.cfg, experiment=EXPERIMENT), self.paths)
        experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
        run = client.create_run(experiment, tags=short_tags(tags), run_name=f"{name} {what} {entry.decision}")
        log_metrics(client, run.info.run_id, entry.metrics)
        if entry.details:
            client.log_dict(run.info.run_id, dict(entry.details), "decision.json")
        return run

    def _end(self, run_id: str, outcome: str = "") -> None:
        if outcome:
            self.client.set_tag(run_id, OUTCOME_TAG, outcome)
        self.client.set_terminated(run_id, "KILLED" if outcome else "FINISHED")

    def _is_first(self, run: "Run", before: str) -> bool:
        """Whether no other process was faster, where no lock says so: the older of two open entries wins."""
        others = [other for other in self._open() if other.info.run_id != run.info.run_id]
        mine = run.info.start_time, run.info.run_id
        faster = any((other.info.start_time, other.info.run_id) < mine for other in others)
        return not faster and self.registry.aliases().get(CHAMPION, "") == before

    def _open(self) -> list["Run"]:
        return [run for run in self._runs() if run.info.status == "RUNNING"]

    def _is_dead(self, run: "Run") -> bool:
        """Whether the process of an open entry is gone: for sure where its lock is held here."""
        if is_local(self.cfg):
            return True
        tags = run.data.tags
        if tags.get(HOST_TAG) == socket.gethostname() and tags.get("hmexp.pid", "").isdecimal():
            return not bool(psutil.pid_exists(int(tags["hmexp.pid"])))
        return time.time() - float(run.info.start_time) / 1000 > SILENT

    def _runs(self) -> list["Run"]:
        """The entries as MLflow has them, the oldest first."""
        if self.client.get_experiment_by_name(EXPERIMENT) is None:
            return []
        runs = all_runs(self.client, replace(self.cfg, experiment=EXPERIMENT))
        own = [run for run in runs if run.data.tags.get("hmexp.model") == self.registry.name]
        return sorted(own, key=lambda run: (run.info.start_time, run.info.run_id))


@contextmanager
def promotion_lock(cfg: MlflowTracking, paths: PathsConfig, patience: float = 0.0) -> Iterator[None]:
    """Hold the right to move aliases inside the block; a server has no lock, see `Ledger.decide`.

    Args:
        cfg: The `tracking` section.
        paths: Where a local store is.
        patience: Seconds to wait for it.

    Raises:
        UserError: Another process holds it.
    """
    if not is_local(cfg):
        yield
        return
    lock = FileLock(paths.mlruns / LOCK_FILE)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        raise UserError("promote: expected no other promotion at work, received one: try again after it") from None
    with lock:
        yield


def stacked(entries: Sequence[Entry]) -> list[str]:
    """Champions, the present one last: a promotion puts one on top, a rollback takes those above its version away."""
    stack: list[str] = []
    for entry in entries:
        if entry.decision == PROMOTED:
            if entry.before and entry.before != (stack[-1] if stack else None):  # moved by somebody else
                stack.append(entry.before)
            stack.append(entry.version)
        elif entry.decision == ROLLED_BACK:
            stack = rolled_back(stack, entry.version)
    return stack


def rolled_back(stack: Sequence[str], version: str) -> list[str]:
    """The champions after a rollback: down to where the version was it last; on top where it is below no more."""
    places = [place for place, other in enumerate(stack[:-1]) if other == version]
    return [*stack[: places[-1]], version] if places else [*stack, version]


def _entry(run: "Run") -> Entry:
    tags = run.data.tags
    return Entry(
        decision=tags.get("hmexp.decision", ""),
        version=tags.get("hmexp.version", ""),
        before=tags.get("hmexp.before", ""),
        run_id=tags.get("hmexp.run_id", ""),
        reason=tags.get("hmexp.reason", ""),
        forced=tags.get("hmexp.forced") == "true",
        metrics=run.data.metrics,
        when=datetime.fromtimestamp(run.info.start_time / 1000),
        who=f"{tags.get('mlflow.user', '')}@{tags.get(HOST_TAG, '')}",
    )
