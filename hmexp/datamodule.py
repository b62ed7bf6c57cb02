"""The DataModule: catalogue, manifest, store and batches behind prepare, setup and train/val/test."""

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hmexp.batches.order import Order, Rows, num_batches
from hmexp.catalogue.manifest import Manifest, own, own_columns
from hmexp.catalogue.merge import merge
from hmexp.catalogue.plan import check_trainable, limit_rows, plan
from hmexp.catalogue.read import read_catalogue
from hmexp.catalogue.report import StrategyReport
from hmexp.config.data import DataConfig
from hmexp.config.errors import UserError, require
from hmexp.config.record import PathsConfig
from hmexp.config.strategies import SPLITS
from hmexp.store import FeatureStore, StageOptions, Store, StoreSpec, stage
from hmexp.store.staging import AS_USUAL
from hmexp.training.backends import backend_named


class DataModule:
    """The data of an experiment; `from_folder`, `from_catalogue` and `sample` make one in Python.

    Making one reads the catalogue's table and tries the strategies, so that whatever is wrong with them is
    said before anything is written. `prepare` writes (the sample, the store), `setup` makes the manifest; the batches
    do both where they have not been done.

    Args:
        cfg: The `data` section.
        paths: The `paths` section.
        backend: What Keras computes with: only TensorFlow is fed by tf.data.
        trains: Whether a model is to learn from it, so that it needs classes, train and val.

    Attributes:
        kind: Option of the group `data` that it was made from.
        manifest: The rows; final after `setup`.
        report: What became of the catalogue.
        digest: Of the manifest and its pictures, 32 hexadecimal digits; empty before `setup`.

    Raises:
        UserError: See `read_catalogue`, `plan` and `check_trainable`.
    """

    def __init__(self, cfg: DataConfig, paths: PathsConfig, backend: str = "tensorflow", trains: bool = True) -> None:
        self.cfg, self.paths, self.backend, self.trains = cfg, paths, backend, trains
        catalogue = read_catalogue(cfg, paths.cache_path)
        require(not catalogue.rows.empty, "data.label", "a column of labels", f"{cfg.label or 'none'}, without any")
        rows = limit_rows(catalogue.rows, cfg.limit)
        self.catalogue = replace(catalogue, rows=rows, num_limited=len(catalogue.rows) - len(rows))
        self.manifest, self.report = self._plan()
        self._store: Store | None = None
        self._features: FeatureStore | None = None
        self.digest = ""
        self.kind = ""

    @classmethod
    def from_folder(cls, root: str | Path, overrides: Sequence[str] = (), **keywords: Any) -> "DataModule":  # noqa: ANN401
        """The data of a folder of pictures a class, optionally under train/, validation/ and test/ (`data=folder`).

        Args:
            root: The folder.
            overrides: Words of the command line, such as `["data/split=stratified", "paths.cache=/tmp/cache"]`.
            **keywords: Keys of the section `data`, such as `image_size=128`.

        Raises:
            UserError: What exit code 2 would say.
        """
        return cls._of("folder", overrides, {"root": str(root), **keywords})

    @classmethod
    def from_catalogue(cls, root: str | Path, overrides: Sequence[str] = (), **keywords: Any) -> "DataModule":  # noqa: ANN401
        """The data of a catalogue in H&M's layout (`data=hm`); see `from_folder`, and `label="department_name"`."""
        return cls._of("hm", overrides, {"root": str(root), **keywords})

    @classmethod
    def from_table(cls, csv: str | Path, overrides: Sequence[str] = (), **keywords: Any) -> "DataModule":  # noqa: ANN401
        """The data of any table of articles (`data=table`): `image_column="file"`, `label="kind"`, ..."""
        return cls._of("table", overrides, {"csv": str(csv), **keywords})

    @classmethod
    def sample(cls, overrides: Sequence[str] = (), **keywords: Any) -> "DataModule":  # noqa: ANN401
        """The data of the generated catalogue (`data=sample`); see `from_folder`."""
        return cls._of("sample", overrides, keywords)

    @classmethod
    def _of(cls, kind: str, overrides: Sequence[str], keywords: dict[str, Any]) -> "DataModule":
        from hmexp.config.compose import compose_words, explained, put_values
        from hmexp.config.schemas import to_config
        from hmexp.config.verbs import RunConfig

        composed = compose_words([f"data={kind}", f"backend={process_backend()}", *overrides])
        put_values(composed.tree, "data", keywords)
        with explained():
            config = to_config(composed.tree, RunConfig)
        made = cls(config.data, config.paths, config.backend)
        made.kind = kind
        return made

    @property
    def store(self) -> Store:
        """The image store; there after `prepare`."""
        if self._store is None:
            raise RuntimeError("expected prepare() before the store is used")
        return self._store

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, by target."""
        return self.manifest.classes

    @property
    def images(self) -> list[str]:
        """Paths of all the catalogue's pictures."""
        return sorted(self.catalogue.rows["image"].unique())

    @property
    def quarantine(self) -> pd.DataFrame:
        """Pictures that could not be read: `image, reason`."""
        return self.store.quarantine

    def resized(self, image_size: int, resize: str) -> "DataModule":
        """The same catalogue with its pictures brought to another size; not prepared yet."""
        other = copy(self)
        other.cfg, other._store = replace(self.cfg, image_size=image_size, resize=resize), None
        return other

    def with_features(self, features: FeatureStore) -> "DataModule":
        """The same data with the features of its pictures in their place: batches of float32 `[batch, width]`."""
        other = copy(self)
        other._features = features
        return other

    def prepare(self, options: StageOptions = AS_USUAL) -> Store:
        """Draw the sample where it is missing, and build or open the image store.

        Args:
            options: How the store is come by.

        Raises:
            UserError: Too little disk, a damaged store, or more than `data.max_bad_fraction` bad pictures.
        """
        self.catalogue.prepare()
        spec = StoreSpec(self.cfg.image_size, self.cfg.resize, self.cfg.max_pixels)
        self._store = stage(self.catalogue.source, self.images, spec, self.paths.cache_path, options)
        self._check_bad_fraction()
        return self._store

    def setup(self) -> tuple[Manifest, StrategyReport]:
        """Make the manifest without the pictures in quarantine, and its digest."""
        digests = dict(zip(images, self.store.digests(images), strict=True)) if (images := self._stored()) else {}
        self.manifest, self.report = self._plan(self.quarantine["image"], digests)
        self.digest = self.manifest.digest(self.store.content_digest)
        return self.manifest, self.report

    def setup_once(self) -> None:
        """Prepare and set up, unless that is done."""
        if not self.digest:
            self.prepare()
            self.setup()

    def train_batches(self, batch_size: int = 32, seed: int = 0, epochs: int = 1) -> Any:  # noqa: ANN401
        """Shuffled batches of train, one epoch after another; the order is a function of (seed, epoch).

        Returns:
            A `tf.data.Dataset` on TensorFlow, a `keras.utils.PyDataset` elsewhere, of `(pictures uint8 [batch, height,
            width, 3], targets int64 [batch])`, and weights float32 `[batch]` where the balance strategy weighs classes.
        """
        self.setup_once()
        part = self.part(self.rows("train"))
        order = Order(batch_size, seed, first_epoch=1, last_epoch=epochs, steps=num_batches(len(part), batch_size))
        return self.shuffled_batches(part, order)

    def val_batches(self, batch_size: int = 32) -> Any:  # noqa: ANN401
        """Batches of val in the order of the manifest: `(pictures, targets)`, as `train_batches` has them."""
        self.setup_once()
        return self.ordered_batches(self.part(self.rows("val")), batch_size)

    def test_batches(self, batch_size: int = 32) -> Any:  # noqa: ANN401
        """Batches of test, alike."""
        self.setup_once()
        return self.ordered_batches(self.part(self.rows("test")), batch_size)

    def rows(self, split: str, limit: int | None = None) -> pd.DataFrame:
        """Rows of one split; with `limit` a sample of them that depends on nothing but the manifest."""
        rows = self.manifest.of_split(split).drop_duplicates("article_id") if limit else self.manifest.of_split(split)
        if limit is not None and len(rows) > limit:
            rows = rows.iloc[np.sort(np.random.default_rng(0).permutation(len(rows))[:limit])]
        return rows

    def shuffled_batches(self, part: Rows, order: Order) -> Any:  # noqa: ANN401
        """Batches of whole epochs; see `hmexp.batches.tensorflow.train_batches`."""
        return self._batches().train_batches(self._features or self.store, part, order)

    def ordered_batches(self, part: Rows, batch_size: int) -> Any:  # noqa: ANN401
        """Batches of one pass; see `hmexp.batches.tensorflow.ordered_batches`."""
        return self._batches().ordered_batches(self._features or self.store, part, batch_size)

    def part(self, rows: pd.DataFrame, grouped: bool = False) -> Rows:
        """Rows of the manifest as the batches want them, with their groups where these are asked for."""
        weights = rows["weight"].to_numpy(np.float32)
        places = self.store.rows(rows["image"].tolist())
        groups = pd.factorize(rows["group"])[0].astype(np.int64) if grouped else None
        return Rows(places, rows["target"].to_numpy(np.int64), None if np.all(weights == 1.0) else weights, groups)

    def merged_counts(self) -> pd.Series:
        """Articles of each class after merging, before anything is left out."""
        return merge(self.cfg.merge, Manifest.from_rows(self.catalogue.rows))[0].frame["label"].value_counts()

    def sizes(self) -> dict[str, int]:
        """Rows of each split that has any."""
        counts = self.manifest.frame["split"].value_counts()
        return {split: int(counts[split]) for split in SPLITS if split in counts}

    @property
    def columns(self) -> list[str]:
        """The catalogue's own columns."""
        return own_columns(self.catalogue.rows)

    def column_values(self, columns: Sequence[str]) -> pd.DataFrame:
        """Columns of the catalogue under their own names, by `article_id`."""
        rows = self.catalogue.rows.set_index("article_id")
        return rows[[own(name) for name in columns]].set_axis(list(columns), axis=1)

    def _stored(self) -> list[str]:
        """Paths of the pictures that have a row in the store."""
        bad = set(self.quarantine["image"])
        return [image for image in self.images if image not in bad]

    def _plan(
        self, quarantined: Collection[str] = (), digests: Mapping[str, str] | None = None
    ) -> tuple[Manifest, StrategyReport]:
        planned = plan(self.cfg, self.catalogue, quarantined, digests)
        if self.trains:
            check_trainable(planned[0])
        return planned

    def _batches(self) -> Any:  # noqa: ANN401
        """What feeds this backend."""
        return backend_named(self.backend).batches()

    def _check_bad_fraction(self) -> None:
        bad, total = self.quarantine, len(self.images)
        if len(bad) > self.cfg.max_bad_fraction * total:
            first = bad.iloc[0]
            raise UserError(
                f"data.max_bad_fraction: expected at most {self.cfg.max_bad_fraction:.2%} of the pictures unreadable, "
                f"received {len(bad) / total:.2%} ({len(bad)} of {total:,}; "
                f"the first is {first['image']}: {first['reason']})"
            )


def process_backend() -> str:
    """What Keras computes with in this process, or will: `KERAS_BACKEND`, or else TensorFlow."""
    keras = sys.modules.get("keras")
    if keras is not None:
        return str(keras.backend.backend())
    return os.environ.get("KERAS_BACKEND", "tensorflow")
