"""How much is tried of what is alike: one case, or every one under `HMEXP_FAULTS=all`."""

import os
from typing import TypeVar

ALL = os.environ.get("HMEXP_FAULTS") == "all"
Case = TypeVar("Case")


def repeats(first: Case, *others: Case) -> list[Case]:
    """The cases of a test whose others go the way of the first: that one alone, without `HMEXP_FAULTS=all`."""
    return [first, *(others if ALL else ())]
