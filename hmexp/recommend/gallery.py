"""The gallery of a catalogue: its embeddings, an index of them and what is known of the articles."""

from hmexp.catalogue.manifest import own
from hmexp.recommend.embed import Source
from hmexp.recommend.embeddings import Embeddings
from hmexp.recommend.index import FAISS_FROM, build_index
from hmexp.recommend.similar import Gallery, make_gallery

NAME = own("prod_name")
NO_PICTURE = "the catalogue has no picture of it"


def gallery_of(source: Source, embeddings: Embeddings, faiss_from: int = FAISS_FROM) -> Gallery:
    """The gallery of a catalogue's embeddings.

    Args:
        source: Of the embeddings.
        embeddings: See `hmexp.recommend.embed.embeddings_of`.
        faiss_from: Articles from which faiss searches.
    """
    rows = source.articles.rows
    names = rows.get(NAME, "")
    return make_gallery(embeddings, rows.assign(name=names), build_index(embeddings, faiss_from), missing(source))


def missing(source: Source) -> dict[str, str]:
    """Article -> that the catalogue has no picture of it."""
    return dict.fromkeys(source.articles.without_picture, NO_PICTURE)
