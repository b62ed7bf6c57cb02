"""The `tracking` and `paths` sections: where runs are recorded and where files lie."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from hmexp.config.errors import require
from hmexp.config.fields import Section, text


@dataclass
class TrackingConfig(Section, key="tracking"):
    """Where runs are recorded; the subclasses say how."""


@dataclass
class NoTracking(TrackingConfig):
    """The job folder only; MLflow is not imported."""


@dataclass
class MlflowTracking(TrackingConfig):
    """Runs, their models and the registry are in MLflow."""

    uri: str | None = text(None, is_path=True)
    """Any MLflow tracking URI; null is the SQLite database under `paths.root`/mlruns."""
    experiment: str = text("hmexp")
    """MLflow experiment."""
    name: str | None = text(None)
    """Name of the run in MLflow alone; null takes `name`."""
    model_name: str | None = text(None)
    """Name in the model registry; null is one a catalogue and label, such as hmexp-sample, or the only one there is."""
    system_metrics: bool = True
    """Record processor, memory, disk and network while training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("experiment", "model_name"):
            value = getattr(self, name)
            require(value is None or bool(value.strip()), f"tracking.{name}", "a name", repr(value))
        ok = not set(self.model_name or "") & set("/:")
        require(ok, "tracking.model_name", "a name without / and :", self.model_name)


@dataclass
class PathsConfig(Section, key="paths"):
    """The only places that hmexp writes to."""

    root: str = text(".", is_path=True)
    """Folder that holds `mlruns/`."""
    cache: str | None = text(None, is_path=True)
    """Folder of image stores and the sample; null is HMEXP_CACHE or the user's cache folder."""

    @property
    def root_path(self) -> Path:
        """Absolute `root`."""
        return Path(self.root).expanduser().absolute()

    @property
    def mlruns(self) -> Path:
        """`<root>/mlruns`."""
        return self.root_path / "mlruns"

    @property
    def cache_path(self) -> Path:
        """Absolute `cache`."""
        chosen = self.cache or os.environ.get("HMEXP_CACHE") or platformdirs.user_cache_dir("hmexp")
        return Path(chosen).expanduser().absolute()
