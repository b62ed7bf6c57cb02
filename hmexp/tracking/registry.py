"""The model registry: versions and the aliases `champion` and `previous`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hmexp.config.errors import UserError, invalid
from hmexp.config.record import MlflowTracking
from hmexp.config.secrets import masked
from hmexp.tracking.model import BUNDLE_DIR, SHA_TAG
from hmexp.tracking.runs import CATALOGUE_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run
    from mlflow.entities.model_registry import RegisteredModel

CHAMPION = "champion"
PREVIOUS = "previous"


PREFIX = "hmexp"
USUAL_LABELS = ("product_group_name", "folder")
"""Labels that a registered model's name leaves out."""


def name_for(run: "Run") -> str:
    """The registry's name of a run's model where none is configured: one a catalogue and label, as `hmexp-sample`."""
    catalogue, label = run.data.tags.get(CATALOGUE_TAG, ""), run.data.params.get("data.label", "")
    parts = [PREFIX, catalogue, "" if label in USUAL_LABELS else label]
    return re.sub(r"[/:]+", "_", "-".join(part for part in parts if part))


def registry_for_reading(client: "MlflowClient", cfg: MlflowTracking) -> "Registry":
    """The registered model of `tracking.model_name`, or the only one that has a champion.

    Raises:
        UserError: There is none, or more than one.
    """
    if cfg.model_name is not None:
        return Registry(client, cfg.model_name)
    names = [model.name for model in client.search_registered_models(max_results=1000) if CHAMPION in model.aliases]
    if not names:
        raise UserError(
            "tracking.model_name: expected a registered champion, received none (`hmexp promote` makes one)"
        )
    if len(names) > 1:
        raise invalid("tracking.model_name", f"one of {', '.join(sorted(names))}", "none", [])
    return Registry(client, names[0])


@dataclass(frozen=True)
class Registry:
    """One registered model.

    Attributes:
        client: MLflow's client.
        name: `tracking.model_name`.
    """

    client: "MlflowClient"
    name: str

    def aliases(self) -> dict[str, str]:
        """Alias -> version; empty where nothing is registered."""
        model = self._model()
        return {} if model is None else {alias: str(number) for alias, number in model.aliases.items()}

    def set_aliases(self, wanted: Mapping[str, str | None]) -> None:
        """Give aliases to versions, or take them away (None), one after another; the ledger makes it whole."""
        before = self.aliases()
        for alias, version in wanted.items():
            if version is not None:
                self.client.set_registered_model_alias(self.name, alias, version)
            elif alias in before:
                self.client.delete_registered_model_alias(self.name, alias)

    def _model(self) -> "RegisteredModel | None":
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None

    def has_version(self, version: str) -> bool:
        """Whether a version is registered."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.get_model_version(self.name, version)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return False
        return True

    def version_of(self, run: "Run") -> str | None:
        """The version that a run's model has already, if any."""
        # By the run alone: a name in a filter would have to fit its grammar.
        found = self.client.search_model_versions(f"run_id = '{run.info.run_id}'")
        return next((str(version.version) for version in found if version.name == self.name), None)

    def register(self, run: "Run", tags: Mapping[str, str]) -> str:
        """Register a run's model, once; give its version.

        Raises:
            UserError: The run has no model, or one that is not as it was logged.
        """
        from hmexp.models.bundle import read_card

        tags = dict(tags) | {SHA_TAG: read_card(self.checked_bundle(run)).sha256}
        version = self.version_of(run)
        if version is None:
            version = self._create(run)
        for key, value in tags.items():
            self.client.set_model_version_tag(self.name, version, key, value)
        return version

    def run_of(self, version: str) -> str:
        """Id of the run that a version comes from."""
        return str(self.client.get_model_version(self.name, version).run_id)

    def version(self, name: str, key: str = "run") -> str:
        """The version that an alias or a version's number means; `key` is the config key that it was given as.

        Raises:
            UserError: There is no such one.
        """
        from mlflow.exceptions import MlflowException

        try:
            if name.isdecimal():
                return str(self.client.get_model_version(self.name, name).version)
            return str(self.client.get_model_version_by_alias(self.name, name).version)
        except MlflowException as error:
            reason = " ".join(masked(str(error)).split())
            expected = f"a model of the registry {self.name}"
            raise UserError(f"{key}: expected {expected}, received {name}: {reason}") from None

    def bundle(self, version: str) -> Path:
        """The folder of the bundle of a version, fetched where the store is on another machine.

        Raises:
            UserError: A model that is not there, or not the one that was registered.
        """
        from hmexp.models.bundle import read_card

        found = self.client.get_model_version(self.name, version)
        folder = self._fetch(found.source, f"{self.name} {version}") / BUNDLE_DIR
        logged = found.tags.get(SHA_TAG)
        if logged is None and found.run_id:  # of a version that an earlier hmexp has registered
            logged = self._logged(self.client.get_run(found.run_id)).tags.get(SHA_TAG)
        _check_hash(read_card(folder).sha256, logged)
        return folder

    def checked_bundle(self, run: "Run") -> Path:
        """The folder of the bundle that a run has logged, as it was logged.

        Raises:
            UserError: The run has no model, or one that is gone or was changed since.
        """
        from hmexp.models.bundle import read_card

        model = self._logged(run)
        folder = self._fetch(model.artifact_location, f"of run {run.info.run_id}") / BUNDLE_DIR
        _check_hash(read_card(folder).sha256, model.tags.get(SHA_TAG))
        return folder

    def _logged(self, run: "Run") -> "LoggedModel":
        outputs = run.outputs.model_outputs if run.outputs else []
        if not outputs:
            raise UserError(f"run: expected a run with a model, received {run.info.run_id} ({run.info.status})")
        return self.client.get_logged_model(outputs[-1].model_id)

    def _fetch(self, place: str, which: str) -> Path:
        """A folder of artifacts, copied where it is on another machine."""
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        try:
            return Path(download_artifacts(place, tracking_uri=self.client.tracking_uri))
        except (MlflowException, OSError) as error:
            reason = " ".join(masked(str(error)).split())
            raise UserError(f"run: expected the model {which} in {masked(place)}, received {reason}") from None

    def _create(self, run: "Run") -> str:
        if self._model() is None:
            self.client.create_registered_model(self.name)
        # Its place rather than `models:/<id>`, which MLflow would look for in the store of the process.
        model = self._logged(run)
        version = self.client.create_model_version(
            self.name, model.artifact_location, run_id=run.info.run_id, model_id=model.model_id, await_creation_for=0
        )
        return str(version.version)


def _check_hash(found: str, logged: str | None) -> None:
    """Raise `UserError` where a model is not the one whose hash the record has."""
    if logged is not None and found != logged:
        raise UserError(
            f"run: expected the model that was logged, of SHA-256 {logged}, received one of SHA-256 {found}"
        )
