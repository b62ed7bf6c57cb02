"""The manifest: the rows of an experiment, and nothing that is not a row."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hmexp.config.strategies import SPLITS

COLUMNS = ("article_id", "image", "label", "target", "group", "split", "weight")
FOLDER_COLUMN = "folder"
"""Column that `data=folder` fills with the name of the folder above the class, or an empty string."""
OWN = "catalogue."
"""Before the names of the catalogue's own columns, so that none of them can be taken for one of ours."""
SPLIT_NAMES = {"train": "train", "val": "val", "validation": "val", "valid": "val", "test": "test"}


def own(column: str) -> str:
    """What a column of the catalogue is called beside ours."""
    return f"{OWN}{column}"


def own_columns(frame: pd.DataFrame) -> list[str]:
    """The catalogue's columns in a frame, under their own names."""
    return [str(name).removeprefix(OWN) for name in frame.columns if str(name).startswith(OWN)]


@dataclass(frozen=True)
class Manifest:
    """Rows of an experiment.

    Attributes:
        frame: `article_id, image, label, group, split, weight` (all strings but `weight`, float), one row an
            article (several where a strategy repeats it), sorted by id; further columns are the catalogue's, see `own`.
            `split` is empty before the split; `label` is the class after merging.
    """

    frame: pd.DataFrame

    @classmethod
    def from_rows(cls, frame: pd.DataFrame) -> "Manifest":
        """Make one from `article_id, image, label, group` and any further columns."""
        frame = frame.sort_values("article_id", kind="stable", ignore_index=True)
        return cls(frame.assign(split="", weight=1.0))

    def __len__(self) -> int:
        return len(self.frame)

    def with_frame(self, frame: pd.DataFrame) -> "Manifest":
        """The same with other rows."""
        return replace(self, frame=frame.reset_index(drop=True))

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes sorted by name; a class's place is its target."""
        return tuple(sorted(self.frame["label"].unique()))

    @property
    def targets(self) -> np.ndarray:
        """Targets of all rows, int64 `[rows]`."""
        return np.searchsorted(np.array(self.classes, dtype=object), self.frame["label"].to_numpy(dtype=object))

    def of_split(self, split: str) -> pd.DataFrame:
        """Rows of one split, with their `target`."""
        frame = self.frame.assign(target=self.targets)
        return frame[frame["split"] == split]

    def counts(self) -> pd.DataFrame:
        """Rows of each class (index) in `total, train, val, test`."""
        frame = self.frame
        table = pd.crosstab(frame["label"], frame["split"]).reindex(columns=list(SPLITS), fill_value=0)
        table.insert(0, "total", frame["label"].value_counts().reindex(table.index))
        return table.reindex(list(self.classes))

    def table(self) -> pd.DataFrame:
        """The rows with exactly the columns of `COLUMNS`, as they are saved."""
        return self.frame.assign(target=self.targets)[list(COLUMNS)]

    def digest(self, pictures: str) -> str:
        """32 hexadecimal digits over ids, labels, splits and the pictures' content digest."""
        rows = pd.util.hash_pandas_object(self.frame[["article_id", "label", "split"]], index=False)
        return hashlib.blake2b(rows.to_numpy().tobytes() + pictures.encode(), digest_size=16).hexdigest()
