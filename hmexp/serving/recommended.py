"""Articles for a customer, from the table that `recommend` writes."""

import threading
from pathlib import Path

from hmexp.recommend.recommendations import TABLE_FILE, Recommendation, Recommendations


class NoTable(Exception):  # noqa: N818 (what is not there)
    """There is no table yet."""


class RecommendedTable:
    """A table that many threads read; one that is written later, or anew, is seen at the next request.

    Args:
        folder: That `recommend` writes.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / TABLE_FILE
        self._lock = threading.Lock()
        self._written = 0
        self._table: Recommendations | None = None

    def of(self, customer: str) -> tuple[Recommendation, ...] | None:
        """The articles of a customer, the best first; None where the table has no such customer.

        Raises:
            NoTable: There is none.
            UserError: A file that is no such table.
        """
        with self._lock:
            try:
                written = self.path.stat().st_mtime_ns
            except OSError:
                raise NoTable from None
            if self._table is None or written != self._written:
                self._table, self._written = Recommendations(self.path.parent), written
            return self._table.of(customer)
