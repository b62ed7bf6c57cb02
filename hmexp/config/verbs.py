"""The root of each verb's configuration."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from hmexp.config.augment import AugmentConfig
from hmexp.config.callbacks import CallbackConfig
from hmexp.config.data import DataConfig
from hmexp.config.errors import one_of, require
from hmexp.config.fields import Section, number, text
from hmexp.config.loss import LossConfig
from hmexp.config.model import ModelConfig
from hmexp.config.optimizer import OptimizerConfig
from hmexp.config.record import MlflowTracking, PathsConfig, TrackingConfig
from hmexp.config.schedule import ScheduleConfig
from hmexp.config.training import TrainerConfig

BACKENDS = ("tensorflow", "jax", "torch")
EXPORT_FORMATS = ("savedmodel", "onnx", "litert", "litert_fp16", "litert_int8")


@dataclass
class RunConfig(Section):
    """One training: everything that `train` and `stage` read."""

    data: DataConfig = MISSING
    augment: AugmentConfig = MISSING
    model: ModelConfig = MISSING
    loss: LossConfig = MISSING
    optimizer: OptimizerConfig = MISSING
    schedule: ScheduleConfig = MISSING
    trainer: TrainerConfig = MISSING
    tracking: TrackingConfig = MISSING
    callbacks: dict[str, CallbackConfig] = field(default_factory=dict)
    """Keras callbacks beside hmexp's own: callbacks=[NAME,...]."""
    paths: PathsConfig = field(default_factory=PathsConfig)
    seed: int = number(0, ge=0, le=2**32 - 1)
    """Seed of weights, order, augmentation and dropout (0 is a seed). Data has seeds of its own."""
    deterministic: bool = False
    """The same bits from the same seed, at the cost of speed."""
    backend: str = "tensorflow"
    """What Keras computes with."""
    resume: str | None = text(None, is_path=True)
    """RUN that did not finish: goes on in its folder, with its config, from its last checkpoint. With -m: SWEEP."""
    rerun: str | None = text(None, is_path=True)
    """RUN that is repeated from its stored config; overrides go on top."""
    fork: str | None = text(None, is_path=True)
    """RUN whose last checkpoint a new run starts from; overrides go on top."""
    seeds: int = number(1, ge=1, le=1000)
    """With -m: runs of each point of the sweep, with `seed`, `seed` + 1, ...; the table has their mean and interval."""
    folds: int = number(1, ge=1, le=1000)
    """With -m: cross-validation, a run a fold of train and val; groups stay whole, test stays out. 1 is none."""
    plugins: list[str] = field(default_factory=list)
    """Modules of yours that register config schemas and builders, read before anything else."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("backend", self.backend, BACKENDS)


@dataclass
class EvaluateConfig(RunConfig):
    """`evaluate`: a run's model on a split. All other keys are the run's own, unless they are given."""

    run: str | None = text(None, is_path=True)
    """RUN whose model is evaluated."""
    split: str = "test"
    """train, val, test or all; with `data=... data.root=...` of another catalogue."""
    against: str | None = text(None, is_path=True)
    """RUN whose model is put beside it, with a paired test."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("split", self.split, ("train", "val", "test", "all"))


@dataclass
class RegistryConfig(Section):
    """What the verbs that read the record share."""

    tracking: MlflowTracking = field(default_factory=MlflowTracking)
    paths: PathsConfig = field(default_factory=PathsConfig)
    plugins: list[str] = field(default_factory=list)
    """Modules of yours, read before anything else."""


@dataclass
class RunsConfig(RegistryConfig):
    """`runs`: the leaderboard."""

    metric: str = "best/val/macro_f1"
    """Column that the table is sorted by, the best first."""
    limit: int = number(20, ge=1, le=1_000_000)
    """Rows to print."""
    sweep: str | None = text(None, is_path=True)
    """SWEEP whose table is printed instead: its name, `latest`, an id of its run in MLflow, or its folder."""


@dataclass
class PromoteConfig(RegistryConfig):
    """`promote`: a run's model becomes the champion."""

    run: str | None = text(None, is_path=True)
    """RUN; null takes the best by `metric` on the newest data digest."""
    metric: str = "best/val/macro_f1"
    """Metric that decides which run is the best."""


@dataclass
class RollbackConfig(RegistryConfig):
    """`rollback`: the champion before becomes the champion again."""


@dataclass
class ExportConfig(RegistryConfig):
    """`export`: a model as files for other runtimes, each checked against the Keras model on real pictures."""

    run: str = text("champion", is_path=True)
    """A registered model (champion, previous, a version), RUN, or the folder of a bundle."""
    formats: list[str] = field(default_factory=lambda: list(EXPORT_FORMATS))
    """Kinds of files: savedmodel, onnx, litert, litert_fp16, litert_int8."""
    out: str | None = text(None, is_path=True)
    """Folder that gets a folder a format; null is `paths.root`/mlruns/exports/NAME, by the model."""
    pictures: str | None = text(None, is_path=True)
    """Folder of pictures to check on and to calibrate int8 with; null takes the run's own val and train."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(len(self.formats) > 0, "formats", f"some of {', '.join(EXPORT_FORMATS)}", "none")
        for name in self.formats:
            one_of("formats", name, EXPORT_FORMATS)


@dataclass
class UiConfig(RegistryConfig):
    """`ui`: the MLflow UI on the right store."""

    port: int = number(5000, ge=1, le=65_535)
    """Port on 127.0.0.1."""
    browser: bool = True
    """Open the page in the browser, where a terminal asked for it."""
