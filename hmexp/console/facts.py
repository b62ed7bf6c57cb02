"""Facts, a line each: a name and a value."""

from collections.abc import Sequence

from hmexp.console.lines import GAP
from hmexp.console.output import log


def say_facts(facts: Sequence[tuple[str, str]], whole: bool = True) -> None:
    """Say what something is, a line a fact.

    Args:
        facts: Name and value.
        whole: Whether values are paths, ids and commands, which are never broken; else they are words.
    """
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        layout = {"whole": True} if whole else {"hang": width + len(GAP)}
        log.info(f"{name:<{width}}{GAP}{value}", extra=layout)
