"""The verb `export`: a model as files for other runtimes, checked beside the Keras model before they have a name."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from hmexp.config.errors import RunError, UserError
from hmexp.config.invocation import Invocation
from hmexp.config.verbs import ExportConfig
from hmexp.console import log, progress, quiet_natives
from hmexp.files import replacing
from hmexp.inference.export_pictures import CheckPictures, plan_pictures
from hmexp.inference.formats import FORMATS, Format, require_packages
from hmexp.models.bundle import load_bundle, read_card
from hmexp.process import full_disk, written_to
from hmexp.runner.backend import start_keras
from hmexp.runner.environment import packages, versions
from hmexp.tracking.bundles import FoundBundle, find_bundle, job_dir_of
from hmexp.tracking.exports import log_export

if TYPE_CHECKING:
    from hmexp.inference.export_check import Check, Reference

RECORD_FILE = "export.json"
TABLE_FILE = "checks.csv"
LOCK_FILE = ".lock"


@dataclass(frozen=True)
class ExportResult:
    """What an export gives to whoever called it.

    Attributes:
        folder: Holds a folder a format.
        checks: Format -> what its file gave beside the Keras model.
    """

    folder: Path
    checks: "dict[str, Check]"


def export(config: ExportConfig, invocation: Invocation) -> ExportResult:
    """Export a model in every format asked for; what is wrong with the input is found before anything is written.

    Raises:
        UserError: No such model, one that was changed, a package or pictures that are not there, an occupied folder.
        RunError: Formats that the model cannot be converted to, or whose file is not what the model is; the others are
            there.
    """
    names = tuple(dict.fromkeys(config.formats))
    require_packages(names)
    found = find_bundle(config.run, config.tracking, config.paths)
    card = read_card(found.folder)
    plan = plan_pictures(config, found)
    out = _place(config, found)
    _check_place(out, names)
    pictures = plan.read(card)
    log.info(f"{found.name}: {len(card.classes)} classes, {card.image_size} pixels")
    reference = _reference(found, pictures)
    with written_to(out), _locked(out):
        checks, failures = _export_all(reference, found, names, out)
        if checks:
            _say(checks, reference, out)
            job_dir = job_dir_of(found, config.paths)
            log_export(config.tracking, config.paths, found.run_id, job_dir, out, _metrics(checks))
    if failures:
        raise RunError("; ".join(f"{name}: {reason}" for name, reason in failures.items()))
    return ExportResult(out, checks)


def _place(config: ExportConfig, found: FoundBundle) -> Path:
    """The folder that the formats' folders are put in."""
    if config.out is not None:
        return Path(config.out).expanduser().absolute()
    job_dir = job_dir_of(found, config.paths)
    name = found.name.replace(" ", "-") if found.version else (job_dir or found.folder).name
    return config.paths.mlruns / "exports" / name


def _check_place(out: Path, names: tuple[str, ...]) -> None:
    """Raise `UserError` where a folder holds something that is no export, which a new one would replace."""
    for folder in (out, *(out / name for name in names)):
        if folder.exists() and not folder.is_dir():
            raise UserError(f"out: expected a folder, received {folder}, which is a file")
    for folder in (out / name for name in names):
        if folder.is_dir() and any(folder.iterdir()) and not (folder / RECORD_FILE).is_file():
            raise UserError(
                f"out: expected a folder that an export may replace, received {folder} without {RECORD_FILE}"
            )


def _reference(found: FoundBundle, pictures: CheckPictures) -> "Reference":
    """The Keras model and its answers to real pictures: float32, TensorFlow, the CPU, whatever it learned on."""
    start_keras("tensorflow")
    with quiet_natives():
        _hide_gpus()
        from hmexp.inference.export_check import refer
        from hmexp.inference.export_graph import ExportGraph, in_float32
    model, card = load_bundle(found.folder)
    single = in_float32(model)
    if single is not model:
        log.info("the model learned in mixed precision; the files, and what they are compared with, are float32")
    with quiet_natives():
        return refer(ExportGraph(single, card), pictures)


