"""The features of a catalogue's pictures on disk, kept for whoever searches them.

<cache>/embeddings/<key>/
    vectors.npy         float16 [articles, features], L2-normalised; numpy.load maps it
    articles.parquet    article_id, image; a row a vector
    unreadable.parquet  article_id, image, reason
    card.json           format, model, name, digest, image size, resize mode
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pandas as pd

from hmexp.config.errors import UserError
from hmexp.config.record import PathsConfig
from hmexp.store.decode import DECODER_VERSION

FORMAT_VERSION = 1
VECTORS, ARTICLES, UNREADABLE, CARD = "vectors.npy", "articles.parquet", "unreadable.parquet", "card.json"
CARD_FIELDS = ("model", "name", "digest", "image_size", "resize")
NO_PICTURES = pd.DataFrame({"article_id": [], "image": [], "reason": []}, dtype=str)


@dataclass(frozen=True)
class Embeddings:
    """Features of a catalogue's pictures.

    Attributes:
        article_ids: Of the articles whose picture can be read, sorted; one a vector.
        vectors: float16 `[articles, features]`, L2-normalised; a vector of zeros stays one.
        model: SHA-256 of the model file.
        digest: Of the catalogue's articles and pictures, 32 hexadecimal digits.
        name: Of the model, in words.
        image_size: Height and width that the pictures were brought to, in pixels.
        resize: How: `stretch`, `pad` or `crop`.
        images: Paths of the pictures, one a vector; empty where they were made without.
        unreadable: `article_id, image, reason` of pictures without a vector.
        folder: Where they lie; None where they are in memory alone.
    """

    article_ids: list[str]
    vectors: np.ndarray
    model: str
    digest: str
    name: str = ""
    image_size: int = 0
    resize: str = "stretch"
    images: list[str] = field(default_factory=list)
    unreadable: pd.DataFrame = field(default_factory=lambda: NO_PICTURES.copy())
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.article_ids):
            shape = list(self.vectors.shape)
            raise ValueError(f"expected vectors [{len(self.article_ids)}, features], received {shape}")


def embeddings_key(model: str, digest: str, image_size: int, resize: str) -> str:
    """32 hexadecimal digits over all that embeddings depend on.

    Args:
        model: SHA-256 of the model file.
        digest: Of the articles and their pictures.
        image_size: Height and width that the pictures are brought to, in pixels.
        resize: How.
    """
    parts = (model, digest, str(image_size), resize, DECODER_VERSION, str(FORMAT_VERSION))
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def embeddings_folder(paths: PathsConfig, key: str) -> Path:
    """Where the embeddings of a key lie."""
    return paths.cache_path / "embeddings" / key


def write_embeddings(embeddings: Embeddings, folder: Path) -> Embeddings:
    """Write embeddings that are in memory; the folder appears whole or not at all."""
    return write_blocks(embeddings, iter([embeddings.vectors]), folder)


def write_blocks(like: Embeddings, blocks: Iterator[np.ndarray], folder: Path) -> Embeddings:
    """Write embeddings whose vectors come block by block; the folder appears whole or not at all.

    Args:
        like: All but the vectors, of which it has the shape.
        blocks: float16 `[some articles, features]`, in the order of the articles.
        folder: Where they will lie.

    Returns:
        What was written, mapped.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    vectors = np.lib.format.open_memmap(partial / VECTORS, "w+", np.float16, like.vectors.shape)
    start = 0
    for block in blocks:
        vectors[start : start + len(block)] = block
        start += len(block)
    vectors.flush()
    images = like.images or [""] * len(like.article_ids)
    table = pd.DataFrame({"article_id": like.article_ids, "image": images}, dtype=str)
    table.to_parquet(partial / ARTICLES, index=False)
    like.unreadable.astype(str).to_parquet(partial / UNREADABLE, index=False)
    record = {"format": FORMAT_VERSION} | {name: getattr(like, name) for name in CARD_FIELDS}
    (partial / CARD).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)
    return read_embeddings(folder)


def read_embeddings(folder: Path) -> Embeddings:
    """Read embeddings; the vectors are mapped, not loaded.

    Raises:
        UserError: None there, or files that were changed.
    """
    try:
        record = json.loads((folder / CARD).read_text(encoding="utf-8"))
        articles, unreadable = (pd.read_parquet(folder / name) for name in (ARTICLES, UNREADABLE))
        vectors = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
        card = {name: record[name] for name in CARD_FIELDS}
        ids, images = articles["article_id"].tolist(), articles["image"].tolist()
        return Embeddings(ids, vectors, **card, images=images, unreadable=unreadable, folder=folder)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{folder}: expected embeddings as `embed` writes them, received {reason}") from None
