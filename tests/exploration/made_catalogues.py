"""Catalogues as tables, with the counts of the reference, and pictures that are only numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from hmexp.catalogue.manifest import own
from hmexp.catalogue.plan import plan
from hmexp.catalogue.read import Catalogue
from hmexp.config.data import HmData
from hmexp.config.strategies import GroupedSplit, NoBalance, NoMerge
from hmexp.exploration.alike import alike_by_look
from hmexp.exploration.copies import find_copies
from hmexp.exploration.looks import Looks
from hmexp.exploration.survey import Pictures, Survey

MISSING = 442
RGB = tuple[int, int, int]
WHITE: RGB = (255, 255, 255)


def shirt(colour: RGB, background: RGB = WHITE, seed: int = 0) -> Image.Image:
    """A block of a colour with a pattern of its own, before a background."""
    pixels = np.full((120, 80, 3), background, np.uint8)
    pattern = np.random.default_rng(seed).integers(0, 2, (8, 5)).repeat(10, 0).repeat(10, 1)
    pixels[20:100, 15:65] = np.where(pattern[..., None], colour, np.array(colour) // 2)
    return Image.fromarray(pixels)


def articles_of(counts: dict[str, int], colours: int = 2) -> pd.DataFrame:
    """Rows of a table in H&M's layout; each product has `colours` articles, and ids come in no order of classes."""
    labels = np.repeat(list(counts), list(counts.values()))
    numbers = np.arange(len(labels)) // colours * 1000 + np.arange(len(labels)) % colours + 1
    order = np.random.default_rng(0).permutation(len(labels) // colours + 1)
    ids = [f"{100_000_000 + 1000 * order[number // 1000] + number % 1000:010d}" for number in numbers]
    frame = pd.DataFrame({"article_id": ids, "label": labels})
    frame["group"] = frame["article_id"].str[:7]
    frame["image"] = "images/" + frame["article_id"].str[:3] + "/" + frame["article_id"] + ".jpg"
    frame[own("article_id")], frame[own("product_group_name")] = frame["article_id"], frame["label"]
    frame[own("index_name")] = np.where(np.arange(len(frame)) % 2, "Ladieswear", "Menswear")
    return frame


def catalogue_of(articles: pd.DataFrame, missing: int = 0) -> Catalogue:
    """The catalogue of these articles, `missing` of which have no picture."""
    gone = articles.sample(missing, random_state=0).index
    without = articles.loc[gone].assign(image=None).reset_index(drop=True)
    rows = articles.drop(gone).reset_index(drop=True)
    source = None  # nothing is read in these tests
    return Catalogue(
        "hm",
        rows,
        source,
        num_articles=len(articles),
        num_missing=missing,
        missing=without,  # type: ignore[arg-type]
    )


def config_of(**strategies: object) -> HmData:
    chosen = {"merge": NoMerge(), "balance": NoBalance(), "split": GroupedSplit()} | strategies
    return HmData(root=str(Path()), **chosen)  # type: ignore[arg-type]


def survey_of(catalogue: Catalogue, cfg: HmData, pictures: Pictures | None = None) -> Survey:
    return Survey(cfg, catalogue, *plan(cfg, catalogue), pictures)


def drawn_pictures(catalogue: Catalogue, sizes: list[tuple[int, int]]) -> Pictures:
    """Pictures that nobody drew: headers in turn of these sizes, looks from random numbers around a class's own."""
    rng = np.random.default_rng(0)
    articles = catalogue.rows.assign(look=np.arange(len(catalogue.rows)))
    own_look = {label: rng.integers(0, 256, (16, 16, 3)) for label in articles["label"].unique()}
    thumbnails = np.stack([own_look[label] for label in articles["label"]])
    thumbnails = np.clip(thumbnails + rng.normal(0, 40, thumbnails.shape), 0, 255).astype(np.uint8)
    num = len(articles)
    white = np.full((num, 3), 255, np.float32)
    hashes = rng.integers(0, 2**63, num, np.uint64)
    looks = Looks(tuple(articles["image"]), hashes, thumbnails, white, np.zeros(num, np.float32), white / 2)
    turn = [sizes[number % len(sizes)] for number in range(num)]
    headers = pd.DataFrame({"image": articles["image"], "format": "JPEG", "bytes": 1000})
    headers["width"], headers["height"] = zip(*turn, strict=True)
    copies = find_copies(looks, [f"{number}" for number in range(num)], 4)
    quarantine = pd.DataFrame(columns=["image", "reason"])
    alike = alike_by_look(articles, thumbnails)
    return Pictures(None, headers, looks, copies, alike, articles, quarantine)  # type: ignore[arg-type]
