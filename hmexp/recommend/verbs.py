"""The verbs `embed` and `similar`."""

import shlex
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hmexp.config.invocation import Invocation
from hmexp.config.similar import EmbedConfig, SimilarConfig
from hmexp.console import log, on_stderr
from hmexp.files import place_of
from hmexp.recommend.embed import embeddings_of, find_source
from hmexp.recommend.embeddings import Embeddings
from hmexp.recommend.evaluate import evaluate_retrieval, other_models
from hmexp.recommend.gallery import gallery_of, missing
from hmexp.recommend.picture import query_of_picture, read_picture
from hmexp.recommend.show import show
from hmexp.recommend.similar import Filters, SimilarArticle, find_id, query_of_article, similar_articles


@dataclass(frozen=True)
class EmbedResult:
    """What `embed` gives to whoever called it.

    Attributes:
        embeddings: Of the catalogue.
        retrieval: With `evaluate`, a row a representation and metric; empty without it.
    """

    embeddings: Embeddings
    retrieval: pd.DataFrame


@dataclass(frozen=True)
class SimilarResult:
    """What `similar` gives to whoever called it.

    Attributes:
        articles: The nearest first.
        sheet: Of pictures; None where none was asked for.
    """

    articles: list[SimilarArticle]
    sheet: Path | None


def embed(config: EmbedConfig, invocation: Invocation) -> EmbedResult:
    """Embed a catalogue, unless that is done, and with `evaluate=true` measure what the features find.

    Raises:
        UserError: No such model, catalogue or place.
        RunError: Not one picture can be read.
    """
    source = find_source(config)
    others = other_models(config, source)
    embeddings = embeddings_of(source, config)
    shape = embeddings.vectors.shape
    log.info(f"{shape[0]:,} articles, {shape[1]:,} features each: {shlex.quote(str(embeddings.folder))}")
    retrieval = evaluate_retrieval(config, source, embeddings, others) if config.evaluate else pd.DataFrame()
    return EmbedResult(embeddings, retrieval)


def similar(config: SimilarConfig, invocation: Invocation) -> SimilarResult:
    """Print the articles that are like an article, or like a picture, and write a sheet of their pictures.

    The catalogue is embedded where that has not been done.

    Raises:
        UserError: No such model, catalogue, article, picture or place.
        RunError: Not one picture of the catalogue can be read.
    """
    if config.out is not None:
        place_of(config.out)
    with on_stderr() if config.format != "table" else nullcontext():
        source = find_source(config)
        picture = None
        if config.image is not None:
            picture = read_picture(config.image, source.card.image_size, source.card.resize)
        else:  # before a catalogue is embedded for nothing
            find_id(source.articles.rows["article_id"].tolist(), missing(source), str(config.article_id))
        gallery = gallery_of(source, embeddings_of(source, config), config.faiss_from)
        if picture is None:
            query = query_of_article(gallery, str(config.article_id))
        else:
            query = query_of_picture(picture, source, config)
        found = similar_articles(gallery, query, config.k, Filters(config.same_class, config.exclude_variants))
        return SimilarResult(found, show(config, source, gallery, query, found))
