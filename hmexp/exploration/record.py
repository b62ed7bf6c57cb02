"""A survey in MLflow: a run of its own with the page, the findings and the counts."""

import socket
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from hmexp.config.explore import ExploreConfig
from hmexp.config.record import MlflowTracking
from hmexp.exploration.findings.finding import Finding
from hmexp.exploration.survey import Survey
from hmexp.process import user_name
from hmexp.tracking.events import log_metrics, short_tags
from hmexp.tracking.runs import CATALOGUE_TAG, HOST_TAG, KIND_TAG
from hmexp.tracking.store import create_store


def log_survey(
    cfg: MlflowTracking, config: ExploreConfig, found: Survey, findings: Sequence[Finding], page: Path
) -> str:
    """Make a run of kind `exploration`, which no leaderboard lists, and give its id.

    Raises:
        UserError: A tracking server that does not answer, or a damaged database.
    """
    name = cfg.name or config.name or f"explore {found.catalogue.name}"
    client = create_store(cfg, config.paths)
    experiment = client.get_experiment_by_name(cfg.experiment).experiment_id
    tags = {KIND_TAG: "exploration", CATALOGUE_TAG: found.catalogue.name, HOST_TAG: socket.gethostname()}
    tags |= {"mlflow.source.name": "hmexp", "mlflow.user": user_name()}
    run_id: str = client.create_run(experiment, tags=short_tags(tags), run_name=name).info.run_id
    log_metrics(client, run_id, _numbers(found))
    client.log_artifact(run_id, str(page))
    client.log_dict(run_id, {"findings": [asdict(finding) for finding in findings]}, "findings.json")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "classes.csv"
        found.classes.to_csv(table)
        client.log_artifact(run_id, str(table))
    client.set_terminated(run_id, "FINISHED")
    return run_id


def _numbers(found: Survey) -> dict[str, float]:
    """What one may want to follow as a catalogue grows."""
    catalogue = found.catalogue
    numbers = {
        "articles": catalogue.num_articles,
        "articles_without_picture": len(catalogue.missing),
        "articles_without_label": catalogue.num_unlabelled,
        "labels": len(found.counts),
        "classes": len(found.classes),
        "products": catalogue.rows["group"].nunique(),
    }
    if found.pictures is not None:
        numbers["unreadable_pictures"] = len(found.pictures.quarantine)
    return {f"catalogue/{name}": float(number) for name, number in numbers.items()}
