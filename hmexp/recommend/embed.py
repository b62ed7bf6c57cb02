"""Embeddings of a catalogue by a model: those that are there, or computed in parts and kept."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hmexp.config.data import DataConfig
from hmexp.config.errors import RunError, UserError
from hmexp.config.similar import FeaturesConfig
from hmexp.console import log
from hmexp.inference.articles import Articles, catalogue_articles
from hmexp.inference.embedding_job import VECTOR, EmbeddingJob, vectors_of
from hmexp.inference.part_job import part_length, write_here
from hmexp.inference.parts import Parts
from hmexp.inference.pixels import pixel_source
from hmexp.inference.ray_runner import require_ray, write_with_ray
from hmexp.models.bundle import Card, read_card
from hmexp.recommend.embeddings import (
    Embeddings,
    embeddings_folder,
    embeddings_key,
    read_embeddings,
    write_blocks,
)
from hmexp.recommend.pretrained import pretrained_bundle
from hmexp.runner.backend import check_inference
from hmexp.runner.resume import run_config
from hmexp.tracking.bundles import FoundBundle, find_bundle, job_dir_of

COLUMNS = ("prod_name", "product_type_name", "department_name")
"""Of H&M's catalogue, what `similar` shows and what retrieval is measured by."""


@dataclass(frozen=True)
class Source:
    """Whose features, of which articles.

    Attributes:
        bundle: Of the model.
        card: Of the bundle.
        articles: Of the catalogue, with those of `COLUMNS` that it has.
    """

    bundle: FoundBundle
    card: Card
    articles: Articles

    @property
    def key(self) -> str:
        """What their embeddings are kept under."""
        card = self.card
        return embeddings_key(card.sha256, self.articles.picture_digest, card.image_size, card.resize)


def find_source(config: FeaturesConfig) -> Source:
    """The model and the catalogue that the configuration names; opens no picture.

    Raises:
        UserError: No such model or catalogue.
    """
    check_inference(config.backend, config.device)
    require_ray(config.runner)
    if config.model is not None and config.data is not None:
        bundle = pretrained_bundle(config.model, config.data, config)
    else:
        bundle = find_bundle(config.run, config.tracking, config.paths)
    data = config.data or data_of(bundle, config)
    card = read_card(bundle.folder)
    return Source(bundle, card, catalogue_articles(data, config.paths, COLUMNS))


def data_of(bundle: FoundBundle, config: FeaturesConfig) -> DataConfig:
    """The `data` section of the run that a model comes from.

    Raises:
        UserError: The run is not here.
    """
    job_dir = job_dir_of(bundle, config.paths)
    if job_dir is None:
        expected = "a catalogue (data=hm data.root=...)"
        raise UserError(f"data: expected {expected}, received none: the run of {bundle.name} is not here")
    return run_config(job_dir, config.paths, config.plugins).data


def is_embedded(source: Source, config: FeaturesConfig) -> bool:
    """Whether the embeddings of a catalogue are in the cache."""
    return embeddings_folder(config.paths, source.key).is_dir()


def embeddings_of(source: Source, config: FeaturesConfig) -> Embeddings:
    """The embeddings of a catalogue by a model, from the cache, or else computed; goes on where it was killed.

    Raises:
        RunError: Not one picture can be read.
        UserError: Another process computes them now.
    """
    card, digest, key = source.card, source.articles.picture_digest, source.key
    folder = embeddings_folder(config.paths, key)
    if folder.is_dir():
        try:
            return read_embeddings(folder)
        except UserError as error:
            log.warning(f"{error}; they are computed anew")
            shutil.rmtree(folder)
    rows, length = source.articles.rows, part_length(config)
    parts = Parts(folder, -(-len(rows) // length), "paths.cache")
    log.info(f"{source.articles.name}: {len(rows):,} articles, embedded by {source.bundle.name}")
    with parts.planned({"key": key, "part": length}):
        missing = parts.missing()
        if missing:
            write = write_with_ray if config.runner == "ray" else write_here
            pixels = pixel_source(source.articles, card.image_size, card.resize, config.paths)
            write(EmbeddingJob(config, pixels, source.bundle.folder, parts), rows, missing)
        return _merged(parts, source, digest)


def _merged(parts: Parts, source: Source, digest: str) -> Embeddings:
    """Make the folder of the parts."""
    rows = pd.concat([table.drop([VECTOR]).to_pandas() for table in parts.tables()], ignore_index=True)
    failed = rows["error"].notna()
    if failed.all():
        first = rows.iloc[0]
        raise RunError(f"none of {len(rows):,} pictures can be read; the first: {first['image']}: {first['error']}")
    kept, bad = rows[~failed], rows[failed]
    if len(bad):
        first = bad.iloc[0]
        log.warning(f"{len(bad):,} pictures cannot be read; the first: {first['image']}: {first['error']}")
    width = next(_vectors(parts)).shape[1]
    shape = np.broadcast_to(np.float16(0), (len(kept), width))
    like = Embeddings(
        kept["article_id"].tolist(),
        shape,
        source.card.sha256,
        digest,
        source.bundle.name,
        source.card.image_size,
        source.card.resize,
        images=kept["image"].tolist(),
        unreadable=bad.rename(columns={"error": "reason"}),
    )
    return write_blocks(like, _vectors(parts), parts.out)


def _vectors(parts: Parts) -> Iterator[np.ndarray]:
    for table in parts.tables():
        yield vectors_of(table)
