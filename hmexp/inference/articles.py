"""What is classified: the articles of a catalogue, or pictures from anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pandas as pd

from hmexp.catalogue.manifest import Manifest, own, own_columns
from hmexp.catalogue.merge import merge
from hmexp.catalogue.pictures import PictureSource
from hmexp.catalogue.read import Catalogue, read_catalogue
from hmexp.catalogue.report import left_out
from hmexp.catalogue.root import FolderRoot, ZipRoot, find_root
from hmexp.catalogue.tables import read_table
from hmexp.config.data import MAX_PIXELS, DataConfig
from hmexp.config.errors import LabelColumnError, UserError, invalid
from hmexp.config.record import PathsConfig
from hmexp.config.verbs import PredictConfig
from hmexp.console import log

COLUMNS = ["article_id", "image", "label", "group"]
PATH_COLUMNS = ("image", "path", "file", "filename", "picture")
TABLE_ENDINGS = (".csv", ".gz", ".tsv", ".txt", ".parquet")


@dataclass(frozen=True)
class Articles:
    """What is classified.

    Attributes:
        name: Of the catalogue, the folder, the archive or the table.
        rows: `article_id, image, label, group`, sorted by id; label is empty where there is none. Then the columns of
            the catalogue that were asked for, under the names that `hmexp.catalogue.manifest.own` gives them.
        source: Of the pictures.
        staged: Pictures that a store of this catalogue would hold.
        max_pixels: Larger pictures are not decoded.
        without_picture: Ids of the catalogue's articles without a picture.
    """

    name: str
    rows: pd.DataFrame
    source: PictureSource
    staged: list[str]
    max_pixels: int
    without_picture: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """32 hexadecimal digits over ids, labels and the pictures' paths, sizes and versions."""
        return self._digest(["article_id", "image", "label"])

    @property
    def picture_digest(self) -> str:
        """The same without the labels."""
        return self._digest(["article_id", "image"])

    def _digest(self, columns: list[str]) -> str:
        content = pd.util.hash_pandas_object(self.rows[columns], index=False)
        there = {picture.path for picture in self.source.list()}
        known = [image for image in self.rows["image"] if image in there]
        return blake2b(
            content.to_numpy().tobytes() + self.source.fingerprint(known).encode(), digest_size=16
        ).hexdigest()


def find_articles(config: PredictConfig) -> Articles:
    """The articles that the configuration names; opens no picture.

    Raises:
        UserError: Neither or both of `data` and `source`, or one that is not there.
    """
    if (config.data is None) == (config.source is None):
        received = "neither" if config.data is None else "both"
        raise UserError(f"data: expected a catalogue (data=hm data.root=...) or source=..., received {received}")
    if config.data is not None:
        return catalogue_articles(config.data, config.paths)
    return _of_source(str(config.source), config.image_column)


def catalogue_articles(cfg: DataConfig, paths: PathsConfig, columns: Sequence[str] | None = ()) -> Articles:
    """The articles of a catalogue; opens no picture, and draws the sample where it is missing.

    Args:
        cfg: The `data` section.
        paths: Where the cache is.
        columns: Of the catalogue, that the rows shall have where it has them; None is all of them.

    Raises:
        UserError: A catalogue that is not there.
    """
    catalogue = _read(cfg, paths)
    catalogue.prepare()
    labelled = merge(cfg.merge, Manifest.from_rows(catalogue.rows))[0].frame if len(catalogue.rows) else catalogue.rows
    rows = pd.concat([labelled, catalogue.unlabelled], ignore_index=True)
    for warning in catalogue.warnings:
        log.warning(warning)
    if catalogue.num_missing:
        log.info(f"{catalogue.num_missing:,} articles have no picture and are left out")
    staged = sorted(catalogue.rows["image"].unique()) if len(catalogue.rows) else []
    wanted = own_columns(rows) if columns is None else columns
    kept = [own(name) for name in wanted if own(name) in rows]
    source, without = catalogue.source, catalogue.without_picture
    return Articles(catalogue.name, _sorted(rows, kept), source, staged, cfg.max_pixels, without)


def _read(cfg: DataConfig, paths: PathsConfig) -> Catalogue:
    """The catalogue, with or without labels."""
    try:
        return read_catalogue(cfg, paths.cache_path)
    except LabelColumnError as error:
        log.info(f"articles without labels ({error})")
        return read_catalogue(replace(cfg, label=""), paths.cache_path)


def _of_source(source: str, image_column: str | None) -> Articles:
    path = Path(source).expanduser().absolute()
    if path.is_file() and path.suffix.lower() in TABLE_ENDINGS:
        return _of_table(path, image_column)
    root = find_root(path)
    if root is None:
        raise invalid("source", "a folder, a zip archive or a table of paths", f"{source}, which is not there")
    pictures = root.pictures()
    images = [picture.path for picture in pictures.list()]
    for warning in left_out(pictures.left_out()):
        log.warning(warning)
    if not images:
        kind = "archive" if isinstance(root, ZipRoot) else "folder"
        raise UserError(f"source: expected a {kind} with pictures, received {path} without any")
    return _of_images(root.name, images, images, pictures)


def _of_table(path: Path, image_column: str | None) -> Articles:
    """The pictures that a table names, below its folder or absolute."""
    table = read_table(path, "source")
    columns = [str(name) for name in table.columns]
    usual = [name for name in columns if name.strip().lower() in PATH_COLUMNS]
    column = image_column or (columns[0] if len(columns) == 1 else next(iter(usual), None))
    if column not in columns:
        raise invalid("image_column", f"a column of {path.name} ({', '.join(columns)})", column or "none", columns)
    images = table[column].astype(str).str.strip()
    images = images[images != ""].drop_duplicates()
    source = FolderRoot(path.parent).named(images.tolist())
    if not source.list():
        first = next(iter(images), "none")
        raise UserError(
            f"source: expected paths of pictures in {column}, received none that is there (the first is {first})"
        )
    ids = table.loc[images.index, "article_id"].astype(str) if "article_id" in columns else images
    return _of_images(path.stem, ids.tolist(), images.tolist(), source)


def _of_images(name: str, ids: list[str], images: list[str], source: PictureSource) -> Articles:
    rows = pd.DataFrame({"article_id": ids, "image": images, "label": "", "group": ids})
    return Articles(name, _sorted(rows), source, images, MAX_PIXELS)


def _sorted(rows: pd.DataFrame, columns: Sequence[str] = ()) -> pd.DataFrame:
    order = np.argsort(rows["article_id"].to_numpy(dtype=object), kind="stable")
    return rows[[*COLUMNS, *columns]].astype(str).iloc[order].reset_index(drop=True)
