"""What `similar` shows: a table on the terminal or for another program, and a sheet of pictures."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hmexp.config.similar import SimilarConfig
from hmexp.console import log
from hmexp.evaluation.tables import frame_table, print_frame
from hmexp.files import place_of
from hmexp.inference.pixels import pixel_source
from hmexp.recommend.embed import Source
from hmexp.recommend.picture import read_picture
from hmexp.recommend.similar import Gallery, Query, SimilarArticle
from hmexp.reports.sheets import similar_sheet
from hmexp.reports.style import save, shorten

SHEET_SIDE = 180
"""Height and width of a picture on the sheet, in pixels."""


def show(
    config: SimilarConfig, source: Source, gallery: Gallery, query: Query, found: Sequence[SimilarArticle]
) -> Path | None:
    """Print the table and write the sheet; gives the sheet's path."""
    table = _table(found)
    if config.format != "table":
        print_frame(table, config.format)
    elif len(table):
        log.info(frame_table(table.drop(columns="image"), f"like {_name(config, gallery, query)}", wrapped="name"))
    if len(found) < config.k:
        log.info(f"{len(found):,} articles, not {config.k:,}: there are no more that fit")
    if config.out is None:
        return None
    path = place_of(config.out)
    save(_sheet(config, source, gallery, query, found), path)
    log.info(f"sheet  {shlex.quote(str(path))}")
    return path


def _table(found: Sequence[SimilarArticle]) -> pd.DataFrame:
    rows = [(place, a.article_id, a.score, a.label, a.name, a.image) for place, a in enumerate(found, start=1)]
    return pd.DataFrame(rows, columns=["rank", "article_id", "score", "class", "name", "image"])


def _sheet(
    config: SimilarConfig, source: Source, gallery: Gallery, query: Query, found: Sequence[SimilarArticle]
) -> Figure:
    """The query on the left, what was found beside it."""
    own = [str(gallery.articles["image"].iloc[query.row])] if query.row >= 0 else []
    images = own + [article.image for article in found]
    pixels = pixel_source(source.articles, SHEET_SIDE, "pad", config.paths)
    pictures = next(pixels.batches(images, len(images))).pixels if images else np.zeros((0, SHEET_SIDE, SHEET_SIDE, 3))
    first = pictures[0] if own else read_picture(str(config.image), SHEET_SIDE, "pad")
    captions = [f"{shorten(a.article_id, 20)}\n{shorten(a.label, 20)}\n{a.score:.3f}" for a in found]
    name = _name(config, gallery, query)
    head = f"{shorten(name, 26)}\n{shorten(query.label, 26)}"
    title = f"{len(found)} of {len(gallery.articles):,} articles, the most similar first, by {source.bundle.name}"
    return similar_sheet(first, head, pictures[len(own) :], captions, shorten(title, 110))


def _name(config: SimilarConfig, gallery: Gallery, query: Query) -> str:
    return gallery.embeddings.article_ids[query.row] if query.row >= 0 else Path(str(config.image)).name
