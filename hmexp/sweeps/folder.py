"""The folder of a sweep: made exclusively, and how SWEEP finds one."""

import sqlite3
from pathlib import Path
from typing import Any

from hmexp.config.errors import UserError, invalid
from hmexp.config.record import PathsConfig
from hmexp.console import log
from hmexp.jobs.find import MIN_PREFIX
from hmexp.jobs.table import TABLE_FILE, JobTable

SWEEP_KINDS = "the name of a sweep, latest, an id of its run in MLflow (or a unique prefix), or its folder"
DONE = "FINISHED"


def make_folder(wanted: Path, own: bool) -> Path:
    """Make the folder of a new sweep; two sweeps of the same second get two.

    Args:
        wanted: Where it should be.
        own: Whether the name is hmexp's own choice, which a number may be added to.

    Raises:
        UserError: The folder that the user gave has a sweep already.
    """
    number = 1
    wanted.parent.mkdir(parents=True, exist_ok=True)
    while True:
        folder = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            if not own and not any(folder.iterdir()):
                return folder
            if not own:
                received = f"{folder}, which is not empty (resume={folder} goes on with a sweep)"
                raise UserError(f"hydra.sweep.dir: expected a new folder, received {received}") from None
            number += 1


def find_sweep(paths: PathsConfig, key: str, sweep: str) -> Path:
    """The folder of the sweep that SWEEP names. For `resume`, `latest` is the newest that has something left to do.

    Raises:
        UserError: No sweep, or more than one.
    """
    folder = Path(sweep).expanduser().absolute()
    if (folder / TABLE_FILE).is_file() and _facts(folder):
        return folder
    tables = sorted(path.parent for path in (paths.mlruns / "sweeps").glob(f"*/{TABLE_FILE}"))
    facts = {path: known for path in tables if (known := _facts(path))}
    found = list(facts)
    if sweep == "latest":
        begun = sorted(found, key=lambda path: float(facts[path].get("begun", 0.0)))
        fits = [path for path in begun if key != "resume" or facts[path].get("status") != DONE][-1:]
    else:
        fits = [path for path in found if path.name == sweep]
        if not fits and len(sweep) >= MIN_PREFIX:
            fits = [path for path in found if str(facts[path].get("run_id", "")).startswith(sweep)]
    if len(fits) != 1:
        that = "that have something left " if key == "resume" and sweep == "latest" else ""
        received = f"{sweep}, which fits {len(fits)} sweeps {that}under {paths.mlruns}"
        raise invalid(key, SWEEP_KINDS, received, [path.name for path in found])
    return fits[0]


def _facts(folder: Path) -> dict[str, Any]:
    """What a table says of its sweep; nothing where the sweep was ended before it began, or the table is damaged."""
    try:
        return JobTable(folder).facts()
    except sqlite3.OperationalError:
        return {}
    except (sqlite3.DatabaseError, ValueError) as error:
        log.warning(f"left out: {folder / TABLE_FILE}: expected the table of a sweep, received {error}")
        return {}
