"""The root of each verb's configuration."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from hmexp.config.augment import AugmentConfig
from hmexp.config.callbacks import CallbackConfig
from hmexp.config.data import DataConfig
from hmexp.config.errors import one_of, require
from hmexp.config.fields import Section, choice, number, text
from hmexp.config.guard import GuardConfig
from hmexp.config.loss import LossConfig
from hmexp.config.model import ModelConfig
from hmexp.config.optimizer import OptimizerConfig
from hmexp.config.record import MlflowTracking, PathsConfig, TrackingConfig
from hmexp.config.schedule import ScheduleConfig
from hmexp.config.training import TrainerConfig

RUNNERS = ("local", "ray")
BACKENDS = ("tensorflow", "jax", "torch")
CLEANED_KINDS = ("runs", "stores", "leftovers", "checkpoints")
CLEANED_STATES = ("failed", "pruned", "killed")
RESERVED = ("latest", "champion", "previous")
"""What RUN, or a model of the registry, may be called beside its own names."""
EXPORT_FORMATS = ("savedmodel", "onnx", "litert", "litert_fp16", "litert_int8")


@dataclass
class RunConfig(Section):
    """One training: everything that `train` reads."""

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
    name: str | None = text(None)
    """Name of the run in its folder, in MLflow and in `runs`; null makes one of what the command changed."""
    seed: int = number(0, ge=0, le=2**32 - 1)
    """Seed of weights, order, augmentation and dropout (0 is a seed). Data has seeds of its own."""
    deterministic: bool = False
    """The same bits from the same seed, at the cost of speed."""
    backend: str = choice("tensorflow", BACKENDS)
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
        expected = f"a name without / that is no other way to name a run or a model ({', '.join(RESERVED)}, a number)"
        require(self.name is None or _is_free(self.name), "name", expected, repr(self.name))


def _is_free(name: str) -> bool:
    printed = name.strip()
    return (
        printed == name != ""
        and name.isprintable()
        and "/" not in name
        and not name.isdecimal()
        and name not in RESERVED
    )


@dataclass
class StageConfig(RunConfig):
    """`stage`: the image store of a run. It takes whatever `train` takes."""

    runner: str = choice("local", RUNNERS)
    """Where pictures are decoded: `local`, or `ray`: over the processes of the cluster at RAY_ADDRESS, or of this
    machine."""


@dataclass
class EvaluateConfig(RunConfig):
    """`evaluate`: a run's model on a split. All other keys are the run's own, unless they are given."""

    run: str | None = text(None, is_path=True)
    """RUN whose model is evaluated, or a registered model: champion, previous, a version."""
    split: str = choice("test", ("train", "val", "test", "all"))
    """train, val, test or all; with `data=... data.root=...` of another catalogue."""
    against: str | None = text(None, is_path=True)
    """RUN, or a registered model, that is put beside it, with a paired test."""


@dataclass
class RegistryConfig(Section):
    """What the verbs that read the record share."""

    tracking: MlflowTracking = field(default_factory=MlflowTracking)
    paths: PathsConfig = field(default_factory=PathsConfig)
    plugins: list[str] = field(default_factory=list)
    """Modules of yours, read before anything else."""


@dataclass
class RunsConfig(RegistryConfig):
    """`runs`: the leaderboard, a table for each data that runs learned from."""

    metric: str = "best/val/macro_f1"
    """What runs are ranked by, the best first; where they were repeated with other seeds, the mean."""
    filter: str | None = text(None)
    """Which runs, in MLflow's grammar: "metrics.`test/accuracy` > 0.8 and params.`trainer.epochs` = '5'"."""
    sort: str | None = text(None)
    """Another column that orders the rows; with - before it the largest first."""
    columns: list[str] | None = text(None)
    """Columns instead of the usual ones: the table's, or any metric or param of the runs, such as [name,model.norm]."""
    limit: int = number(20, ge=1, le=1_000_000)
    """Rows at most of each table."""
    format: str = choice("table", ("table", "json", "csv"))
    """`table`, or `json` or `csv` of all columns on the standard output."""
    compare: str | None = text(None)
    """RUNs with commas between them: how their configurations differ, and their metrics side by side."""
    sweep: str | None = text(None, is_path=True)
    """SWEEP whose table is printed instead: its name, `latest`, an id of its run in MLflow, or its folder."""


