"""Where a run comes from: a run that it resumes, repeats (`rerun=`) or starts from (`fork=`)."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hmexp.catalogue.manifest import Manifest
from hmexp.config.compose import compose_words, explained
from hmexp.config.errors import UserError
from hmexp.config.quoting import paths_of
from hmexp.config.record import MlflowTracking, PathsConfig
from hmexp.config.schemas import to_config
from hmexp.config.stored import KINDS, PLACES, base_words, differences, run_words, stored_config
from hmexp.config.verbs import RunConfig
from hmexp.console import log
from hmexp.jobs.find import find_job
from hmexp.jobs.folder import check_unfinished, is_running, read_record
from hmexp.runner.environment import git_state, packages
from hmexp.training.checkpoint import CheckpointDir, read_state

FREE = (*KINDS, *PLACES, "data.root", "plugins", "seeds", "folds")
"""Keys that say where things are, not what is computed: a resumed run may have others."""
UNLEARNED = (
    "model.dropout=",
    "model.stochastic_depth=",
    "model.freeze_epochs=",
    "model.freeze_share=",
    "model.rate=",
    "model.weights=",
)
"""Keys of a model that leave its weights as they are: a fork may have others."""
SHOWN = 5


@dataclass(frozen=True)
class Origin:
    """The run that a run comes from, if any.

    Attributes:
        kind: `resume`, `rerun` or `fork`; empty for a run of its own.
        job_dir: Folder of the run that it comes from.
    """

    kind: str = ""
    job_dir: Path = Path()

    @property
    def resumes(self) -> bool:
        """Whether it goes on in the same folder."""
        return self.kind == "resume"

    def checkpoint(self, job_dir: Path) -> Path | None:
        """The checkpoint in the run's own folder that it goes on from, if any."""
        goes_on = self.kind in ("resume", "fork")
        return CheckpointDir(job_dir / "checkpoints").newest() if goes_on else None

    def hand_over(self, job_dir: Path) -> None:
        """Give the folder of a fork the checkpoint that it starts from; its own from now on, whatever happens."""
        if self.kind == "fork":
            own = CheckpointDir(job_dir / "checkpoints")
            CheckpointDir(self.job_dir / "checkpoints").copy_newest(own)
            if own.newest() is None:  # removed since it was checked
                raise _without_checkpoint(self.job_dir.name)


def recall(words: list[str], paths: PathsConfig) -> list[str]:
    """The user's words with those of the stored run below them, where they name one.

    Raises:
        UserError: More than one run named, no such run, or a preset on top.
    """
    named = run_words(words)
    if not named:
        return words
    if len(named) > 1:
        raise UserError(f"{' and '.join(named)}: expected one of them, received {len(named)}")
    [(key, run)] = named.items()
    job_dir = _job_dir(key, run, words, paths)
    base = base_words(job_dir, words, leave_out=() if key == "resume" else PLACES)
    root = read_record(job_dir).root
    if key == "resume" and not any(word.startswith("paths.root=") for word in words):
        base.append(f"paths.root={root}")
    return [*base, *words]


def run_config(job_dir: Path, paths: PathsConfig, plugins: Sequence[str]) -> RunConfig:
    """The configuration that a run was started with, as dataclasses, under the command's own paths.

    Raises:
        UserError: A damaged configuration, or plugins of its that the command does not name.
    """
    words = [f"rerun={job_dir}", f"plugins=[{','.join(plugins)}]", f"paths.root={paths.root}"]
    words += [f"paths.cache={paths.cache}"] if paths.cache else []
    composed = compose_words(recall(words, paths))
    with explained():
        return to_config(composed.tree, RunConfig)


def _job_dir(key: str, run: str, words: list[str], paths: PathsConfig) -> Path:
    """The folder of the run that a word names; of `run=champion` that of the registered model's run."""
    if key == "run":
        from hmexp.tracking.bundles import find_model_run, is_registered_name

        if is_registered_name(run):
            pairs = (word.partition("=") for word in words)
            given = {key.removeprefix("tracking."): value for key, _, value in pairs}
            tracking = MlflowTracking(uri=given.get("uri"), model_name=given.get("model_name"))
            return find_model_run(run, tracking, paths, key)[0]
    return find_job(paths, key, run).path


def origin_of(config: RunConfig) -> Origin:
    """Where the configured run comes from, checked.

    Raises:
        UserError: A run that cannot be gone on with: finished, still running, another config, no checkpoint,
            another network, nothing left to train.
    """
    named = [(key, getattr(config, key)) for key in KINDS if getattr(config, key)]
    if not named:
        return Origin()
    key, run = named[0]
    origin = Origin(key, find_job(config.paths, key, run).path)
    if key == "resume":
        _check_resume(config, origin.job_dir)
    if key == "fork":
        _check_fork(config, origin.job_dir)
    return origin


def named_exactly(command: str, origin: Origin) -> str:
    """The command that has a run again, whatever `latest` means by then.

    A run that was gone on with is repeated by `rerun=`; another one names the run that it came from, by its id where
    that is found from the current folder.
    """
    if not origin.kind:
        return command
    words = shlex.split(command)
    folder = origin.job_dir.absolute()
    run = read_record(folder).run_id if folder.is_relative_to(paths_of(words).mlruns.absolute()) else str(folder)
    named = f"{'rerun' if origin.resumes else origin.kind}={run}"
    return shlex.join(named if word.startswith(f"{origin.kind}=") else word for word in words)


