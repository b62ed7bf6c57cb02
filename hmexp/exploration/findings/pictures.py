"""Findings on the pictures: sizes, backgrounds, unreadable ones, equal ones."""

import numpy as np
import pandas as pd

from hmexp.exploration.colours import backgrounds
from hmexp.exploration.copies import groups_of
from hmexp.exploration.findings.finding import FINE, NOTICE, PROBLEM, Finding, named, percent
from hmexp.exploration.survey import Pictures, Survey

DISTORTED = 0.05
"""Share of the pictures whose aspect ratio is far from the usual one, from which the way of resizing matters."""
FAR = 1.1
"""Ratio of two aspect ratios that are far from each other."""
SQUEEZED = 1.25
"""Ratio of height and width from which making a square of a picture is seen."""
FEWER, MORE = 0.15, 0.5
"""Difference of a class's share of uneven backgrounds from all pictures', and share of one kind of all of them."""


def unreadable(survey: Survey) -> list[Finding]:
    """Files that give no picture."""
    if survey.pictures is None:
        return []
    bad = survey.pictures.quarantine
    total = len(bad) + len(survey.pictures.looks)
    if bad.empty:
        return [Finding(FINE, "pictures", f"Every one of {total:,} picture files can be read")]
    share, limit = len(bad) / total, survey.cfg.max_bad_fraction
    first = bad.iloc[0]
    text = f"{len(bad):,} of {total:,} picture files ({percent(share)}) cannot be read (first {first['image']}: {first['reason']})"
    if share <= limit:
        return [Finding(NOTICE, "pictures", f"{text}; their articles are left out")]
    option = f"data.max_bad_fraction={np.ceil(100 * share) / 100:g}, once you have looked at them"
    return [Finding(PROBLEM, "pictures", f"{text}, more than {percent(limit)}: a training stops", option)]


def dimensions(survey: Survey) -> list[Finding]:
    """Sizes in pixels, and shapes."""
    if survey.pictures is None or survey.pictures.headers.empty:
        return []
    headers = survey.pictures.headers
    sizes = headers.groupby(["width", "height"]).size().sort_values(ascending=False)
    usual = f"{sizes.index[0][0]:,} x {sizes.index[0][1]:,}"
    if len(sizes) == 1:
        found = [Finding(FINE, "pictures", f"All pictures have the same dimensions, {usual}")]
    else:
        text = (
            f"Differing dimensions: {len(sizes):,} different ones, {percent(sizes.iloc[0] / len(headers))} are {usual}; widths "
            f"{headers['width'].min():,} to {headers['width'].max():,}, heights {headers['height'].min():,} to "
            f"{headers['height'].max():,} pixels"
        )
        found = [
            Finding(
                NOTICE,
                "pictures",
                text,
                f"all become {survey.cfg.image_size} x {survey.cfg.image_size}: data.image_size",
                True,
            )
        ]
    return [*found, *_shapes(survey, headers), *_too_small(survey, headers)]


def _shapes(survey: Survey, headers: pd.DataFrame) -> list[Finding]:
    """What making squares of them does."""
    aspect = headers["width"] / headers["height"]
    middle = float(aspect.median())
    off = float((np.maximum(aspect / middle, middle / aspect) > FAR).mean())
    chosen = survey.cfg.resize != "stretch"
    if off >= DISTORTED:
        text = f"{percent(off)} of the pictures have another shape than the usual one of {middle:.2f} to 1, and are distorted by as much more"
        return [Finding(NOTICE, "pictures", text, "data.resize=pad", chosen)]
    if max(middle, 1 / middle) >= SQUEEZED:
        text = f"Pictures are {middle:.2f} times as wide as high, all about alike, and are stretched to squares"
        return [Finding(NOTICE, "pictures", text, "data.resize=pad keeps their shape, with white borders", chosen)]
    return []


def _too_small(survey: Survey, headers: pd.DataFrame) -> list[Finding]:
    small = float((headers[["width", "height"]].min(axis=1) < survey.cfg.image_size).mean())
    if small < DISTORTED:
        return []
    text = f"{percent(small)} of the pictures are smaller than data.image_size={survey.cfg.image_size} and are blown up"
    side = int(headers[["width", "height"]].min(axis=1).median())
    return [Finding(NOTICE, "pictures", text, f"data.image_size={max(8, side)}")]


def background(survey: Survey) -> list[Finding]:
    """What the articles stand before."""
    if survey.pictures is None:
        return []
    kinds = pd.Series(backgrounds(survey.pictures.looks))
    shares = kinds.value_counts(normalize=True)
    text = f"{percent(shares.iloc[0])} of the pictures have a {shares.index[0]} background"
    if len(shares) > 1:
        text += f", {percent(shares.iloc[1])} a {shares.index[1]} one"
    found = [Finding(FINE if shares.iloc[0] >= MORE else NOTICE, "pictures", text)]
    articles = survey.pictures.articles
    uneven = (
        pd.Series((kinds != shares.index[0]).to_numpy()[articles["look"]])
        .groupby(articles["label"])
        .agg(["mean", "size"])
    )
    odd = uneven[(uneven["size"] >= 20) & (uneven["mean"] - uneven["mean"].median() > FEWER)]
    if len(odd):
        words = [f"{label} ({percent(share)})" for label, share in odd["mean"].sort_values(ascending=False).items()]
        text = f"Another background than {shares.index[0]} is much more frequent for {named(words)}: it may be learned instead of the article"
        found.append(
            Finding(NOTICE, "pictures", text, "augment=light, and look at a run's heat maps (figures/grad_cam)")
        )
    return found


def equal(survey: Survey) -> list[Finding]:
    """Equal and near-equal pictures, and what they do to labels and splits."""
    if survey.pictures is None:
        return []
    pictures = survey.pictures
    equals, nears = groups_of(pictures.copies.equal), groups_of(pictures.copies.near)
    if not nears:
        return [Finding(FINE, "copies", "No two pictures are equal, or nearly")]
    num_equal, num_near = sum(map(len, equals)), sum(map(len, nears))
    text = f"{num_equal:,} pictures have an equal one, and {num_near - num_equal:,} more a near-equal one"
    found = [Finding(NOTICE, "copies", text, "equal ones stay on one side of the split", True)]
    return [*found, *_doubtful(pictures), *_leaks(survey, pictures)]


def _doubtful(pictures: Pictures) -> list[Finding]:
    """The same picture with several labels."""
    articles = pictures.articles.assign(near=pictures.copies.near[pictures.articles["look"]])
    labels = articles.groupby("near")["label"].nunique()
    several = articles[articles["near"].isin(labels[labels > 1].index)]
    if several.empty:
        return []
    text = f"{len(several):,} articles have a picture, or nearly, that has another label elsewhere"
    return [Finding(PROBLEM, "copies", text, "look at them: one label of each is likely wrong")]


def _leaks(survey: Survey, pictures: Pictures) -> list[Finding]:
    """Near-equal pictures on two sides of the split."""
    near = dict(zip(pictures.looks.images, pictures.copies.near, strict=True))
    rows = survey.manifest.frame
    groups = rows["image"].map(near)
    in_train = set(groups[rows["split"] == "train"])
    found = []
    for split in ("val", "test"):
        of_split = groups[rows["split"] == split]
        num = int(of_split.isin(in_train).sum())
        if num:
            text = f"{num:,} of {len(of_split):,} pictures in {split} ({percent(num / len(of_split))}) have a near-equal one in train"
            option = "data/split=grouped, with products as groups (data.group_column of data=table)"
            found.append(Finding(PROBLEM if num > 0.01 * len(of_split) else NOTICE, "copies", text, option))
    return found