def _hide_gpus() -> None:
    """Compute on the CPU: float32 of a GPU may have the digits of TF32."""
    import tensorflow as tf

    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:  # in a process that uses it already
        log.warning("TensorFlow computes on a GPU in this process: differences are larger there")


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Hold the lock of a folder of exports, for which nobody waits."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / LOCK_FILE, timeout=0):
            for name in FORMATS:
                _remove_left(out / name)
            yield
    except Timeout:
        raise UserError(f"out: expected a folder that no other export writes to, received {out}") from None


def _export_all(
    reference: "Reference", found: FoundBundle, names: tuple[str, ...], out: Path
) -> tuple["dict[str, Check]", dict[str, str]]:
    """Write and check each format; gives the checks, and why a format is not there."""
    checks: dict[str, Check] = {}
    failures = {}
    with progress("exporting", len(names), unit="", sentence=f"exporting {', '.join(names)}") as bar:
        for name in names:
            bar.note(name)
            try:
                checks[name] = _export_one(reference, found, FORMATS[name], out / name)
            except RunError as error:
                failures[name] = str(error)
            bar.advance()
    return checks, failures


def _export_one(reference: "Reference", found: FoundBundle, each: Format, folder: Path) -> "Check":
    """Write one format aside, check it, and give it its name.

    Raises:
        RunError: It cannot be converted, or is not what the model is.
    """
    with _whole_or_none(folder) as partial:
        try:
            with quiet_natives():
                each.write(reference.graph, partial, reference.pictures.calibration)
                check, bars = reference.check(each, partial), reference.bars(each)
        except Exception as error:  # whatever a converter or a runtime raises of a graph that it does not know
            if full_disk(error):
                raise
            raise RunError(f"expected a file that runs, received {_first_line(error)}") from error
        faults = check.faults(bars)
        if faults:
            raise RunError(f"expected what the Keras model gives, received {', '.join(faults)}")
        record = _record(reference, found, each, check)
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        (partial / RECORD_FILE).write_text(text, encoding="utf-8")
    return check


@contextmanager
def _whole_or_none(folder: Path) -> Iterator[Path]:
    """An empty folder aside; it gets the name `folder` where the block ends well, in place of the one before."""
    partial, old = _beside(folder)
    _remove_left(folder)
    partial.mkdir()
    try:
        yield partial
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
    finally:
        _remove_left(folder)


def _remove_left(folder: Path) -> None:
    """Remove what an export that was killed has left beside a folder."""
    for left in _beside(folder):
        shutil.rmtree(left, ignore_errors=True)


def _beside(folder: Path) -> tuple[Path, Path]:
    """Where a folder is made, and where the one that it replaces goes."""
    return folder.with_name(f".{folder.name}.partial"), folder.with_name(f".{folder.name}.old")


def _record(reference: "Reference", found: FoundBundle, each: Format, check: "Check") -> dict[str, Any]:
    """What `export.json` says."""
    card = reference.graph.card
    outputs = {"probabilities": "float32 [batch, classes]"}
    if not each.name.startswith("litert"):
        outputs |= {"classes": "string [batch, classes]", "label": "string [batch]"}
    installed = packages()
    return {
        "format": each.name,
        "file": each.file,
        "input": {"pictures": "uint8 [batch, height, width, 3], RGB, of any height and width"},
        "outputs": outputs,
        "classes": card.classes,
        "image_size": card.image_size,
        "resize": card.resize,
        "temperature": card.temperature,
        "source": {"name": found.name, "run_id": found.run_id, "sha256": card.sha256, "data_digest": card.data_digest},
        "versions": versions() | {pip: installed[pip] for pip in each.packages.values() if pip in installed},
        "check": {"pictures": len(reference.probabilities), "of": reference.pictures.origin, **check.metrics()},
    }


def _say(checks: "dict[str, Check]", reference: "Reference", out: Path) -> None:
    """Print the table, and keep it."""
    from hmexp.inference.export_check import checks_frame, checks_table

    log.info(checks_table(checks, len(reference.probabilities)))
    with replacing(out / TABLE_FILE) as partial:
        checks_frame(checks).to_csv(partial, index=False)
    log.info(f"checked on {reference.pictures.origin}")
    log.info(f"folder  {out}")


def _metrics(checks: "dict[str, Check]") -> dict[str, float]:
    """The figures as MLflow names them."""
    return {f"export/{name}/{key}": value for name, check in checks.items() for key, value in check.metrics().items()}


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
