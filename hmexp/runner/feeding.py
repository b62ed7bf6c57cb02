"""What the steps of a training are given: batches in their order, streamed from the store or gathered on the device."""

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from hmexp.batches.order import Order, Rows, epoch_order, num_batches
from hmexp.config.verbs import RunConfig
from hmexp.console import log
from hmexp.datamodule import DataModule
from hmexp.metrics.names import is_retrieval
from hmexp.training.backends import Device
from hmexp.training.device_data import PlacedPictures
from hmexp.training.loaders import DataLoaders
from hmexp.training.placement import Placement, place_pictures


@dataclass(frozen=True)
class Feeding:
    """Makes the batches of one training.

    Attributes:
        config: The whole configuration.
        data: Prepared; its train is what is shuffled and, where it fits, copied to the device.
        device: What computes.
    """

    config: RunConfig
    data: DataModule
    device: Device

    @property
    def steps_per_epoch(self) -> int:
        """Of training."""
        cfg = self.config.trainer
        return num_batches(len(self.data.rows("train")), cfg.batch_size, cfg.limit_batches)

    @cached_property
    def placement(self) -> Placement:
        """Where the training pictures shall be, decided before anything takes memory.

        Raises:
            UserError: See `place_pictures`.
        """
        rows = np.unique(self._train_part().rows)
        return place_pictures(self.config.trainer, self.device, len(rows) * self.data.store.spec.row_bytes)

    def placed(self, fed: DataModule) -> DataLoaders:
        """Batches of train and val, with the pictures of train where `placement` says; they are copied there."""
        streamed = self.streamed(fed)
        return self._on_device(streamed) if self.placement.on_device else streamed

    def _on_device(self, streamed: DataLoaders) -> DataLoaders:
        start = time.perf_counter()
        train, trainer = self._train_part(), self.config.trainer
        rows, places = np.unique(train.rows, return_inverse=True)
        feed = self.device.backend.device_data(self.config.deterministic)
        with self.device.scope():
            pictures = feed.place(self.data.store.read(rows))
        log.info(f"{len(rows):,} pictures copied to the device in {time.perf_counter() - start:.1f} s")
        part = replace(train, rows=places)

        def batches(first_epoch: int, first_step: int, last_epoch: int) -> Any:  # noqa: ANN401
            order = self._order(len(train), first_epoch, first_step, last_epoch)
            return feed.batches(part, order, trainer.checkpoint_steps)

        return replace(streamed, train=batches, placed=PlacedPictures(pictures, feed))

    def _train_part(self) -> Rows:
        return self.data.part(self.data.rows("train"), grouped=self.config.loss.rows_together > 1)

    def _order(self, num: int, first_epoch: int, first_step: int, last_epoch: int) -> Order:
        """How `num` rows of train are read."""
        cfg = self.config.trainer
        return Order(
            batch_size=cfg.batch_size,
            seed=self.config.seed,
            first_epoch=first_epoch,
            last_epoch=last_epoch,
            steps=num_batches(num, cfg.batch_size, cfg.limit_batches),
            first_step=first_step,
            augment=self.config.augment if self.config.augment.active or cfg.image_sizes else None,
            together=self.config.loss.rows_together,
        )

    def streamed(self, fed: DataModule) -> DataLoaders:
        """Batches of train and val, streamed from the store of `fed`: the data, or that with features for pictures."""
        cfg = self.config.trainer
        train = self._train_part()
        val = self.data.part(self.data.rows("val"), grouped=is_retrieval(cfg.monitor))

        def batches(first_epoch: int, first_step: int, last_epoch: int) -> Any:  # noqa: ANN401
            return fed.shuffled_batches(train, self._order(len(train), first_epoch, first_step, last_epoch))

        return DataLoaders(
            train=batches,
            val=fed.ordered_batches(val, cfg.batch_size),
            steps_per_epoch=self.steps_per_epoch,
            whole_epoch=num_batches(len(train), cfg.batch_size),
            val_steps=num_batches(len(val), cfg.batch_size, cfg.limit_batches),
            plain=self._plain(fed, train) if cfg.precise_norm else None,
            val_groups=val.groups,
        )

    def _plain(self, fed: DataModule, train: Rows) -> Any:  # noqa: ANN401
        """The same few batches of training pictures every time, without augmentation."""
        cfg = self.config.trainer
        few = epoch_order(len(train), self.config.seed, epoch=0)[: cfg.precise_norm * cfg.batch_size]
        return fed.ordered_batches(Rows(train.rows[few], train.targets[few]), cfg.batch_size)
