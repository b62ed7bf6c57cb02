"""Whether a command asks for the very sweep that it should go on with."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from hmexp.config.errors import UserError
from hmexp.config.invocation import MULTIRUN_FLAGS, split_flags
from hmexp.config.quoting import paths_of
from hmexp.config.stored import differences
from hmexp.config.sweep import GridConfig
from hmexp.config.verbs import RunConfig
from hmexp.jobs.folder import is_running
from hmexp.jobs.table import PENDING, RUNNING, JobTable
from hmexp.runner.resume import FREE
from hmexp.sweeps.design import Design
from hmexp.sweeps.folder import find_sweep
from hmexp.sweeps.space import Space

CHANGEABLE = ("params", "when", "max_trials", "batch_size", "max_jobs", "skip_invalid")
"""Settings of a sweeper that may be others when a sweep goes on; its space is compared as a whole."""
BESIDE = re.compile(
    r"resume=|\+*paths\.|\+*hydra[./]launcher|hydra\.sweeper\.(max_trials|batch_size|max_jobs|skip_invalid)="
)
"""Words that say where, in what processes and how long, not what."""


def asked_for(cfg: GridConfig, space: Space, design: Design) -> dict[str, str]:
    """What a sweep is, beside the configuration that all its jobs share and the data."""
    varied = {parameter.key: parameter.describe() for parameter in space}
    sweeper = {f"hydra.sweeper.{name}": str(value) for name, value in asdict(cfg).items() if name not in CHANGEABLE}
    fixed = dict(word.partition("=")[::2] for word in design.fixed if not BESIDE.match(word))
    # Points are numbered in the order of the parameters.
    runs = {"seeds": str(design.seeds), "folds": str(design.folds), "order": ", ".join(varied)}
    return fixed | varied | sweeper | runs


def check_same(folder: Path, asked: Mapping[str, str], first: RunConfig) -> None:
    """Refuse to go on with another sweep.

    Args:
        folder: Of the sweep.
        asked: As `asked_for` gives it.
        first: The configuration of its first point.

    Raises:
        UserError: Another space or configuration.
    """
    facts = JobTable(folder).facts()
    then, stored, changed = facts["asked"], OmegaConf.create(facts["config"]), []
    if isinstance(stored, DictConfig):
        varied = f"{asked['order']}, {then['order']}".lstrip("+").replace("/", ".").split(", ")
        changed = differences(first, stored, (*FREE, *(key for key in varied if key)))
    said = {text.partition("=")[0] for text in changed}
    changed += [
        f"{key}={asked.get(key, 'not given')} (was {then.get(key, 'not given')})"
        for key in dict(asked) | then
        if asked.get(key) != then.get(key) and key not in said
    ]
    if changed:
        raise UserError(f"resume: expected the sweep {folder.name}, received {', '.join(changed)}")


def check_stopped(folder: Path) -> None:
    """Refuse to go on where a job still runs that this process cannot end: another launcher's, or another machine's.

    Raises:
        UserError: One does.
    """
    for job in JobTable(folder).jobs():
        job_dir = folder / str(job.number)
        if job.status in (RUNNING, PENDING) and job.pid is None and job_dir.is_dir() and is_running(job_dir):
            received = f"{folder.name}, whose job {job.number} still runs (wait for it, or cancel it where it runs)"
            raise UserError(f"resume: expected a sweep whose jobs have stopped, received {received}")


def check_data(folder: Path, digests: Mapping[str, str]) -> None:
    """Refuse to go on with other data.

    Args:
        folder: Of the sweep.
        digests: Data digest of each `data` section.

    Raises:
        UserError: The data has changed.
    """
    then = JobTable(folder).facts()["digests"]
    for key, digest in digests.items():
        before = [then[key]] if key in then else list(then.values())  # a catalogue may lie elsewhere by now
        if digest not in before:
            raise UserError(f"resume: expected the data of {folder.name} ({', '.join(before)}), received {digest}")


def recall_sweep(words: Sequence[str]) -> list[str]:
    """The words of a sweep that goes on: where the command gives nothing but `resume=SWEEP`, those it was begun with.

    Raises:
        UserError: No such sweep.
    """
    given = list(words)
    resumed = [word.partition("=")[2] for word in given if word.startswith("resume=")]
    if not resumed:
        return given
    flags, others = split_flags(given)
    own = [*flags, *(word for word in others if not BESIDE.match(word))]
    folder = find_sweep(paths_of(given), "resume", resumed[-1])
    given = [f"resume={folder}" if word.startswith("resume=") else word for word in given]
    if own:
        return given
    facts = JobTable(folder).facts()
    stored_flags, stored = split_flags(facts["words"])
    words_now = [word for word in given if not word.startswith("-")]
    keys = {word.partition("=")[0] for word in words_now} | {"paths.root"}
    below = [word for word in stored if word.partition("=")[0] not in keys]
    # Flags first: behind other words, argparse does not understand them.
    return [MULTIRUN_FLAGS[0], *stored_flags, f"paths.root={facts['root']}", *below, *words_now]
