"""What a run or an evaluation has saved, read back: enough for its page, without a model."""

import json
import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from omegaconf import OmegaConf

from hmexp.catalogue.pictures import PictureSource
from hmexp.catalogue.root import find_root
from hmexp.catalogue.sample import SAMPLE_VERSION
from hmexp.config.data import MAX_PIXELS
from hmexp.config.errors import UserError
from hmexp.config.stored import stored_config
from hmexp.jobs.folder import JobRecord, read_record
from hmexp.metrics.evaluation import Evaluation, evaluate_logits
from hmexp.reports.gallery import SLICE

PREDICTIONS, HISTORY, METRICS, STRATEGY = "predictions.parquet", "history.csv", "metrics.json", "strategy.json"
SLICE_VALUES, CLASS_COUNTS, LAYERS = "slice_values.parquet", "class_counts.csv", "layers.csv"
EVALUATION, AGAINST = "evaluation.json", "predictions_against.parquet"

PROBABILITY = "p/"
LEAST = 1e-38
REPORTED = ("test", "all", "val", "train")
"""Splits that a page is about, the first that is there."""


@dataclass(frozen=True)
class SavedSplit:
    """A split's figures, computed again from its predictions.

    Attributes:
        evaluation: Metrics, classes, confusion.
        targets: int64 `[pictures]`.
        predictions: As `predictions.parquet` has them.
    """

    evaluation: Evaluation
    targets: np.ndarray
    predictions: pd.DataFrame

    @property
    def logits(self) -> np.ndarray:
        """Logarithms of the probabilities, float64 `[pictures, classes]`."""
        return np.log(np.maximum(self.evaluation.probabilities.astype(np.float64), LEAST))


@dataclass(frozen=True)
class SavedFolder:
    """The folder of a run, or of an evaluation in a run's.

    Attributes:
        path: Of the folder.
        job_dir: Of the run.
    """

    path: Path
    job_dir: Path

    @cached_property
    def splits(self) -> dict[str, SavedSplit]:
        """Every split with predictions.

        Raises:
            UserError: No predictions, or a file that holds something else.
        """
        return read_predictions(self.path / PREDICTIONS)

    @property
    def split(self) -> str:
        """The split that the page is about."""
        return next((name for name in REPORTED if name in self.splits), next(iter(self.splits)))

    @cached_property
    def record(self) -> JobRecord:
        """What the run's folder says of the run."""
        return read_record(self.job_dir)

    def table(self, name: str) -> pd.DataFrame:
        """A CSV file of the folder, its texts as they are; an empty table where it is not there."""
        path = self.path / name
        try:
            return pd.read_csv(path, keep_default_na=False, na_values=[""]) if path.is_file() else pd.DataFrame()
        except (OSError, ValueError) as error:
            raise _damaged(path, "a CSV table", error) from None

    def json(self, name: str) -> dict[str, Any]:
        """A JSON file of the folder; nothing where it is not there."""
        path = self.path / name
        try:
            return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
        except (OSError, ValueError, TypeError) as error:
            raise _damaged(path, "JSON", error) from None

    def text(self, name: str) -> str:
        """A text of the run; nothing where it is not there."""
        path = self.job_dir / name
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

    @property
    def slice_values(self) -> pd.DataFrame | None:
        """Columns of the catalogue by `article_id`, each id once, where they were saved."""
        path = self.path / SLICE_VALUES
        if not path.is_file():
            return None
        try:
            table = pd.read_parquet(path).drop_duplicates("article_id").set_index("article_id")
        except (OSError, ValueError, KeyError) as error:
            raise _damaged(path, "columns of the catalogue", error) from None
        return table.rename(columns=lambda name: str(name).removeprefix(SLICE))

    @property
    def temperature(self) -> float:
        """What the run's logits are divided by; 1 where its bundle does not say."""
        path = self.job_dir / "model" / "card.json"
        try:
            return float(json.loads(path.read_text(encoding="utf-8"))["temperature"])
        except (OSError, ValueError, KeyError, TypeError):
            return 1.0

    @property
    def changes(self) -> tuple[tuple[str, str], ...]:
        """Key and value of what the command chose, beside the presets."""
        try:
            words = [word for word in shlex.split(self.command) if "=" in word and not word.startswith("-")]
        except ValueError:  # a quote that nobody closed
            return ()
        pairs = (word.partition("=") for word in words)
        return tuple((key, value.strip("'\"")) for key, _, value in pairs if not key.startswith("hydra."))

    @property
    def command(self) -> str:
        """The line that repeats the run."""
        try:
            about = OmegaConf.load(self.job_dir / ".hydra" / "hydra.yaml")
        except (OSError, yaml.YAMLError, UnicodeDecodeError):
            return ""
        return str(OmegaConf.select(about, "command", default=""))


def read_predictions(path: Path) -> dict[str, SavedSplit]:
    """The splits of a table of predictions, in its order.

    Raises:
        UserError: No such table.
    """
    if not path.is_file():
        raise UserError(f"{path}: expected the predictions of a run that finished, received none")
    try:
        table = pd.read_parquet(path)
        names = [str(name) for name in table]
        classes = tuple(name.removeprefix(PROBABILITY) for name in names if name.startswith(PROBABILITY))
        parts = table.groupby("split", sort=False)
        return {str(split): _split(str(split), rows, classes) for split, rows in parts}
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(path, "predictions", error) from None


def saved_pictures(folder: Path, cache_path: Path, images: list[str]) -> PictureSource | None:
    """The pictures of the catalogue that a stored config names, where they still are.

    Args:
        folder: With a `config.yaml`.
        cache_path: hmexp's cache folder, where the sample lies.
        images: Paths that will be opened.
    """
    config = stored_config(folder)
    root, csv = (OmegaConf.select(config, f"data.{key}", default=None) for key in ("root", "csv"))
    if not root and not csv:
        place = cache_path / "sample" / SAMPLE_VERSION
    else:
        place = Path(str(root)).expanduser().absolute() if root else Path(str(csv)).expanduser().absolute().parent
    try:
        found = find_root(place)
        return None if found is None else found.named(images)
    except (OSError, UserError):
        return None


def max_pixels(folder: Path) -> int:
    """Pictures with more pixels are not decoded for the page either."""
    return int(OmegaConf.select(stored_config(folder), "data.max_pixels", default=MAX_PIXELS))


def _split(name: str, rows: pd.DataFrame, classes: tuple[str, ...]) -> SavedSplit:
    probabilities = rows[[f"{PROBABILITY}{label}" for label in classes]].to_numpy(np.float64)
    targets = rows["target"].map({label: place for place, label in enumerate(classes)}).to_numpy(np.int64)
    evaluation = evaluate_logits(name, np.log(np.maximum(probabilities, LEAST)), targets, classes)
    return SavedSplit(evaluation, targets, rows.reset_index(drop=True))


def _damaged(path: Path, what: str, error: Exception) -> UserError:
    reason = " ".join(str(error).split())[:200]
    return UserError(f"{path}: expected {what}, received something else ({reason})")
