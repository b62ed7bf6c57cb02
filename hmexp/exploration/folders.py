"""How the folders that pictures lie in go with their classes."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Folders:
    """The folders.

    Attributes:
        num: How many hold pictures of labelled articles.
        smallest: Pictures of the smallest.
        largest: Of the largest.
        classes: Classes that a folder holds, the mean over folders.
        purity: Share of the pictures that are of their folder's most frequent class; 1 where folders are classes.
        example: The largest folder.
    """

    num: int
    smallest: int
    largest: int
    classes: float
    purity: float
    example: str


def look_at_folders(rows: pd.DataFrame) -> Folders:
    """Compare folders with classes; `rows`: `image, label`, at least one."""
    folder = rows["image"].str.rpartition("/")[0]
    table = rows.groupby([folder.rename("folder"), rows["label"]]).size()
    of_folder = table.groupby(level="folder")
    sizes = of_folder.sum()
    return Folders(
        num=len(sizes),
        smallest=int(sizes.min()),
        largest=int(sizes.max()),
        classes=float(of_folder.size().mean()),
        purity=float(of_folder.max().sum() / len(rows)),
        example=str(sizes.idxmax()),
    )
