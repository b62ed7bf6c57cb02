"""What `clean` prints: what may go, kind by kind, and what stays."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import pandas as pd
from rich.filesize import decimal

from hmexp.cleaning.items import DAY, Age, Item
from hmexp.console import log
from hmexp.evaluation.tables import frame_table

K = TypeVar("K")
SHOWN = 5
"""Names, at most, of what is not hmexp's."""


def say_going(items: Sequence[Item], age: Age, limit: int) -> None:
    """A table of each kind, the largest first.

    Args:
        items: What may go.
        age: That knows what time it is.
        limit: Rows of each table.
    """
    if not items:
        log.info("nothing that may go")
    for kind, some in _grouped((item.kind, item) for item in items).items():
        rows = [
            {"what": item.name, "size": decimal(item.size), "days": _days(item, age), "why": item.reason}
            for item in sorted(some, key=lambda item: -item.size)
        ]
        more = f", the largest {limit}" if len(rows) > limit else ""
        title = f"{kind}: {len(rows):,}, {size_of(some)}{more}"
        log.info(frame_table(pd.DataFrame(rows[:limit]), title, wrapped="why"))


def say_staying(items: Sequence[Item], foreign: Sequence[Path]) -> None:
    """A line for each reason why something stays, and one for what is not hmexp's."""
    for (kind, why), some in _grouped(((item.kind, item.stays), item) for item in items).items():
        what = f"{kind.removesuffix('s')} {some[0].name}" if len(some) == 1 else f"{len(some):,} {kind}"
        log.info(f"stays: {what}, {size_of(some)}: {why}")
    if foreign:
        names = ", ".join(str(path) for path in foreign[:SHOWN])
        more = f" and {len(foreign) - SHOWN:,} more" if len(foreign) > SHOWN else ""
        log.info(f"stays, as it is not hmexp's: {names}{more}")


def size_of(items: Iterable[Item]) -> str:
    """Bytes of all, as a person reads them."""
    return str(decimal(sum(item.size for item in items)))


def _days(item: Item, age: Age) -> str:
    return f"{max(0.0, age.now - item.changed) / DAY:.1f}"


def _grouped(pairs: Iterable[tuple[K, Item]]) -> dict[K, list[Item]]:
    groups: dict[K, list[Item]] = defaultdict(list)
    for key, item in pairs:
        groups[key].append(item)
    return groups
