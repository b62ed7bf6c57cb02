"""The DataModule: catalogue, manifest, store and batches behind prepare, setup and train/val/test."""

import importlib
from collections.abc import Collection
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from hmexp.batches.order import Order, Rows
from hmexp.catalogue.manifest import Manifest
from hmexp.catalogue.merge import merge
from hmexp.catalogue.plan import check_trainable, limit_rows, plan
from hmexp.catalogue.read import Catalogue, read_catalogue
from hmexp.catalogue.report import StrategyReport
from hmexp.config.data import DataConfig
from hmexp.config.errors import UserError
from hmexp.config.record import PathsConfig
from hmexp.config.strategies import SPLITS
from hmexp.store import Store, StoreSpec, stage


class DataModule:
    """The data of an experiment.

    Making one reads the catalogue's table and tries the strategies, so that whatever is wrong with them is
    said before anything is written. `prepare` writes (the sample, the store), `setup` makes the manifest.

    Args:
        cfg: The `data` section.
        paths: The `paths` section.
        backend: What Keras computes with: only TensorFlow is fed by tf.data.
        trains: Whether a model is to learn from it, so that it needs classes, train and val.

    Raises:
        UserError: See `read_catalogue`, `plan` and `check_trainable`.
    """

    def __init__(self, cfg: DataConfig, paths: PathsConfig, backend: str = "tensorflow", trains: bool = True) -> None:
        self.cfg, self.paths, self.backend, self.trains = cfg, paths, backend, trains
        catalogue = read_catalogue(cfg, paths.cache_path)
        rows = limit_rows(catalogue.rows, cfg.limit)
        self.catalogue = Catalogue(**(vars(catalogue) | {"rows": rows}))
        self.manifest, self.report = self._plan()
        self._store: Store | None = None
        self.digest = ""

    @property
    def store(self) -> Store:
        """The image store; there after `prepare`."""
        if self._store is None:
            raise RuntimeError("expected prepare() before the store is used")
        return self._store

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes by target."""
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

    def prepare(self, verify: bool = False) -> Store:
        """Draw the sample where it is missing, and build or open the image store.

        Args:
            verify: Check every checksum of a store that is there already.

        Raises:
            UserError: Too little disk, a damaged store, or more than `data.max_bad_fraction` bad pictures.
        """
        self.catalogue.prepare()
        spec = StoreSpec(self.cfg.image_size, self.cfg.resize, self.cfg.max_pixels)
        self._store = stage(self.catalogue.source, self.images, spec, self.paths.cache_path, verify=verify)
        self._check_bad_fraction()
        return self._store

    def setup(self) -> tuple[Manifest, StrategyReport]:
        """Make the manifest without the pictures in quarantine, and its digest."""
        self.manifest, self.report = self._plan(self.quarantine["image"])
        self.digest = self.manifest.digest(self.store.content_digest)
        return self.manifest, self.report

    def rows(self, split: str, limit: int | None = None) -> pd.DataFrame:
        """Rows of one split; with `limit` a sample of them that depends on nothing but the manifest."""
        rows = self.manifest.of_split(split).drop_duplicates("article_id") if limit else self.manifest.of_split(split)
        if limit is not None and len(rows) > limit:
            rows = rows.iloc[np.sort(np.random.default_rng(0).permutation(len(rows))[:limit])]
        return rows

    def train_batches(self, part: Rows, order: Order) -> Any:  # noqa: ANN401
        """Batches of whole epochs; see `hmexp.batches.tensorflow.train_batches`."""
        return self._batches().train_batches(self.store, part, order)

    def ordered_batches(self, part: Rows, batch_size: int) -> Any:  # noqa: ANN401
        """Batches of one pass; see `hmexp.batches.tensorflow.ordered_batches`."""
        return self._batches().ordered_batches(self.store, part, batch_size)

    def part(self, rows: pd.DataFrame) -> Rows:
        """Rows of the manifest as the batches want them."""
        weights = rows["weight"].to_numpy(np.float32)
        places = self.store.rows(rows["image"].tolist())
        return Rows(places, rows["target"].to_numpy(np.int64), None if np.all(weights == 1.0) else weights)

    def merged_counts(self) -> pd.Series:
        """Articles of each class after merging, before anything is left out."""
        return merge(self.cfg.merge, Manifest.from_rows(self.catalogue.rows))[0].frame["label"].value_counts()

    def sizes(self) -> dict[str, int]:
        """Rows of each split that has any."""
        counts = self.manifest.frame["split"].value_counts()
        return {split: int(counts[split]) for split in SPLITS if split in counts}

    def _plan(self, quarantined: Collection[str] = ()) -> tuple[Manifest, StrategyReport]:
        planned = plan(self.cfg, self.catalogue, quarantined)
        if self.trains:
            check_trainable(planned[0])
        return planned

    def _batches(self) -> Any:  # noqa: ANN401
        """The module that feeds this backend."""
        return importlib.import_module(f"hmexp.batches.{'tensorflow' if self.backend == 'tensorflow' else 'arrays'}")

    def _check_bad_fraction(self) -> None:
        bad, total = self.quarantine, len(self.images)
        if len(bad) > self.cfg.max_bad_fraction * total:
            first = bad.iloc[0]
            raise UserError(
                f"data.max_bad_fraction: expected at most {self.cfg.max_bad_fraction:.2%} of the pictures unreadable, "
                f"received {len(bad) / total:.2%} ({len(bad)} of {total:,}; "
                f"the first is {first['image']}: {first['reason']})"
            )
