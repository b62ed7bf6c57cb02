"""Cuts a command off before the n-th of some calls, as a kill would, without a process."""

from collections.abc import Sequence
from typing import Any

import pytest


def cut_off_before(patch: pytest.MonkeyPatch, calls: int, places: Sequence[tuple[Any, str]]) -> list[str]:
    """Lets `calls` calls of these functions through, and raises KeyboardInterrupt at the next.

    Args:
        patch: Puts the functions back.
        calls: How many are let through.
        places: Owner and name of each function.

    Returns:
        Names of the functions that were called; it grows.
    """
    done: list[str] = []

    def counted(name, call):
        def called(*arguments, **keywords):
            if len(done) == calls:
                raise KeyboardInterrupt
            done.append(name)
            return call(*arguments, **keywords)

        return called

    for owner, name in places:
        patch.setattr(owner, name, counted(name, getattr(owner, name)))
    return done
