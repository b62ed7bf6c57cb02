"""The verb `report`: a page drawn again from what a run, an evaluation or a sweep has saved."""

from pathlib import Path

from hmexp.catalogue.pictures import PictureSource
from hmexp.catalogue.root import find_root
from hmexp.config.errors import UserError
from hmexp.config.invocation import Invocation
from hmexp.config.verbs import ReportConfig
from hmexp.console import log, progress
from hmexp.evaluation.evaluation_page import evaluation_folder, save_evaluation_page
from hmexp.evaluation.page import save_page
from hmexp.evaluation.saved import PREDICTIONS, SavedFolder, saved_pictures
from hmexp.jobs.find import FoundJob, find_job
from hmexp.sweeps.folder import find_sweep
from hmexp.sweeps.page import save_sweep_page


def report(config: ReportConfig, invocation: Invocation) -> Path:
    """Draw the page that the configuration names, and give its file.

    Raises:
        UserError: No such run, or one whose files do not suffice.
    """
    with progress("drawing the page"):
        page = _of_sweep(config, config.sweep) if config.sweep is not None else _of_run(config, str(config.run))
    log.info(f"report  {page}")
    return page


def _of_sweep(config: ReportConfig, sweep: str) -> Path:
    return save_sweep_page(find_sweep(config.paths, "sweep", sweep))


def _of_run(config: ReportConfig, run: str) -> Path:
    evaluation = evaluation_folder(run)
    if evaluation is not None:
        return save_evaluation_page(evaluation.path, _pictures(config, evaluation))
    found = find_job(config.paths, "run", run, _has_predictions, "that finished ")
    if not _has_predictions(found):
        expected = "a run that finished, or the folder of an evaluation"
        raise UserError(f"run: expected {expected}, received {found.path.name}, which has no {PREDICTIONS}")
    saved = SavedFolder(found.path, found.path)
    return save_page(found.path, _pictures(config, saved))


def _pictures(config: ReportConfig, saved: SavedFolder) -> PictureSource | None:
    """The pictures where they are said to be, or where the run found them; a warning where they are not."""
    images = [str(image) for split in saved.splits.values() for image in split.predictions["image"]]
    if config.pictures is not None:
        place = find_root(Path(config.pictures).expanduser().absolute())
        if place is None:
            expected = "a folder or an archive of pictures that is there"
            raise UserError(f"pictures: expected {expected}, received {config.pictures}")
        return place.named(images)
    source = saved_pictures(saved.job_dir, config.paths.cache_path, images)
    if source is None:
        log.warning("the catalogue is not where the run found it, so the page has no pictures (pictures=FOLDER)")
    return source


def _has_predictions(job: FoundJob) -> bool:
    return (job.path / PREDICTIONS).is_file()
