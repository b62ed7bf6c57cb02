"""The page of a run, from what it has saved: no model is loaded, nothing is computed with."""

from pathlib import Path

from hmexp.catalogue.pictures import BadPicture, PictureSource
from hmexp.config.stored import stored_config
from hmexp.evaluation.answer import findings, lead, scores
from hmexp.evaluation.saved import HISTORY, METRICS, STRATEGY, SavedFolder, max_pixels
from hmexp.evaluation.sections import (
    classes_section,
    confidence_section,
    data_section,
    metrics_section,
    mistakes_section,
    model_section,
    slices_section,
)
from hmexp.files import replacing
from hmexp.metrics.names import PARAMETERS
from hmexp.reports.gallery import Thumbnail
from hmexp.reports.page import RunPage, run_report
from hmexp.store.thumbnails import embedded

THUMBNAIL = 144
"""Pixels of the longer side of a picture on the page."""
PAGE_FILE = "report.html"


def save_page(job_dir: Path, source: PictureSource | None) -> Path:
    """Write `report.html` of a run that finished, from the files of its folder alone.

    Args:
        job_dir: Its folder.
        source: Of the pictures; None where they are not to be found any more.

    Raises:
        UserError: The folder lacks what a page is made of.
    """
    saved = SavedFolder(job_dir, job_dir)
    thumbnail = thumbnails(source, max_pixels(job_dir))
    parts = (
        mistakes_section(saved, thumbnail),
        classes_section(saved),
        metrics_section(saved),
        confidence_section(saved),
        slices_section(saved),
        data_section(saved, thumbnail),
        model_section(saved),
    )
    page = RunPage(
        kind="Run",
        title=saved.record.name or job_dir.name,
        verdict=lead(saved),
        facts=facts(saved),
        tables=(),
        warnings=tuple(text for step in saved.json(STRATEGY).get("steps", []) for text in step["warnings"]),
        figures=(),
        command=repeat(saved),
        config=saved.text("config.yaml"),
        scores=scores(saved),
        findings=findings(saved),
        sections=tuple(part for part in parts if part is not None),
        changes=saved.changes,
        environment=saved.text("environment.txt"),
    )
    return write_page(page, job_dir / PAGE_FILE)


def write_page(page: RunPage, path: Path) -> Path:
    """Write a page; one that is there is whole."""
    with replacing(path) as partial:
        partial.write_text(run_report(page), encoding="utf-8")
    return path


def thumbnails(source: PictureSource | None, limit: int) -> Thumbnail:
    """Reads pictures for a page; those that cannot be read are left empty.

    Args:
        source: Of the pictures.
        limit: Larger pictures, in pixels, are not decoded.
    """

    def thumbnail(image: str) -> str:
        try:
            return "" if source is None else embedded(source, image, THUMBNAIL, limit)
        except BadPicture:
            return ""

    return thumbnail


def facts(saved: SavedFolder) -> tuple[tuple[str, str], ...]:
    """What a reader looks up: name and value."""
    history, metrics, record = saved.table(HISTORY), saved.json(METRICS), saved.record
    monitor = str(stored_config(saved.job_dir).trainer.monitor)
    found = []
    if len(history):
        best = int(metrics.get("best/epoch", 0))
        value = metrics.get(f"best/{monitor}")
        reached = "" if value is None else f" ({monitor} {value:.3f})"
        speed = history["images_per_second"].median()
        found = [
            ("best epoch", f"{best} of {len(history)}{reached}"),
            ("training", f"{history['seconds'].sum():,.1f} s, {speed:,.0f} images/s"),
        ]
    if PARAMETERS in metrics:
        found.append(("parameters", f"{metrics[PARAMETERS]:,.0f}"))
    found += [("precision", record.precision), ("run", record.run_id), ("folder", str(saved.job_dir))]
    return tuple((name, value) for name, value in found if value)


def repeat(saved: SavedFolder) -> str:
    """The lines that have the run again, and this page."""
    lines = [saved.command, "", "# the same with another seed", f"python -m hmexp rerun={saved.record.run_id} seed=1"]
    return "\n".join([*lines, "", "# this page again", f"python -m hmexp report run={saved.record.run_id}"]).strip()
