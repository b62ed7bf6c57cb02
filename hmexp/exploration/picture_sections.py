"""The sections of the page on pictures: their sizes, colours and backgrounds, and which are the same."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hmexp.exploration.colours import BACKGROUNDS, COLOURS, backgrounds, colour_names
from hmexp.exploration.copies import groups_of
from hmexp.exploration.headers import sizes_of
from hmexp.exploration.survey import Pictures, Survey
from hmexp.exploration.thumbnails import Thumbnails
from hmexp.reports.catalogue import Bars, Line, Row, Scatter, Section, Segment, Sheet
from hmexp.reports.page import PageTable

MOST_SIZES = 300
"""Different sizes that are drawn, the most frequent."""
MOST_CLASSES = 40
MOST_GROUPS, MOST_OF_A_GROUP = 8, 6
KILOBYTE = 1000
EDGE = "What lies at the edge of the picture; with data.resize=pad that is the white border."


def pictures_section(survey: Survey) -> Section:
    """Dimensions, files, backgrounds and colours."""
    assert survey.pictures is not None
    pictures = survey.pictures
    blocks: list[Scatter | Bars | PageTable] = []
    if len(pictures.headers):
        blocks += [_scatter(pictures.headers), PageTable("The most frequent dimensions", _sizes(pictures.headers))]
        blocks.append(PageTable("Files", _files(pictures.headers)))
    places, labels = pictures.articles["look"].to_numpy(), pictures.articles["label"]
    names = colour_names(pictures.looks.colour)[places]
    blocks += [
        _shares("Backgrounds", EDGE, backgrounds(pictures.looks)[places], labels, BACKGROUNDS),
        _shares("Colours", "Of what stands out from the background, its mean.", names, labels, COLOURS),
    ]
    if len(pictures.quarantine):
        blocks.append(PageTable("Files that cannot be read", pictures.quarantine, "Their articles are left out."))
    return Section("pictures", "Sizes and colours", tuple(blocks), layout="beside" if len(pictures.headers) else "")


def copies_section(survey: Survey, thumbnails: Thumbnails) -> Section:
    """Equal and near-equal pictures, and variants of one product."""
    assert survey.pictures is not None
    pictures = survey.pictures
    sheets = [*_same(pictures, thumbnails), *_variants(pictures, thumbnails)]
    sizes = survey.catalogue.rows["group"].value_counts().value_counts().sort_index()
    table = pd.DataFrame({"articles of a product": sizes.index, "products": sizes.to_numpy()})
    title = "Products by how many articles they have"
    note = "Equal pictures have equal files; near-equal ones the same perceptual hash but for a few bits, and colours."
    return Section("copies", "Copies and variants", (*sheets, PageTable(title, table)), note, layout="flow")


def _scatter(headers: pd.DataFrame) -> Scatter:
    sizes = sizes_of(headers).head(MOST_SIZES)
    width, height = int(sizes["width"].max()), int(sizes["height"].max())
    radii = 0.6 + 6 * np.sqrt(sizes["count"] / len(headers))
    points = tuple(
        (100 * w / width, 100 * h / height, radius, f"{w:,} x {h:,}: {count:,} pictures")
        for (w, h, count), radius in zip(sizes.to_numpy().tolist(), radii, strict=True)
    )
    note = "Each circle is a size; its area is how many pictures have it."
    return Scatter("Dimensions", points, f"width, up to {width:,} pixels", f"height, up to {height:,} pixels", note)


def _sizes(headers: pd.DataFrame) -> pd.DataFrame:
    sizes = sizes_of(headers).head(10).to_numpy().tolist()
    rows = [(f"{w:,} x {h:,}", count, f"{count / len(headers):.1%}") for w, h, count in sizes]
    return pd.DataFrame(rows, columns=["width x height", "pictures", "share"])


def _files(headers: pd.DataFrame) -> pd.DataFrame:
    """Spread of width, height, shape and bytes; and the formats."""
    columns = {name: headers[name] for name in ("width", "height")}
    columns["width / height"] = headers["width"] / headers["height"]
    columns["kilobytes"] = headers["bytes"] / KILOBYTE
    rows = []
    for name, values in columns.items():
        marks = [f"{mark:,.2f}" if "/" in name else f"{mark:,.0f}" for mark in values.quantile([0, 0.05, 0.5, 0.95, 1])]
        rows.append((name, *marks))
    table = pd.DataFrame(rows, columns=["", "least", "5 %", "median", "95 %", "most"])
    formats = ", ".join(f"{name} {count:,}" for name, count in headers["format"].value_counts().items())
    return pd.concat([table, pd.DataFrame([("formats", formats, "", "", "", "")], columns=table.columns)])


def _shares(title: str, note: str, kinds: np.ndarray, labels: pd.Series, palette: Mapping[str, str]) -> Bars:
    """What part of each class's pictures is of each kind."""
    table = pd.crosstab(labels.to_numpy(), kinds, normalize="index")
    order = [str(label) for label in labels.value_counts().index[:MOST_CLASSES]]
    used = [name for name in palette if name in table]
    overall = pd.Series(kinds).value_counts(normalize=True)
    parts = {"all": overall} | {label: pd.Series(table.loc[label]) for label in order}
    rows = [_row(label, shares, used, palette) for label, shares in parts.items()]
    return Bars(title, tuple(rows), note, tuple((palette[name], name) for name in used))


def _row(label: str, shares: pd.Series, used: Sequence[str], palette: Mapping[str, str]) -> Row:
    parts = tuple(
        Segment(100 * float(shares[name]), palette[name], f"{name}: {shares[name]:.1%}")
        for name in used
        if shares.get(name)
    )
    return Row(label, (Line(parts, f"{shares.max():.0%} {shares.idxmax()}"),))


def _same(pictures: Pictures, thumbnails: Thumbnails) -> list[Sheet]:
    """The largest groups of the same picture; first those with several labels."""
    articles = pictures.articles.assign(near=pictures.copies.near[pictures.articles["look"]])
    several = articles.groupby("near")["label"].nunique()
    groups = groups_of(articles["near"].to_numpy())
    groups.sort(key=lambda group: several[articles["near"].iloc[group[0]]], reverse=True)
    sheets = []
    for group in groups[:MOST_GROUPS]:
        some = articles.iloc[group[:MOST_OF_A_GROUP]]
        labels = several[some["near"].iloc[0]]
        title = f"The same picture of {len(group):,} articles" + (f", with {labels} labels" if labels > 1 else "")
        sheets.append(_sheet(title, some, thumbnails))
    return sheets


def _variants(pictures: Pictures, thumbnails: Thumbnails) -> list[Sheet]:
    """The products with the most articles."""
    sizes = pictures.articles["group"].value_counts()
    sheets = []
    for product, count in sizes[sizes > 1].head(MOST_GROUPS // 2).items():
        some = pictures.articles[pictures.articles["group"] == product].head(2 * MOST_OF_A_GROUP)
        sheets.append(_sheet(f"Product {product}: {count:,} articles", some, thumbnails))
    return sheets


def _sheet(title: str, articles: pd.DataFrame, thumbnails: Thumbnails) -> Sheet:
    lines = list(zip(articles["article_id"], articles["label"], strict=True))
    return Sheet(title, thumbnails.of(articles["image"].tolist(), lines))
