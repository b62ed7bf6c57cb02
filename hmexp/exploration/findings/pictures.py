"""Findings on the pictures: sizes, backgrounds, unreadable ones, equal ones."""

import numpy as np
import pandas as pd

from hmexp.config.strategies import GroupedSplit
from hmexp.exploration.colours import backgrounds
from hmexp.exploration.copies import groups_of
from hmexp.exploration.findings.finding import FINE, NOTICE, PROBLEM, Finding, named, percent
from hmexp.exploration.headers import sizes_of
from hmexp.exploration.survey import Pictures, Survey

DISTORTED = 0.05
"""Share of the pictures whose aspect ratio is far from the usual one, from which the way of resizing matters."""
FAR = 1.1
"""Ratio of two aspect ratios that are far from each other."""
SQUEEZED = 1.25
"""Ratio of height and width from which making a square of a picture is seen."""
EXCESS, MORE, FEWEST = 0.15, 0.5, 20
"""Share of a kind of background by which a class exceeds all pictures, share of the usual kind, and pictures of a
class, at least."""
LEAK = 0.01
"""Share of val or test with a near-equal picture in train, from which a score is flattered."""


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
    which = f"(the first is {first['image']}: {first['reason']})"
    text = f"Unreadable: {len(bad):,} of {total:,} picture files ({percent(share)}) {which}"
    if share <= limit:
        return [Finding(NOTICE, "pictures", f"{text}; their articles are left out")]
    option = f"`data.max_bad_fraction={np.ceil(100 * share) / 100:g}`, once you have looked at them"
    return [Finding(PROBLEM, "pictures", f"{text}, more than {percent(limit)}: a training stops", option)]


def dimensions(survey: Survey) -> list[Finding]:
    """Sizes in pixels, and shapes."""
    if survey.pictures is None or survey.pictures.headers.empty:
        return []
    headers = survey.pictures.headers
    sizes = sizes_of(headers)
    width, height, count = sizes.iloc[0].tolist()
    usual = f"{width:,} x {height:,}"
    if len(sizes) == 1:
        found = [Finding(FINE, "pictures", f"All pictures have the same dimensions, {usual}")]
    else:
        spread = [f"{name}s {headers[name].min():,} to {headers[name].max():,}" for name in ("width", "height")]
        which = f"{len(sizes):,} different ones, {percent(count / len(headers))} are {usual}"
        text = f"Differing dimensions: {which}; {', '.join(spread)} pixels"
        side = survey.cfg.image_size
        option = f"all become {side} x {side} pixels: `data.image_size={side}`"
        found = [Finding(NOTICE, "pictures", text, option, True)]
    return [*found, *_shapes(survey, headers), *_too_small(survey, headers)]


def _shapes(survey: Survey, headers: pd.DataFrame) -> list[Finding]:
    """What making squares of them does."""
    aspect = headers["width"] / headers["height"]
    middle = float(aspect.median())
    off = float((np.maximum(aspect / middle, middle / aspect) > FAR).mean())
    chosen = survey.cfg.resize != "stretch"
    if off >= DISTORTED:
        usual = f"{middle:.2f} times as wide as high"
        text = f"Shapes: {percent(off)} of the pictures are far from the usual one, {usual}, and all become squares"
        return [Finding(NOTICE, "pictures", text, "`data.resize=pad`", chosen)]
    if max(middle, 1 / middle) >= SQUEEZED:
        text = f"Pictures are {middle:.2f} times as wide as high, nearly all of them, and are stretched to squares"
        return [Finding(NOTICE, "pictures", text, "`data.resize=pad` keeps their shape, with white borders", chosen)]
    return []


def _too_small(survey: Survey, headers: pd.DataFrame) -> list[Finding]:
    small = float((headers[["width", "height"]].min(axis=1) < survey.cfg.image_size).mean())
    if small < DISTORTED:
        return []
    text = f"{percent(small)} of the pictures are smaller than data.image_size={survey.cfg.image_size} and are blown up"
    side = int(headers[["width", "height"]].min(axis=1).median())
    return [Finding(NOTICE, "pictures", text, f"`data.image_size={max(8, side)}`")]


def background(survey: Survey) -> list[Finding]:
    """What the articles stand before, and whether that tells their class."""
    if survey.pictures is None:
        return []
    kinds = backgrounds(survey.pictures.looks)
    shares = pd.Series(kinds).value_counts(normalize=True)
    words = [f"{percent(share)} {kind}" for kind, share in shares.head(3).items()]
    found = [Finding(FINE if shares.iloc[0] >= MORE else NOTICE, "pictures", f"Backgrounds: {', '.join(words)}")]
    labels = survey.pictures.articles["label"]
    table = pd.crosstab(labels.to_numpy(), kinds[survey.pictures.articles["look"]], normalize="index")
    table = table[labels.value_counts().reindex(table.index) >= FEWEST]
    of, all_ = table.to_numpy(float), shares.reindex(table.columns).to_numpy(float)
    odd = [(of[row, column], row, column) for row, column in np.argwhere(of - all_ > EXCESS)]
    if odd:
        words = [
            f"{table.index[row]} {table.columns[column]} ({percent(share)}, of all {percent(all_[column])})"
            for share, row, column in sorted(odd, reverse=True)
        ]
        text = f"Backgrounds that may be learned instead of the article: {named(words)}"
        option = "`augment=light`, and look at a run's heat maps (grad_cam)"
        found.append(Finding(NOTICE, "pictures", text, option))
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
    text = f"Equal pictures: {num_equal:,} with an equal file, {num_near:,} with an equal or near-equal picture"
    found = [Finding(NOTICE, "copies", text, "equal files stay on one side of the split", True)]
    return [*found, *_doubtful(pictures), *_leaks(survey, pictures)]


def _doubtful(pictures: Pictures) -> list[Finding]:
    """The same picture with several labels."""
    articles = pictures.articles.assign(near=pictures.copies.near[pictures.articles["look"]])
    labels = articles.groupby("near")["label"].nunique()
    several = articles[articles["near"].isin(labels[labels > 1].index)]
    if several.empty:
        return []
    text = f"Labels in doubt: {len(several):,} articles share a picture, or nearly, with one of another label"
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
            share = num / len(of_split)
            which = f"{num:,} of {len(of_split):,} pictures in {split} ({percent(share)})"
            text = f"Leak: {which} have a near-equal one in train"
            grouped = isinstance(survey.cfg.split, GroupedSplit)
            option = "look at them: they are of different products" if grouped else "`data/split=grouped`"
            found.append(Finding(PROBLEM if share > LEAK else NOTICE, "copies", text, option))
    return found