@dataclass
class ReportConfig(RegistryConfig):
    """`report`: draws a page again from what was saved; nothing is trained, no model is loaded."""

    run: str | None = text(None, is_path=True)
    """RUN that finished, or the folder of an evaluation, whose page is drawn."""
    sweep: str | None = text(None, is_path=True)
    """SWEEP instead: its name, `latest`, an id of its run in MLflow, or its folder."""
    pictures: str | None = text(None, is_path=True)
    """Where the catalogue's pictures are now; null looks where the run found them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one = (self.run is None) != (self.sweep is None)
        require(one, "run", "run=RUN or sweep=SWEEP", "neither" if self.run is None else "both")


@dataclass
class PromoteConfig(RegistryConfig):
    """`promote`: a run's model becomes the champion, if it is better than the champion on articles new to both."""

    run: str | None = text(None, is_path=True)
    """RUN that challenges the champion; null takes the best by `metric` on the champion's data or the newest run's."""
    metric: str = "best/val/macro_f1"
    """Metric that decides which run is the best."""
    guard: GuardConfig = MISSING
    force: bool = False
    """Promote whatever the guards say; needs `reason`."""
    reason: str | None = text(None)
    """Why, for the ledger."""
    history: bool = False
    """Print the ledger of promotions, refusals and rollbacks, and do nothing."""
    limit: int = number(20, ge=1, le=1_000_000)
    """Entries of the ledger at most, the newest first."""

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.reason is not None and self.reason.strip() != ""
        require(given or not self.force, "reason", "a reason=... beside force=true, for the ledger", "none")


@dataclass
class RollbackConfig(RegistryConfig):
    """`rollback`: the champion before becomes the champion again."""

    version: int | None = number(None, ge=1, le=1_000_000_000)
    """Version that was the champion once; null is the one before."""
    reason: str | None = text(None)
    """Why, for the ledger."""


@dataclass
class InferenceConfig(RegistryConfig):
    """What the verbs that put a catalogue's pictures through a model share."""

    data: DataConfig | None = None
    """Catalogue that is read."""
    run: str = text("champion", is_path=True)
    """A registered model (champion, previous, a version), RUN, or the folder of a bundle."""
    batch_size: int = number(128, ge=1, le=65_536)
    """Pictures at a time."""
    backend: str = choice("tensorflow", BACKENDS)
    """What Keras computes with."""
    device: str = "auto"
    """`auto`, `cpu`, `gpu` or one GPU by its number, such as `gpu:1`."""
    runner: str = choice("local", RUNNERS)
    """`local`, or `ray`: over the processes of the cluster at RAY_ADDRESS, or of this machine."""


@dataclass
class PredictConfig(InferenceConfig):
    """`predict`: classifies a catalogue, or any pictures, with the champion or another model."""

    source: str | None = text(None, is_path=True)
    """Pictures instead of a catalogue: a folder, a zip archive, or a CSV or Parquet table of paths."""
    image_column: str | None = text(None)
    """Column of the paths where `source` is a table; null is its only column, or the one called image, path or file."""
    out: str = text("predictions.parquet", is_path=True)
    """Table that is written: .parquet or .csv."""
    top_k: int = number(3, ge=1, le=1000)
    """Likeliest classes in the table, with their confidence."""
    reject: float | None = number(None, gt=0, lt=1)
    """Precision on val, such as 0.95, that those above a threshold of the confidence have; the rest is `unknown`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        ending = self.out.rpartition(".")[2].lower()
        require(ending in ("parquet", "csv"), "out", "a name that ends in .parquet or .csv", self.out)


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


@dataclass
class FetchConfig(Section):
    """`fetch`: H&M's Kaggle archive, extracted or downloaded."""

    zip: str | None = text(None, is_path=True)
    """The downloaded archive, whose articles.csv, customers.csv, transactions_train.csv and images/ are extracted."""
    to: str | None = text(None, is_path=True)
    """Folder to extract, or to download, into; null is one named after the archive in the current folder for zip=FILE,
    and the current folder for kaggle=true."""
    kaggle: bool = False
    """Download the archive (about 35 GB) with Kaggle's own client, whose credentials you have set."""


@dataclass
class CleanConfig(Section):
    """`clean`: lists what is left behind, and removes it with `yes=true`."""

    tracking: TrackingConfig = MISSING
    paths: PathsConfig = field(default_factory=PathsConfig)
    plugins: list[str] = field(default_factory=list)
    """Modules of yours, read before anything else."""
    yes: bool = False
    """Remove what the same command lists without it."""
    kinds: list[str] = field(default_factory=lambda: ["runs", "stores", "leftovers"])
    """What may go: runs, stores, leftovers (of killed commands), checkpoints (of finished runs, for fork=RUN)."""
    states: list[str] = field(default_factory=lambda: ["failed", "pruned"])
    """Which runs may go: failed, pruned, killed (interrupted or died; resume=RUN goes on with them)."""
    older_than: float = number(7.0, ge=0, le=36_500)
    """Days at least since a run, a leftover or a checkpoint has changed, or a store was read."""
    limit: int = number(20, ge=1, le=1_000_000)
    """Rows at most of each kind, the largest first."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for key, names, valid in (("kinds", self.kinds, CLEANED_KINDS), ("states", self.states, CLEANED_STATES)):
            require(bool(names), key, f"some of {', '.join(valid)}", "none")
            for name in names:
                one_of(key, name, valid)
