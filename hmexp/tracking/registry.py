"""The model registry: versions and the aliases `champion` and `previous`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hmexp.config.errors import UserError
from hmexp.config.secrets import masked
from hmexp.tracking.model import BUNDLE_DIR

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

CHAMPION = "champion"
PREVIOUS = "previous"


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
        found = self.client.search_registered_models(f"name = '{self.name}'")
        return {alias: str(number) for alias, number in found[0].aliases.items()} if found else {}

    def version_of(self, run: "Run") -> str | None:
        """The version that a run's model has already, if any."""
        found = self.client.search_model_versions(f"name = '{self.name}' and run_id = '{run.info.run_id}'")
        return str(found[0].version) if found else None

    def register(self, run: "Run", tags: Mapping[str, str]) -> str:
        """Register a run's model, once; give its version.

        Raises:
            UserError: The run has no model.
        """
        version = self.version_of(run)
        if version is None:
            version = self._create(run)
        for key, value in tags.items():
            self.client.set_model_version_tag(self.name, version, key, value)
        return version

    def run_of(self, version: str) -> str:
        """Id of the run that a version comes from."""
        return str(self.client.get_model_version(self.name, version).run_id)

    def bundle(self, name: str) -> Path:
        """The folder of the bundle of an alias or a version, fetched where the store is on another machine.

        Raises:
            UserError: No such alias or version, or a model that is not there.
        """
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        try:
            if name.isdecimal():
                version = self.client.get_model_version(self.name, name)
            else:
                version = self.client.get_model_version_by_alias(self.name, name)
            place = download_artifacts(version.source, tracking_uri=self.client.tracking_uri)
        except (MlflowException, OSError) as error:
            reason = " ".join(masked(str(error)).split())
            raise UserError(f"run: expected a model of the registry {self.name}, received {name}: {reason}") from None
        return Path(place) / BUNDLE_DIR

    def point(self, alias: str, version: str | None) -> None:
        """Move an alias; None takes it away."""
        if version is None:
            self.client.delete_registered_model_alias(self.name, alias)
        else:
            self.client.set_registered_model_alias(self.name, alias, version)

    def _create(self, run: "Run") -> str:
        outputs = run.outputs.model_outputs if run.outputs else []
        if not outputs:
            raise UserError(f"run: expected a run with a model, received {run.info.run_id} ({run.info.status})")
        if not self.client.search_registered_models(f"name = '{self.name}'"):
            self.client.create_registered_model(self.name)
        model_id = outputs[-1].model_id
        # Its place rather than `models:/<id>`, which MLflow would look for in the store of the process.
        source = self.client.get_logged_model(model_id).artifact_location
        version = self.client.create_model_version(
            self.name, source, run_id=run.info.run_id, model_id=model_id, await_creation_for=0
        )
        return str(version.version)
