"""The table that `recommend` writes, a row a customer, and one customer's row of it in milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hmexp.config.errors import UserError

TABLE_FILE = "recommendations.parquet"
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("articles", pa.list_(pa.string())),
        ("scores", pa.list_(pa.float32())),
        ("sources", pa.list_(pa.string())),
    ]
)
"""Of the table, which is sorted by `customer_id`; the lists are as long as each other, the best article first."""
SOURCES = {
    "own": "bought before",
    "popular": "popular now in the age group",
    "together": "bought together with what was bought",
    "colours": "another colour of what was bought",
    "pictures": "looks like what was bought",
}
"""Source of a candidate -> why it is shown, in words."""


@dataclass(frozen=True)
class Recommendation:
    """One article for a customer.

    Attributes:
        article_id: Ten digits.
        score: Of the ranker; comparable within one customer alone.
        sources: Which candidates it was among: keys of `SOURCES`.
    """

    article_id: str
    score: float
    sources: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Why it is shown, in words."""
        return ", ".join(SOURCES.get(source, source) for source in self.sources)


class Recommendations:
    """A written table; opened once, it reads a few thousand rows of the file for each customer.

    A table that is replaced while it is open stays readable as it was. Instances may be shared by threads that each
    call `of` under a lock of the caller's: the file has one position.

    Args:
        folder: That `recommend` wrote (`out=`).

    Raises:
        UserError: There is no such table in it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / TABLE_FILE
        try:
            self._file = pq.ParquetFile(self.path)
            self._last = _last_of_groups(self._file.metadata)
        except (OSError, pa.ArrowInvalid, AttributeError) as error:
            expected = f"recommendations: expected a folder with {TABLE_FILE}, which recommend writes"
            raise UserError(f"{expected}, received {folder} ({' '.join(str(error).split())[:200]})") from None

    def __len__(self) -> int:
        """Customers of the table."""
        return int(self._file.metadata.num_rows)

    def of(self, customer_id: str) -> tuple[Recommendation, ...] | None:
        """The articles of one customer, the best first; None where the table has no such customer."""
        group = int(np.searchsorted(self._last, customer_id))
        if group == len(self._last):
            return None
        table = self._file.read_row_group(group)
        ids = table["customer_id"].to_numpy(zero_copy_only=False)
        row = int(np.searchsorted(ids, customer_id))
        if row == len(ids) or ids[row] != customer_id:
            return None
        lists = [table[name][row].as_py() for name in ("articles", "scores", "sources")]
        return tuple(
            Recommendation(article, float(score), tuple(source.split("+")))
            for article, score, source in zip(*lists, strict=True)
        )

    def some(self, num: int) -> Sequence[str]:
        """The first customers of the table."""
        if not len(self) or not num:
            return []
        ids: list[str] = self._file.read_row_group(0, columns=["customer_id"])["customer_id"].slice(0, num).to_pylist()
        return ids


def _last_of_groups(metadata: "pq.FileMetaData") -> np.ndarray:
    """The last customer of each row group, as the statistics of the file have it."""
    column = metadata.schema.names.index("customer_id")
    return np.array([metadata.row_group(i).column(column).statistics.max for i in range(metadata.num_row_groups)], str)
