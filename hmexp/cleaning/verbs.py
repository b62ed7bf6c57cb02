"""The verb `clean`."""

import shlex
from collections import Counter
from dataclasses import dataclass, field

from rich.filesize import decimal

from hmexp.cleaning.items import LEFTOVERS, RUNS, STORES, Age, Item
from hmexp.cleaning.leftovers import find_foreign, find_leftovers
from hmexp.cleaning.listing import say_going, say_staying, size_of
from hmexp.cleaning.record import MlflowRecord, Record, open_record
from hmexp.cleaning.removal import remove
from hmexp.cleaning.runs import Rules, find_runs
from hmexp.cleaning.stores import find_stores
from hmexp.cleaning.trash import Trash
from hmexp.config.errors import RunError
from hmexp.config.invocation import Invocation
from hmexp.config.verbs import CleanConfig
from hmexp.console import log
from hmexp.jobs.find import all_jobs
from hmexp.tracking.store import is_local, tracking_uri


@dataclass(frozen=True)
class Cleaning:
    """What was found, and what has gone of it.

    Attributes:
        goes: What may go.
        stays: What stays, each with the reason.
        removed: What has gone; nothing without `yes=true`.
        freed: Bytes.
    """

    goes: list[Item]
    stays: list[Item]
    removed: list[Item] = field(default_factory=list)
    freed: int = 0


def clean(config: CleanConfig, invocation: Invocation) -> Cleaning:
    """List what is left behind, and with `yes=true` remove it.

    Raises:
        UserError: MLflow does not answer, so that nobody knows what is the champion; nothing is removed.
        RunError: Something could not be removed.
    """
    record, age = open_record(config.tracking, config.paths), Age(config.older_than)
    items = find(config, record, age)
    goes, stays = [item for item in items if not item.stays], [item for item in items if item.stays]
    if config.yes:
        return _remove(config, record, Cleaning(goes, stays))
    say_going(goes, age, config.limit)
    say_staying(stays, find_foreign(config.paths.mlruns, config.paths.cache_path))
    if goes:
        words = [word for word in shlex.split(invocation.command) if not word.startswith("yes=")]
        log.info(f"this frees {size_of(goes)}: {shlex.join([*words, 'yes=true'])}")
    return Cleaning(goes, stays)


def find(config: CleanConfig, record: Record, age: Age) -> list[Item]:
    """Everything that may go, and what stays although one might think it may go.

    Raises:
        UserError: MLflow does not answer.
    """
    mlruns, cache = config.paths.mlruns, config.paths.cache_path
    jobs = all_jobs(config.paths)
    runs = list(find_runs(jobs, Rules(config, record, age)))
    going = {item.path for item in runs if item.kind == RUNS and not item.stays}
    staying = [job.record for job in jobs if job.path not in going]
    used = {name for record in staying for name in (record.store, record.features)}
    stores = find_stores(cache, used, age, STORES in config.kinds)
    return [*runs, *stores, *find_leftovers(mlruns, cache, age, LEFTOVERS in config.kinds)]


def _remove(config: CleanConfig, record: Record, found: Cleaning) -> Cleaning:
    done = remove(record, found.goes)
    for root in (config.paths.mlruns, config.paths.cache_path):
        Trash(root).close()
    counts = Counter(item.kind for item in done.removed)
    words = ", ".join(f"{count:,} {kind.removesuffix('s') if count == 1 else kind}" for kind, count in counts.items())
    log.info(f"removed {words or 'nothing'}: {decimal(done.freed)} freed")
    if counts[RUNS] and isinstance(record, MlflowRecord) and is_local(record.cfg):
        uri = shlex.quote(tracking_uri(record.cfg, config.paths))
        log.info(f"MLflow's rows of deleted runs go by: mlflow gc --backend-store-uri {uri} --tracking-uri {uri}")
    if done.errors:
        raise RunError(f"{len(done.errors)} could not be removed; the first: {done.errors[0]}")
    return Cleaning(found.goes, found.stays, done.removed, done.freed)
