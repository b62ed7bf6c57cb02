"""All that is known of a catalogue once it has been looked at."""

from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from hmexp.catalogue.manifest import Manifest
from hmexp.catalogue.merge import merge
from hmexp.catalogue.read import Catalogue
from hmexp.catalogue.report import StrategyReport
from hmexp.config.data import DataConfig
from hmexp.config.explore import ExploreConfig
from hmexp.config.strategies import SPLITS
from hmexp.console import progress
from hmexp.datamodule import DataModule
from hmexp.exploration.alike import alike_by_look
from hmexp.exploration.columns import Column, look_at_columns
from hmexp.exploration.copies import Copies, find_copies
from hmexp.exploration.folders import Folders, look_at_folders
from hmexp.exploration.headers import read_headers
from hmexp.exploration.looks import Looks, look_at
from hmexp.store import Store


@dataclass(frozen=True)
class Pictures:
    """What the pictures gave.

    Attributes:
        store: Holds them.
        headers: See `read_headers`.
        looks: Of the stored pictures.
        copies: Of the same.
        alike: See `alike_by_look`; places are those of `articles`.
        articles: Labelled rows of the catalogue with `look`, the place of their picture in `looks`.
        quarantine: `image, reason`.
    """

    store: Store
    headers: pd.DataFrame
    looks: Looks
    copies: Copies
    alike: pd.DataFrame
    articles: pd.DataFrame
    quarantine: pd.DataFrame


@dataclass(frozen=True)
class Survey:
    """A catalogue, and what the strategies make of it.

    Attributes:
        cfg: The `data` section.
        catalogue: As it was read.
        manifest: What the strategies made of it.
        report: What each of them did.
        pictures: None where they were not looked at.
    """

    cfg: DataConfig
    catalogue: Catalogue
    manifest: Manifest
    report: StrategyReport
    pictures: Pictures | None = None

    @cached_property
    def articles(self) -> pd.DataFrame:
        """All rows: with and without a picture or a label."""
        parts = (self.catalogue.rows, self.catalogue.unlabelled, self.catalogue.missing)
        return pd.concat([part for part in parts if len(part)], ignore_index=True)

    @cached_property
    def counts(self) -> pd.Series:
        """Articles with a picture of each label, before merging, the most frequent first."""
        return self.catalogue.rows["label"].value_counts()

    @cached_property
    def classes(self) -> pd.DataFrame:
        """A row a class: `catalogue` (articles after merging), `train, val, test` (rows at the end), largest first."""
        merged = self.catalogue.rows["label"].map(self.merged).value_counts()
        table = self.report.counts.reindex(merged.index).fillna(0).astype(int)[list(SPLITS)]
        table.insert(0, "catalogue", merged)
        return table.rename_axis("class")

    @cached_property
    def merged(self) -> dict[str, str]:
        """Label -> class."""
        frame = self.catalogue.rows.drop_duplicates("label")
        after = merge(self.cfg.merge, Manifest.from_rows(self.catalogue.rows))[0].frame.set_index("article_id")["label"]
        return {label: str(after[article]) for label, article in zip(frame["label"], frame["article_id"], strict=True)}

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The table's columns."""
        return look_at_columns(self.articles)

    @cached_property
    def folders(self) -> Folders:
        """The folders of the pictures."""
        return look_at_folders(self.catalogue.rows)


def data_of(config: ExploreConfig) -> DataModule:
    """The data, not looked at yet; however many pictures cannot be read, that is a finding and ends nothing.

    Raises:
        UserError: No such catalogue, or a strategy that does not fit it.
    """
    return DataModule(replace(config.data, max_bad_fraction=1.0), config.paths, config.backend, trains=False)


def survey(config: ExploreConfig, data: DataModule) -> Survey:
    """Look at a catalogue: at its table, and with `config.pictures` at every picture.

    Raises:
        UserError: Not one picture that can be read.
    """
    if not config.pictures:
        return Survey(config.data, data.catalogue, data.manifest, data.report)
    store = data.prepare()
    data.setup()
    pictures = _look(data, store, config.max_distance)
    return Survey(config.data, data.catalogue, data.manifest, data.report, pictures)


def _look(data: DataModule, store: Store, max_distance: int) -> Pictures:
    bad = set(data.quarantine["image"])
    images = [image for image in data.images if image not in bad]
    headers = read_headers(data.catalogue.source, images)
    looks = look_at(store, images)
    with progress("comparing pictures"):
        copies = find_copies(looks, store.digests(images), max_distance)
    place = pd.Series(range(len(images)), index=images)
    rows = data.catalogue.rows
    articles = rows[~rows["image"].isin(bad)].reset_index(drop=True)
    articles = articles.assign(look=articles["image"].map(place))
    with progress("comparing classes"):
        alike = alike_by_look(articles, looks.thumbnails[articles["look"].to_numpy()])
    return Pictures(store, headers, looks, copies, alike, articles, data.quarantine)