def check_data(origin: Origin, manifest: Manifest, digest: str) -> None:
    """Say what differs between the data now and then; refuse to resume with other data.

    Raises:
        UserError: The run is resumed, and its data has changed.
    """
    if not origin.kind:
        return
    then = read_record(origin.job_dir).data_digest
    if then in ("", digest):
        return
    difference = _data_difference(origin.job_dir, manifest)
    if origin.resumes:
        raise UserError(f"resume: expected the data of {origin.job_dir.name} ({then}), received {digest}: {difference}")
    log.warning(f"the data is not that of {origin.job_dir.name}: {difference}")


def say_what_differs(origin: Origin, config: RunConfig) -> None:
    """Log how config, code and packages differ from the run that this one comes from."""
    if not origin.kind:
        return
    name = origin.job_dir.name
    log.info({"resume": f"goes on with {name}", "rerun": f"repeats {name}", "fork": f"starts from {name}"}[origin.kind])
    changed = differences(config, stored_config(origin.job_dir), FREE)
    lines = [("config", changed), ("packages", _package_differences(origin.job_dir)), ("code", _code(origin.job_dir))]
    for what, differs in lines:
        more = f" and {len(differs) - SHOWN} more" if len(differs) > SHOWN else ""
        log.info(f"{what}: {', '.join(differs[:SHOWN]) + more if differs else 'as then'}")


def _check_resume(config: RunConfig, job_dir: Path) -> None:
    name = job_dir.name
    if is_running(job_dir):
        raise UserError(f"resume: expected a run that has stopped, received {name}, which is running")
    check_unfinished(name, read_record(job_dir))
    changed = differences(config, stored_config(job_dir), FREE)
    if changed:
        way = f"fork={name} starts a new run from its checkpoint"
        raise UserError(f"resume: expected the configuration of {name}, received {', '.join(changed)} ({way})")


def _check_fork(config: RunConfig, job_dir: Path) -> None:
    name, checkpoint = job_dir.name, CheckpointDir(job_dir / "checkpoints").newest()
    if checkpoint is None:
        raise _without_checkpoint(name)
    sized = () if config.model.any_size else ("data.image_size",)
    all_changed = differences(config, stored_config(job_dir), FREE)
    changed = [text for text in all_changed if text.startswith(("model.", *sized)) and not text.startswith(UNLEARNED)]
    if changed:
        raise UserError(f"fork: expected the network of {name}, received {', '.join(changed)}")
    state, last = read_state(checkpoint), config.trainer.last_epoch
    if state.epoch >= last and config.trainer.minutes is None:
        key = "trainer.stop_after" if config.trainer.stop_after else "trainer.epochs"
        raise UserError(f"{key}: expected more than the {state.epoch} epochs that {name} has, received {last}")
    patience, same_monitor = config.trainer.early_stopping, state.setup["monitor"] == config.trainer.monitor
    same_size = state.val_size == config.trainer.phase(state.epoch).val_size
    if patience is not None and same_monitor and same_size and state.epochs_waited >= patience:
        expected = f"trainer.early_stopping: expected null or more than the {state.epochs_waited} epochs"
        raise UserError(f"{expected} that {name} has waited, received {patience}")


def _without_checkpoint(name: str) -> UserError:
    return UserError(f"fork: expected a run with a checkpoint, received {name}, which has none")


def check_classes(origin: Origin, classes: tuple[str, ...]) -> None:
    """Refuse to fork with data of other classes than the network has.

    Raises:
        UserError: The classes differ.
    """
    path = origin.job_dir / "manifest.parquet"
    if origin.kind == "fork" and path.is_file():
        then = sorted(pd.read_parquet(path, columns=["label"])["label"].unique())
        if then != list(classes):
            other = ", ".join(sorted(set(then) ^ set(classes)))
            raise UserError(f"fork: expected the classes of {origin.job_dir.name}, received others: {other}")


def _data_difference(job_dir: Path, manifest: Manifest) -> str:
    """What has changed in the manifest, in words."""
    path = job_dir / "manifest.parquet"
    if not path.is_file():
        return "its manifest is gone"
    columns = ["article_id", "label", "split"]
    then = pd.read_parquet(path)[columns].drop_duplicates("article_id").set_index("article_id")
    now = manifest.table()[columns].drop_duplicates("article_id").set_index("article_id")
    both = now.index.intersection(then.index)
    counts = {
        "articles added": now.index.difference(then.index),
        "articles gone": then.index.difference(now.index),
        "labels changed": both[now.loc[both, "label"] != then.loc[both, "label"]],
        "articles in another split": both[now.loc[both, "split"] != then.loc[both, "split"]],
    }
    words = [f"{len(ids):,} {what} ({ids[0]}, ...)" for what, ids in counts.items() if len(ids)]
    return ", ".join(words) or "the same articles, other pictures"


def _package_differences(job_dir: Path) -> list[str]:
    """`name 1.2 (was 1.1)` of each package whose version is another."""
    path = job_dir / "environment.txt"
    if not path.is_file():
        return []
    then = dict(re.findall(r"^([\w.-]+)==(\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE))
    now = packages()
    names = sorted(now.keys() | then.keys(), key=str.lower)
    return [
        f"{name} {now.get(name, 'gone')} (was {then.get(name, 'not there')})"
        for name in names
        if now.get(name) != then.get(name)
    ]


def _code(job_dir: Path) -> list[str]:
    """Commit and uncommitted changes, where they are not those of then."""
    path = job_dir / "environment.txt"
    then = (
        dict(re.findall(r"^git (\w+) (\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)) if path.is_file() else {}
    )
    now = git_state(Path.cwd())
    return [
        f"{key} {now.get(key, 'none')} (was {then.get(key, 'none')})"
        for key in ("commit", "diff")
        if now.get(key) != then.get(key)
    ]
